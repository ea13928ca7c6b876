using EtlTools.Core.Configuration;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>From the nodes of a mapping file to the mapping, reporting whatever is wrong on the way.</summary>
internal sealed class MetricMapBuilder(ConfigSection root, string origin, ConfigMistakes mistakes)
{
    private readonly List<MetricType> _types = [];
    private readonly List<IosMetric> _iosMetrics = [];

    public MetricMap Build()
    {
        var units = new UnitTable(root, mistakes);
        ReadTypes(units);
        var map = new MetricMap
        {
            Origin = origin,
            Types = _types,
            IosMetrics = _iosMetrics,
            ValueFields = Names("value_fields"),
            TextValueFields = Names("text_value_fields"),
            UnitFields = Names("unit_fields"),
            IgnoredFields = Names("ignored_fields"),
            Lists = ReadLists(),
        };
        root.Node("extends");
        root.RejectUnknownKeys();
        return map;
    }

    private List<string> Names(string key) => root.Texts(key).Select(text => text.Value).ToList();

    private void ReadTypes(UnitTable units)
    {
        const string Expected = "a map from the type's name to its tables, columns, ...";
        var section = root.Section("types", "types");
        if (section is null || section.Map.Entries.Count == 0)
        {
            mistakes.Add(root.Place("types"), "the mapping has no types", Expected);
            return;
        }

        var iosNames = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in section.Map.Entries)
        {
            if (entry.Value is not ConfigMap map)
            {
                mistakes.Add(entry.Key, $"type {entry.Key.Value} has no settings", "at least tables and columns");
                continue;
            }

            var type = new ConfigSection(map with { Line = entry.Key.Line }, $"type {entry.Key.Value}", mistakes);
            var builder = new MetricTypeBuilder(type, entry.Key.Value, _types.Count, units, mistakes);
            _types.Add(builder.Build());
            foreach (var (place, metric) in builder.IosMetrics)
            {
                if (iosNames.TryAdd(metric.Name, place.Line))
                {
                    _iosMetrics.Add(metric);
                }
                else
                {
                    mistakes.Add(place, $"the iOS name {metric.Name} stands here a second time (first in line {iosNames[metric.Name]})", "each name once");
                }
            }
        }
    }

    private Dictionary<string, MetricType> ReadLists()
    {
        var lists = new Dictionary<string, MetricType>(StringComparer.Ordinal);
        foreach (var entry in root.Section("lists", "lists")?.Map.Entries ?? [])
        {
            var name = (entry.Value as ConfigScalar)?.Value ?? "";
            if (_types.Find(type => type.Name == name) is { } type)
            {
                lists.Add(entry.Key.Value, type);
            }
            else
            {
                mistakes.Add(
                    entry.Key,
                    $"list {entry.Key.Value} is of type '{name}', which is not there",
                    "the name of a type",
                    Nearest.Find(name, _types.Select(known => known.Name)));
            }
        }

        return lists;
    }
}
