using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>Writes nodes as YAML, with the comments that stood beside them.</summary>
internal sealed class ConfigText
{
    private const string KeySeparator = "\0";

    // Anything else is put in quotes: colons, hashes, words that mean something else.
    private static readonly Regex Plain = new(@"^[A-Za-z0-9_][A-Za-z0-9_.%/()+-]*( [A-Za-z0-9_.%/()+-]+)*$", RegexOptions.CultureInvariant);

    private static readonly string[] Meaningful = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

    private readonly StringBuilder _text = new();
    private readonly ConfigComments _comments;

    private ConfigText(ConfigComments comments) => _comments = comments;

    public static string Write(ConfigMap root, ConfigComments comments)
    {
        var text = new ConfigText(comments);
        text.WriteMap(root, "", 0);
        text.WriteLines(comments.Last, "");
        return text._text.ToString();
    }

    public static string PathOf(string above, string key) => above + KeySeparator + key;

    /// <summary>On one line: a text as it is, a list in brackets.</summary>
    public static string Inline(ConfigNode? node) => node switch
    {
        null => "",
        ConfigScalar scalar => Quote(scalar),
        ConfigList list => $"[{string.Join(", ", list.Items.Select(Inline))}]",
        ConfigMap map => $"{{{string.Join(", ", map.Entries.Select(entry => $"{Quote(entry.Key)}: {Inline(entry.Value)}"))}}}",
        _ => throw new InvalidOperationException("A node of a kind that nobody knows."),
    };

    private void WriteMap(ConfigMap map, string path, int depth)
    {
        var indent = new string(' ', depth * 2);
        foreach (var entry in map.Entries)
        {
            var place = PathOf(path, entry.Key.Value);
            WriteLines(_comments.Before(place), indent);
            _text.Append(indent).Append(Quote(entry.Key)).Append(':');
            if (entry.Value is ConfigMap { Entries.Count: > 0 } below)
            {
                EndLine(place);
                WriteMap(below, place, depth + 1);
            }
            else
            {
                if (Inline(entry.Value) is { Length: > 0 } value)
                {
                    _text.Append(' ').Append(value);
                }

                EndLine(place);
            }
        }
    }

    private void EndLine(string place)
    {
        if (_comments.Beside(place) is { } comment)
        {
            _text.Append("  ").Append(comment);
        }

        _text.Append('\n');
    }

    private void WriteLines(IEnumerable<string> comments, string indent)
    {
        foreach (var comment in comments)
        {
            _text.Append(comment.Length == 0 ? "" : indent).Append(comment).Append('\n');
        }
    }

    private static string Quote(ConfigScalar scalar)
    {
        var value = scalar.Value;
        if (scalar.IsPlain && value.Length == 0)
        {
            return "";
        }

        if (Plain.IsMatch(value) && (scalar.IsPlain || !Meaningful.Contains(value.ToLowerInvariant())))
        {
            return value;
        }

        if (scalar.IsNull)
        {
            return "null";
        }

        var text = new StringBuilder("\"");
        foreach (var character in value)
        {
            text.Append(character switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}"),
                _ => character.ToString(),
            });
        }

        return text.Append('"').ToString();
    }
}
