using System.Globalization;
using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Reads one type of a mapping file.</summary>
internal sealed class MetricTypeBuilder(ConfigSection section, string name, int index, UnitTable units, ConfigMistakes mistakes)
{
    // Given by the database, or by the ingestion.
    private static readonly string[] OwnColumns = ["id", "user_id", "created_at"];

    private static readonly Dictionary<string, MetricKind> Kinds = new(StringComparer.Ordinal)
    {
        ["number"] = MetricKind.Number,
        ["integer"] = MetricKind.Integer,
        ["text"] = MetricKind.Text,
        ["boolean"] = MetricKind.Boolean,
        ["time"] = MetricKind.Time,
        ["json"] = MetricKind.Json,
        ["uuid"] = MetricKind.Uuid,
    };

    private readonly List<MetricColumn> _columns = [];
    private readonly List<(ConfigScalar Place, string Column)> _columnIosNames = [];

    /// <summary>The iOS names that the type takes, each with where it stands.</summary>
    public List<(ConfigNode Place, IosMetric Metric)> IosMetrics { get; } = [];

    public MetricType Build()
    {
        var tables = section.Texts("tables");
        if (tables.Count == 0)
        {
            mistakes.Add(section.Place("tables"), $"type {name} has no tables", "the name of its table, or a list of the names it may have");
        }

        foreach (var table in tables.Where(table => SqlIdentifier.FindFault(table.Value) is not null))
        {
            mistakes.Add(table, $"a table of type {name} {SqlIdentifier.FindFault(table.Value)}", "a name of 1 to 63 bytes");
        }

        ReadColumns();
        var type = new MetricType
        {
            Name = name,
            Index = index,
            Tables = tables.Select(table => table.Value).ToList(),
            Columns = _columns,
            IgnoredFields = section.Texts("ignored_fields").Select(field => field.Value).ToList(),
            Rules = ReadRules(),
            Paired = ReadPaired(),
        };
        ReadIosNames(type);
        section.RejectUnknownKeys();
        return type;
    }

    private void ReadColumns()
    {
        var columns = section.Section("columns", $"the columns of type {name}");
        if (columns is null || columns.Map.Entries.Count == 0)
        {
            mistakes.Add(section.Place("columns"), $"type {name} has no columns", "a map from the column's name to its kind, fields, unit, ...");
            return;
        }

        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in columns.Map.Entries)
        {
            if (entry.Value is not ConfigMap map)
            {
                mistakes.Add(entry.Key, $"column {entry.Key.Value} of type {name} has no settings", "at least kind");
                continue;
            }

            var column = ReadColumn(entry.Key, new ConfigSection(map with { Line = entry.Key.Line }, $"column {entry.Key.Value} of type {name}", mistakes));
            foreach (var field in column.Fields.Where(field => !fields.TryAdd(field, column.Name)))
            {
                mistakes.Add(entry.Key, $"field {field} of type {name} goes into {fields[field]} and into {column.Name}", "one column for each field");
            }

            _columns.Add(column);
        }

