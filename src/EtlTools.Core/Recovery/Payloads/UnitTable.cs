using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Reads what units become others.</summary>
internal sealed class UnitTable
{
    private const string Expected = "a factor, or {factor: NUMBER, offset: NUMBER}";

    private readonly ConfigMistakes _mistakes;
    private readonly Dictionary<string, List<UnitConversion>> _units = new(StringComparer.Ordinal);

    public UnitTable(ConfigSection root, ConfigMistakes mistakes)
    {
        _mistakes = mistakes;
        foreach (var entry in root.Section("units", "units")?.Map.Entries ?? [])
        {
            if (entry.Value is ConfigMap map)
            {
                _units.Add(entry.Key.Value, Read(map, entry.Key.Value));
            }
            else
            {
                mistakes.Add(entry.Key, $"unit {entry.Key.Value} has no other units", "a map from the other units to factors");
            }
        }
    }

    /// <summary>What becomes a unit: the column's own conversions, then those of the file.</summary>
    public List<UnitConversion> For(string unit, ConfigSection? own) =>
        [.. own is null ? [] : Read(own.Map, unit), .. _units.GetValueOrDefault(unit) ?? []];

    private List<UnitConversion> Read(ConfigMap map, string unit)
    {
        var conversions = new List<UnitConversion>();
        foreach (var entry in map.Entries)
        {
            var title = $"{entry.Key.Value} as {unit}";
            var isWhole = entry.Value is ConfigMap;
            var section = isWhole ? new ConfigSection((ConfigMap)entry.Value, title, _mistakes) : null;
            var factor = section is null ? Number(entry.Value, title) : section.Node("factor") is { } node ? Number(node, title) : 1;
            var offset = section?.Node("offset") is { } offsetNode ? Number(offsetNode, title) : 0;
            section?.RejectUnknownKeys();
            if (factor == 0)
            {
                _mistakes.Add(entry.Key, $"{title} has the factor 0", Expected);
            }

            conversions.Add(new UnitConversion(entry.Key.Value, factor ?? 1, offset ?? 0));
        }

        return conversions;
    }

    private double? Number(ConfigNode node, string title)
    {
        if (node is ConfigScalar scalar && double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number))
        {
            return number;
        }

        _mistakes.Add(node, $"{title} is not a number", Expected);
        return null;
    }
}
