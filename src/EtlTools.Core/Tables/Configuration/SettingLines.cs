using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>Where a table's settings stand in its file.</summary>
internal static class SettingLines
{
    // The names that a setting has in the generations of files.
    private static readonly Dictionary<string, string[]> OlderNames = new(StringComparer.Ordinal)
    {
        ["incremental_columns"] = ["incremental_column"],
        ["lookback"] = ["lookback_resync"],
        ["boolean_columns"] = ["column_overrides"],
        ["strategy"] = ["extraction_strategy"],
    };

    /// <summary>Of the value in the setting, else of the setting, else of the table; null where it was not read from a file.</summary>
    public static int? Find(TableConfig table, string? setting, string? value)
    {
        var found = setting is null ? null : new[] { setting }.Concat(OlderNames.GetValueOrDefault(setting) ?? [])
            .Select(name => (table.Entry?.Value as ConfigMap)?.Find(name)).FirstOrDefault(known => known is not null);
        var line = found is null ? table.Line : FindValue(found.Value, value)?.Line ?? found.Key.Line;
        return line > 0 ? line : null;
    }

    /// <summary>As a sentence's aside; nothing where there is no line.</summary>
    public static string Say(int? line) => line is { } known ? string.Create(CultureInfo.InvariantCulture, $" (line {known} of the configuration)") : "";

    private static ConfigScalar? FindValue(ConfigNode node, string? value) => value is null ? null : node switch
    {
        ConfigScalar scalar => scalar.Value == value ? scalar : null,
        ConfigList list => list.Items.Select(item => FindValue(item, value)).FirstOrDefault(found => found is not null),
        ConfigMap map => map.Entries.Select(entry => entry.Key.Value == value ? entry.Key : FindValue(entry.Value, value)).FirstOrDefault(found => found is not null),
        _ => null,
    };
}
