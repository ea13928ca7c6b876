using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>
/// Merges, setting by setting, what an analysis says into a file that was edited by hand since the last one. What the last
/// analysis said decides whose a difference is: the hand's, the source's, or both.
/// </summary>
/// <param name="preference">Whose value is taken where both have changed.</param>
internal sealed class TableConfigMerge(TableConfigPreference preference)
{
    private readonly List<TableConfigChange> _changes = [];

    public IReadOnlyList<TableConfigChange> Changes => _changes;

    /// <param name="last">Settings that the last analysis wrote, by table; null where nobody knows: every difference is then the hand's.</param>
    /// <param name="file">The tables of the file.</param>
    /// <param name="analyzed">Those of the analysis.</param>
    /// <param name="asked">Tables that were asked for by name: they come back where they were taken out by hand. Null: all.</param>
    public ConfigMap MergeTables(ConfigMap? last, ConfigMap file, ConfigMap analyzed, IReadOnlyCollection<string>? asked)
    {
        var entries = new List<ConfigEntry>();
        foreach (var entry in file.Entries)
        {
            var name = entry.Key.Value;
            var then = last?.Find(name)?.Value as ConfigMap;
            if (analyzed.Find(name)?.Value is ConfigMap now && entry.Value is ConfigMap settings)
            {
                entries.Add(entry with { Value = MergeTable(name, then, settings, now) });
            }
            else if (asked is not null || entry.Value is not ConfigMap || last is null || then is null)
            {
                // Nobody asked about it, or it was written by hand.
                entries.Add(entry);
            }
            else if (preference == TableConfigPreference.Analysis)
            {
                Note(name, null, TableConfigChangeKind.Removed, entry.Key.Line);
            }
            else
            {
                // A catalogue hides what a user may not read: the table may be there all the same.
                Note(name, null, TableConfigChangeKind.Conflict, entry.Key.Line);
                entries.Add(entry);
            }
        }

        foreach (var entry in analyzed.Entries.Where(entry => file.Find(entry.Key.Value) is null))
        {
            if (last?.Find(entry.Key.Value) is not null && asked is null)
            {
                Note(entry.Key.Value, null, TableConfigChangeKind.Kept, null);
                continue;
            }

            Note(entry.Key.Value, null, TableConfigChangeKind.Added, null);
            entries.Insert(1 + entries.FindLastIndex(known => string.CompareOrdinal(known.Key.Value, entry.Key.Value) < 0), entry);
        }

        return file with { Entries = entries };
    }

    public static ConfigMap WithoutMeasured(ConfigMap table) =>
        table with { Entries = [.. table.Entries.Where(entry => !TableConfigNodes.Measured.Contains(entry.Key.Value))] };

    public static bool IsSame(ConfigNode? one, ConfigNode? other) => (one, other) switch
    {
        (null, null) => true,
        (ConfigScalar { IsNull: true }, null) or (null, ConfigScalar { IsNull: true }) => true,
        (ConfigScalar a, ConfigScalar b) => a.Value == b.Value && a.IsNull == b.IsNull,
        (ConfigList a, ConfigList b) => a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => IsSame(pair.First, pair.Second)),