        if (!_columns.Exists(column => column.IsKey))
        {
            mistakes.Add(section.Place("columns"), $"type {name} has no key", "key: true at the columns that, with user_id, tell one row from another");
        }
    }

    private MetricColumn ReadColumn(ConfigScalar column, ConfigSection settings)
    {
        if (SqlIdentifier.FindFault(column.Value) is { } fault)
        {
            mistakes.Add(column, $"a column of type {name} {fault}", "a name of 1 to 63 bytes");
        }

        if (OwnColumns.Contains(column.Value))
        {
            mistakes.Add(column, $"column {column.Value} of type {name} is not the payload's to give", "the columns that a metric fills");
        }

        if (settings.Node("kind") is null)
        {
            mistakes.Add(settings.Place("kind"), $"column {column.Value} of type {name} has no kind", string.Join(" or ", Kinds.Keys));
        }

        var kind = settings.Choice("kind", Kinds, MetricKind.Text);
        var unit = settings.Text("unit");
        var own = settings.Section("units", $"units of column {column.Value}");
        var (minimum, maximum) = ReadRange(settings);
        var result = new MetricColumn
        {
            Name = column.Value,
            Ordinal = _columns.Count,
            Kind = kind,
            Fields = settings.Texts("fields").Select(field => field.Value).Prepend(column.Value).Distinct(StringComparer.Ordinal).ToList(),
            Unit = unit,
            Conversions = unit is null ? [] : units.For(unit, own),
            Minimum = minimum,
            Maximum = maximum,
            TakesFractions = settings.Flag("fractions", false),
            Values = ReadValues(settings),
            IsLabel = settings.Flag("label", false),
            Prefixes = settings.Texts("prefixes").Select(prefix => prefix.Value).ToList(),
            Otherwise = settings.Text("otherwise"),
            IsRequired = settings.Flag("required", false),
            IsKey = settings.Flag("key", false),
        };
        _columnIosNames.AddRange(settings.Texts("ios").Select(ios => (ios, column.Value)));
        CheckKind(settings, result, own);
        settings.RejectUnknownKeys();
        return result;
    }

    private void CheckKind(ConfigSection settings, MetricColumn column, ConfigSection? own)
    {
        var isNumeric = column.Kind is MetricKind.Number or MetricKind.Integer;
        foreach (var key in new[] { "unit", "range", "fractions" }.Where(key => !isNumeric && settings.Node(key) is not null))
        {
            mistakes.Add(settings.Place(key), $"column {column.Name} of type {name} has {key} and is no number", "kind: number or kind: integer");
        }

        foreach (var key in new[] { "values", "label", "prefixes", "otherwise" }.Where(key => column.Kind != MetricKind.Text && settings.Node(key) is not null))
        {
            mistakes.Add(settings.Place(key), $"column {column.Name} of type {name} has {key} and is no text", "kind: text");
        }

        if (own is not null && column.Unit is null)
        {
            mistakes.Add(settings.Place("units"), $"column {column.Name} of type {name} has units and no unit", "unit: what the column is in");
        }

        if (column.TakesFractions && !(column.Minimum > 1))
        {
            mistakes.Add(
                settings.Place("fractions"),
                $"column {column.Name} of type {name} takes fractions, and 1 could be a percentage too",
                "a range that begins above 1");
        }
    }

    private (double? Minimum, double? Maximum) ReadRange(ConfigSection settings)
    {
        const string Expected = "two numbers, [LEAST, GREATEST]; ~ for none";
        var node = settings.Node("range");
        if (node is null)
        {
            return default;
        }

        if (node is ConfigList { Items: [ConfigScalar least, ConfigScalar greatest] }
            && TryBound(least, out var minimum) && TryBound(greatest, out var maximum) && !(minimum > maximum))
        {
            return (minimum, maximum);
        }

        mistakes.Add(node, $"a range of type {name} is not a range", Expected);
        return default;
    }

    private static bool TryBound(ConfigScalar scalar, out double? bound)
    {
        bound = null;
        if (scalar.IsNull)
        {
            return true;
        }

        var isNumber = double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number);
        bound = isNumber ? number : null;
        return isNumber;
    }

    private Dictionary<string, string> ReadValues(ConfigSection settings)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in settings.Section("values", $"values of type {name}")?.Map.Entries ?? [])
        {
            if (entry.Value is not ConfigScalar to || !values.TryAdd(entry.Key.Value, to.IsNull ? "" : to.Value))
            {
                mistakes.Add(entry.Key, $"value {entry.Key.Value} of type {name} becomes no text, or stands there twice", "each text once, with what it becomes; ~ for null");
            }
        }

        return values;
    }

    private List<MetricRule> ReadRules()
    {
        var rules = new List<MetricRule>();
        foreach (var text in section.Texts("rules"))
        {
            if (MetricRule.Parse(text.Value, _columns, out var mistake) is { } rule)
            {
                rules.Add(rule);
            }
            else
            {
                mistakes.Add(text, $"'{text.Value}' of type {name} is no rule: {mistake}", "such as 'a > b' or 'a + b <= minutes(from, to)'");
            }
        }

        return rules;
    }

    private List<MetricColumn> ReadPaired()
    {
        const string Expected = "two or more numeric columns, and a required key of kind time";
        var paired = new List<MetricColumn>();
        foreach (var text in section.Texts("paired"))
        {
            if (Column(text) is { } column)
            {
                paired.Add(column);
            }
        }

        if (section.Node("paired") is { } node
            && (paired.Count < 2
                || paired.Exists(column => column.Kind is not (MetricKind.Number or MetricKind.Integer))
                || !_columns.Exists(column => column is { IsKey: true, IsRequired: true, Kind: MetricKind.Time })))
        {
            mistakes.Add(node, $"the pair of type {name} cannot be put together", Expected);
            return [];
        }

        return paired;
    }

    private void ReadIosNames(MetricType type)
    {
        var constants = ReadConstants(section, "ios_set", null);
        foreach (var (place, column) in _columnIosNames)
        {
            IosMetrics.Add((place, new IosMetric { Name = place.Value, Type = type, Column = type.FindColumn(column), Constants = constants }));
        }

        switch (section.Node("ios"))
        {
            case null:
                break;
            case ConfigMap map:
                foreach (var entry in map.Entries)
                {
                    ReadIosName(type, entry, constants);
                }

                break;
            case var node:
                mistakes.Add(node, $"ios of type {name} is not a map", "names, each with {value: COLUMN, set: {COLUMN: TEXT}} or nothing");
                break;
        }
    }

    private void ReadIosName(MetricType type, ConfigEntry entry, List<IosConstant> ofAll)
    {
        if (entry.Value is not ConfigMap map)
        {
            if (entry.Value is not ConfigScalar { IsNull: true })
            {
                mistakes.Add(entry.Key, $"iOS name {entry.Key.Value} has something that is no setting", "value and set, or nothing");
            }

            IosMetrics.Add((entry.Key, new IosMetric { Name = entry.Key.Value, Type = type, Constants = ofAll }));
            return;
        }

        var settings = new ConfigSection(map, $"iOS name {entry.Key.Value}", mistakes);
        var value = settings.Scalar("value") is { } text ? Column(text) : null;
        var constants = ReadConstants(settings, "set", value);
        settings.RejectUnknownKeys();
        IosMetrics.Add((entry.Key, new IosMetric { Name = entry.Key.Value, Type = type, Column = value, Constants = [.. constants, .. ofAll] }));
    }

    private List<IosConstant> ReadConstants(ConfigSection settings, string key, MetricColumn? value)
    {
        var constants = new List<IosConstant>();
        foreach (var constant in settings.Section(key, $"{key} of type {name}")?.Map.Entries ?? [])
        {
            if (Column(constant.Key) is not { } column)
            {
                continue;
            }

            var setTo = (constant.Value as ConfigScalar)?.Value ?? "";
            if (IsValueFor(column, setTo, value))
            {
                constants.Add(new IosConstant(column, setTo));
            }
            else
            {
                mistakes.Add(constant.Key, $"{column.Name} of type {name} is set to '{setTo}'", Expectation(column));
            }
        }

        return constants;
    }

    private static bool IsValueFor(MetricColumn column, string text, MetricColumn? value) => column.Kind switch
    {
        MetricKind.Number or MetricKind.Integer => JsonNumber.TryRead(Encoding.UTF8.GetBytes(text), out _, out _, out _),
        MetricKind.Boolean when BoundConstant.TryThreshold(text, out _) => value?.Kind is MetricKind.Number or MetricKind.Integer,
        MetricKind.Boolean => text is "true" or "false",
        MetricKind.Text => text.Length > 0,
        _ => false,
    };

    private static string Expectation(MetricColumn column) => column.Kind switch
    {
        MetricKind.Number or MetricKind.Integer => "a number",
        MetricKind.Boolean => "true, false, or such as '>= 85' beside a value that is a number",
        MetricKind.Text => "a text",
        _ => "a column that is a number, a text or true or false",
    };

    private MetricColumn? Column(ConfigScalar text)
    {
        var column = _columns.Find(column => column.Name == text.Value);
        if (column is null)
        {
            mistakes.Add(
                text, $"type {name} has no column '{text.Value}'", "one of its columns", Nearest.Find(text.Value, _columns.Select(known => known.Name)));
        }

        return column;
    }
}
