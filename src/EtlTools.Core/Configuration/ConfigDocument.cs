using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace EtlTools.Core.Configuration;

/// <summary>Turns YAML text into nodes that know their lines. Keys are texts, and a key occurs once.</summary>
internal sealed class ConfigDocument
{
    // Anchors and aliases could make a small file expand without end.
    private const int MaxNodes = 200_000;
    private const int MaxDepth = 50;

    private readonly IParser _parser;
    private readonly string _path;
    private readonly ConfigMistakes _mistakes;
    private readonly Dictionary<string, ConfigNode> _anchors = new(StringComparer.Ordinal);
    private int _nodes;

    private ConfigDocument(string yaml, string path, ConfigMistakes mistakes)
    {
        _parser = new Parser(new StringReader(yaml));
        _path = path;
        _mistakes = mistakes;
    }

    /// <summary>The map that a file consists of; null, and a mistake, where it is not one.</summary>
    public static ConfigMap? Parse(string yaml, string path, ConfigMistakes mistakes)
    {
        var document = new ConfigDocument(yaml, path, mistakes);
        try
        {
            return document.ReadDocument();
        }
        catch (Exception error) when (error is YamlException or InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            var (line, words) = document.Locate(error, yaml);
            mistakes.Add(path, line, $"this is not YAML ({words})", "'key: value', indented by spaces");
            return null;
        }
    }

    private (int Line, string Words) Locate(Exception error, string yaml)
    {
        // The most frequent cause, for which the library names a line far above.
        var tab = Array.FindIndex(yaml.Split('\n'), line => line.TrimStart(' ').StartsWith('\t'));
        if (tab >= 0)
        {
            return (tab + 1, "the line is indented by a tab");
        }

        if (error is not YamlException fault)
        {
            // The library's scanner fails on some texts without saying where: it is after the last thing that was read.
            return ((int)(_parser.Current?.End.Line ?? 1), "here or in the next lines");
        }

        // The start is where a construct began, the end where it went wrong; a quote that is not closed goes wrong at the
        // end of the file.
        var words = Words(fault);
        return ((int)(words.Contains("quoted", StringComparison.Ordinal) ? fault.Start : fault.End).Line, words);
    }

    private ConfigMap? ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            _mistakes.Add(_path, 1, "the file is empty", "keys and values");
            return null;
        }

        _parser.Consume<DocumentStart>();
        var root = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Current is DocumentStart second)
        {
            _mistakes.Add(_path, (int)second.Start.Line, "a second document begins here", "one document a file");
        }

        if (root is ConfigMap map)
        {
            return map;
        }

        _mistakes.Add(_path, root?.Line ?? 1, "the file does not begin with a key", "keys and values");
        return null;
    }

    private ConfigNode ReadNode(int depth)
    {
        var start = _parser.Current!.Start;
        if (++_nodes > MaxNodes || depth > MaxDepth)
        {
            throw new YamlException(start, start, "the file is too large or nested too deeply");
        }

        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return _anchors.TryGetValue(alias.Value.Value, out var known)
                ? known
                : throw new YamlException(start, start, "an alias that no anchor defines");
        }

        if (_parser.Current is not NodeEvent { Anchor: var anchor })
        {
            throw new YamlException(start, start, "a value is missing");
        }

        var node = _parser.Current switch
        {
            Scalar => ReadScalar(),
            SequenceStart => ReadList(depth),
            _ => (ConfigNode)ReadMap(depth),
        };
        if (!anchor.IsEmpty)
        {
            _anchors[anchor.Value] = node;
        }

        return node;
    }

    private ConfigScalar ReadScalar()
    {
        var scalar = _parser.Consume<Scalar>();
        return new ConfigScalar(_path, (int)scalar.Start.Line, scalar.Value, scalar.Style == ScalarStyle.Plain);
    }

    private ConfigList ReadList(int depth)
    {
        var start = _parser.Consume<SequenceStart>();
        var items = new List<ConfigNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode(depth + 1));
        }

        return new ConfigList(_path, (int)start.Start.Line, items);
    }

    private ConfigMap ReadMap(int depth)
    {
        var start = _parser.Consume<MappingStart>();
        var entries = new List<ConfigEntry>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is not ConfigScalar name)
            {
                _mistakes.Add(key, "a key that is not a text", "a name");
            }
            else if (lines.TryGetValue(name.Value, out var first))
            {
                _mistakes.Add(name, $"'{name.Value}' stands here a second time (first in line {first})", "each key once");
            }
            else
            {
                lines.Add(name.Value, name.Line);
                entries.Add(new ConfigEntry(name, value));
            }
        }

        return new ConfigMap(_path, (int)start.Start.Line, entries);
    }

    // The library puts the position before its words; it is said already.
    private static string Words(YamlException error)
    {
        var end = error.Message.LastIndexOf("): ", StringComparison.Ordinal);
        return (end < 0 ? error.Message : error.Message[(end + 3)..]).TrimEnd('.').ToLowerInvariant();
    }
}