        // A single text is a list of one, and an empty list is none.
        (ConfigList { Items: [var single] }, ConfigScalar b) => IsSame(single, b),
        (ConfigScalar a, ConfigList { Items: [var single] }) => IsSame(a, single),
        (ConfigList { Items.Count: 0 }, null) or (null, ConfigList { Items.Count: 0 }) => true,
        (ConfigMap a, ConfigMap b) => a.Entries.Select(entry => entry.Key.Value).Union(b.Entries.Select(entry => entry.Key.Value))
            .All(key => IsSame(a.Find(key)?.Value, b.Find(key)?.Value)),
        _ => false,
    };

    private ConfigMap MergeTable(string name, ConfigMap? last, ConfigMap file, ConfigMap analyzed)
    {
        var merged = MergeMap(name, "", last, WithoutMeasured(file), WithoutMeasured(analyzed));
        var measured = analyzed.Entries.Where(entry => TableConfigNodes.Measured.Contains(entry.Key.Value)).ToList();
        if (HasGrownLittle(file, analyzed) && file.Find(TableConfigNodes.SchemaHash) is not null && IsSame(
            file.Find(TableConfigNodes.SchemaHash)?.Value, analyzed.Find(TableConfigNodes.SchemaHash)?.Value) && IsSame(merged, WithoutMeasured(file)))
        {
            // Nothing to tell: the file stays as it is to the letter.
            return file;
        }

        foreach (var entry in measured.Where(entry => entry.Key.Value != TableConfigNodes.LastAnalyzed))
        {
            if (file.Find(entry.Key.Value) is { } old && !IsSame(old.Value, entry.Value))
            {
                Note(name, entry.Key.Value, TableConfigChangeKind.Changed, old.Key.Line, old.Value, entry.Value);
            }
        }

        return merged with { Entries = [.. merged.Entries, .. measured] };
    }

    /// <summary>Servers estimate, and every estimate is a little different.</summary>
    private static bool HasGrownLittle(ConfigMap file, ConfigMap analyzed)
    {
        const double Little = 0.1;
        return new[] { TableConfigNodes.EstimatedRows, TableConfigNodes.EstimatedMegabytes }.All(key =>
            Number(file, key) is { } was && Number(analyzed, key) is { } now && Math.Abs(now - was) <= Little * Math.Max(1, was));
    }

    private static double? Number(ConfigMap table, string key) =>
        table.Find(key)?.Value is ConfigScalar scalar
        && double.TryParse(scalar.Value, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null;

    private ConfigMap MergeMap(string name, string path, ConfigMap? last, ConfigMap file, ConfigMap analyzed)
    {
        var entries = new List<ConfigEntry>();
        foreach (var entry in file.Entries)
        {
            if (Merge(name, path + entry.Key.Value, last?.Find(entry.Key.Value)?.Value, last is not null, entry, analyzed.Find(entry.Key.Value)?.Value) is { } value)
            {
                entries.Add(entry with { Value = value });
            }
        }

        foreach (var entry in analyzed.Entries.Where(entry => file.Find(entry.Key.Value) is null))
        {
            if (Merge(name, path + entry.Key.Value, last?.Find(entry.Key.Value)?.Value, last is not null, null, entry.Value) is { } value)
            {
                Insert(entries, entry with { Value = value }, analyzed);
            }
        }

        return file with { Entries = entries };
    }

    private ConfigNode? Merge(string name, string setting, ConfigNode? last, bool isLastKnown, ConfigEntry? entry, ConfigNode? analyzed)
    {
        var file = entry?.Value;
        if (file is ConfigMap fileMap && analyzed is ConfigMap analyzedMap)
        {
            return MergeMap(name, setting + ".", last as ConfigMap ?? (isLastKnown ? TableConfigNodes.Map([]) : null), fileMap, analyzedMap);
        }

        if (IsSame(file, analyzed))
        {
            return file ?? analyzed;
        }

        // A file that nobody has kept the last analysis of is the hand's work; what it says nothing about is not.
        var isHands = isLastKnown ? !IsSame(file, last) : file is not null;
        var isSources = isLastKnown ? !IsSame(analyzed, last) : analyzed is not null;
        var kind = (isHands, isSources) switch
        {
            (true, true) => TableConfigChangeKind.Conflict,
            (true, false) => TableConfigChangeKind.Kept,
            _ when file is null => TableConfigChangeKind.Added,
            _ when analyzed is null => TableConfigChangeKind.Removed,
            _ => TableConfigChangeKind.Changed,
        };
        Note(name, setting, kind, entry?.Key.Line, file, analyzed);
        var takesFile = kind == TableConfigChangeKind.Kept || kind == TableConfigChangeKind.Conflict && preference == TableConfigPreference.File;
        return takesFile ? file : analyzed;
    }

    /// <summary>After the setting that comes before it in the order of an analysis.</summary>
    private static void Insert(List<ConfigEntry> entries, ConfigEntry entry, ConfigMap order)
    {
        var keys = order.Entries.Select(known => known.Key.Value).ToList();
        var before = keys.GetRange(0, keys.IndexOf(entry.Key.Value));
        var place = entries.FindLastIndex(known => before.Contains(known.Key.Value));
        entries.Insert(place + 1, entry);
    }

    private void Note(string name, string? setting, TableConfigChangeKind kind, int? line, ConfigNode? file = null, ConfigNode? analyzed = null) =>
        _changes.Add(new TableConfigChange
        {
            Name = name,
            Setting = setting,
            Kind = kind,
            Current = file is null ? null : ConfigText.Inline(file),
            Analyzed = analyzed is null ? null : ConfigText.Inline(analyzed),
            Line = line is > 0 ? line : null,
        });
}
