namespace EtlTools.Core.Configuration;

/// <summary>A piece of a YAML file that knows where it stands.</summary>
internal abstract record ConfigNode(string Path, int Line);

/// <param name="Path">The file, or built-in:NAME.</param>
/// <param name="Line">1-based.</param>
/// <param name="Value">The text.</param>
/// <param name="IsPlain">Not in quotes: only such a text can mean null.</param>
internal sealed record ConfigScalar(string Path, int Line, string Value, bool IsPlain) : ConfigNode(Path, Line)
{
    public bool IsNull => IsPlain && Value is "" or "~" or "null";
}

internal sealed record ConfigList(string Path, int Line, IReadOnlyList<ConfigNode> Items) : ConfigNode(Path, Line);

internal sealed record ConfigEntry(ConfigScalar Key, ConfigNode Value);

internal sealed record ConfigMap(string Path, int Line, IReadOnlyList<ConfigEntry> Entries) : ConfigNode(Path, Line)
{
    public ConfigEntry? Find(string key) => Entries.FirstOrDefault(entry => entry.Key.Value == key);

    /// <summary>This map laid over another: maps are merged key by key, anything else is replaced.</summary>
    public ConfigMap Over(ConfigMap basis, params IEnumerable<string> replacedWhole)
    {
        var entries = basis.Entries.Select(old => Find(old.Key.Value) switch
        {
            null => old,
            { Value: ConfigMap map } entry when old.Value is ConfigMap oldMap && !replacedWhole.Contains(old.Key.Value) =>
                new ConfigEntry(entry.Key, map.Over(oldMap, replacedWhole)),
            var entry => entry,
        });
        var added = Entries.Where(entry => basis.Find(entry.Key.Value) is null);
        return this with { Entries = [.. entries, .. added] };
    }
}
