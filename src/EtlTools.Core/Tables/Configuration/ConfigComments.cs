using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>The comments of a YAML file by the settings that they stand above or beside, so that they outlive a rewriting.</summary>
internal sealed class ConfigComments
{
    private readonly Dictionary<string, List<string>> _before = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _beside = new(StringComparer.Ordinal);

    /// <summary>At the end of the file.</summary>
    public IReadOnlyList<string> Last { get; private set; } = [];

    public IEnumerable<string> Before(string path) => _before.GetValueOrDefault(path) ?? [];

    public string? Beside(string path) => _beside.GetValueOrDefault(path);

    /// <summary>Comments that stand above the first setting of a new file.</summary>
    public static ConfigComments Of(string firstKey, params IReadOnlyList<string> lines)
    {
        var comments = new ConfigComments();
        comments._before[ConfigText.PathOf("", firstKey)] = [.. lines];
        return comments;
    }

    public static ConfigComments Read(string yaml, ConfigMap root)
    {
        var comments = new ConfigComments();
        var keys = new Dictionary<int, string>();
        Collect(root, "", keys);
        var pending = new List<string>();
        var lines = yaml.ReplaceLineEndings("\n").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var text = lines[i].Trim();
            if (keys.TryGetValue(i + 1, out var path))
            {
                if (pending.Exists(line => line.Length > 0))
                {
                    comments._before[path] = pending;
                }

                pending = [];
                if (FindComment(lines[i]) is { } beside)
                {
                    comments._beside[path] = beside;
                }
            }
            else if (text.StartsWith('#') || text.Length == 0 && pending.Count > 0)
            {
                pending.Add(text);
            }
            else if (FindComment(lines[i]) is { } amid)
            {
                pending.Add(amid);
            }
        }

        while (pending.Count > 0 && pending[^1].Length == 0)
        {
            pending.RemoveAt(pending.Count - 1);
        }

        comments.Last = pending;
        return comments;
    }

    private static void Collect(ConfigMap map, string path, Dictionary<int, string> keys)
    {
        foreach (var entry in map.Entries)
        {
            var place = ConfigText.PathOf(path, entry.Key.Value);
            keys.TryAdd(entry.Key.Line, place);
            if (entry.Value is ConfigMap below)
            {
                Collect(below, place, keys);
            }
        }
    }

    /// <summary>What follows a # that stands after a space and not in quotes.</summary>
    private static string? FindComment(string line)
    {
        var quote = '\0';
        for (var i = 0; i < line.Length; i++)
        {
            if (quote != '\0')
            {
                quote = line[i] == quote && !(quote == '"' && line[i - 1] == '\\') ? '\0' : quote;
            }
            else if (line[i] is '"' or '\'')
            {
                quote = line[i];
            }
            else if (line[i] == '#' && i > 0 && line[i - 1] is ' ' or '\t')
            {
                return line[i..].TrimEnd();
            }
        }

        return null;
    }
}
