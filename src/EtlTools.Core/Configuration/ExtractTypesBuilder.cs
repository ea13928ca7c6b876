using System.Globalization;
using EtlTools.Core.Database;

namespace EtlTools.Core.Configuration;

/// <summary>Reads the extract types of a pipeline: a map from the type's name to its table, key, columns and rules.</summary>
internal sealed class ExtractTypesBuilder(ConfigSection root, ConfigMistakes mistakes)
{
    // Made and kept by the engine in every table.
    private static readonly string[] LineageColumns = ["load_run_file_id", "load_row_number", "load_ts"];

    private static readonly Dictionary<string, InvalidValueAction> InvalidValueActions = new(StringComparer.Ordinal)
    {
        ["reject_row"] = InvalidValueAction.RejectRow,
        ["set_null"] = InvalidValueAction.SetNull,
    };

    private readonly List<(ExtractTypeConfig Type, ConfigSection Section)> _types = [];

    public List<ExtractTypeConfig> Build()
    {
        const string Expected = "a map from the type's name to its table, natural_key, columns, ...";
        var section = root.Section("extract_types", "extract_types");
        if (section is null)
        {
            if (root.Node("extract_types") is null)
            {
                mistakes.Add(root.Place("extract_types"), "the pipeline has no extract_types", Expected);
            }

            return [];
        }

        if (section.Map.Entries.Count == 0)
        {
            mistakes.Add(root.Place("extract_types"), "the pipeline has no extract types", "at least one, here or in a file of your own that extends this one");
        }

        foreach (var entry in section.Map.Entries)
        {
            if (entry.Value is ConfigMap map)
            {
                BuildType(entry.Key, new ConfigSection(map with { Line = entry.Key.Line }, $"extract type {entry.Key.Value}", mistakes));
            }
            else
            {
                mistakes.Add(entry.Key, $"extract type {entry.Key.Value} has no settings", "at least table: NAME");
            }
        }

        CheckNames();
        return CheckParents();
    }

    private void BuildType(ConfigScalar name, ConfigSection section)
    {
        if (name.Value.Length == 0 || name.Value.Any(char.IsControl))
        {
            mistakes.Add(name, "an extract type has an empty name", "the name that files bear");
        }

        var table = section.RequiredText("table", "the name of its table in the raw and the staging schema");
        if (table.Length > 0)
        {
            CheckIdentifier(section.Place("table"), "the table", table);
        }

        var columns = new List<ColumnConfig>();
        if (section.Node("columns") is { } node)
        {
            ReadColumns(node, name.Value, columns);
        }

        var type = new ExtractTypeConfig
        {
            Name = name.Value,
            Table = table,
            Aliases = Values(section, "aliases"),
            Parents = Values(section, "parents"),
            NaturalKey = Values(section, "natural_key"),
            Columns = columns,
            Rules = BuildRules(section, columns),
        };
        CheckNaturalKey(section, type);
        section.RejectUnknownKeys();
        _types.Add((type, section));
    }

    private static List<string> Values(ConfigSection section, string key) => section.Texts(key).Select(text => text.Value).ToList();

    private void ReadColumns(ConfigNode node, string type, List<ColumnConfig> columns)
    {
        const string Expected = "a list of columns in file order: '- name', '- name: integer', '- name: date not null' or '- name: {type: date, in_staging: false}'";
        if (node is not ConfigList list)
        {
            mistakes.Add(node, $"columns of extract type {type} is not a list", Expected);
            return;
        }

        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var item in list.Items)
        {
            var column = item switch
            {
                ConfigScalar { IsNull: false } name => new ColumnConfig { Name = name.Value },
                ConfigMap { Entries: [var entry] } => ReadColumn(entry),
                _ => null,
            };
            if (column is null)
            {
                mistakes.Add(item, $"an item in the columns of extract type {type} is not a column", Expected);
                continue;
            }

            CheckIdentifier(item, $"a column of extract type {type}", column.Name);
            if (LineageColumns.Contains(column.Name))
            {
                mistakes.Add(item, $"column {column.Name} of extract type {type} is one that every table has of itself", "the columns of the file");
            }
            else if (!lines.TryAdd(column.Name, item.Line))
            {
                mistakes.Add(item, $"column {column.Name} of extract type {type} stands here a second time (first in line {lines[column.Name]})", "each column once");
            }
            else
            {
                columns.Add(column);
            }
        }

        if (columns.Count > 0 && columns.TrueForAll(column => !column.InFile))
        {
            mistakes.Add(node, $"no column of extract type {type} is in the file", "at least one column without in_file: false");
        }
    }

    private ColumnConfig ReadColumn(ConfigEntry entry)
    {
        var column = new ColumnConfig { Name = entry.Key.Value };
        switch (entry.Value)
        {
            case ConfigScalar { IsNull: true }:
                return column;
            case ConfigScalar text:
                return ReadType(column, text);
            case ConfigMap map:
                var section = new ConfigSection(map, $"column {column.Name}", mistakes);
                var type = section.Scalar("type", ColumnType.Expectation);
                column = type is null ? column : ReadType(column, type);
                column = column with
                {
                    NotNull = section.Flag("not_null", column.NotNull),
                    InStaging = section.Flag("in_staging", true),
                    InFile = section.Flag("in_file", true),
                };
                section.RejectUnknownKeys();
                if (!column.InFile && !column.InStaging)
                {
                    mistakes.Add(entry.Key, $"column {column.Name} is neither in the file nor in staging", "at most one of in_file: false and in_staging: false");
                }
                else if (!column.InFile && column.NotNull)
                {
                    mistakes.Add(entry.Key, $"column {column.Name} may not be empty, and no file feeds it", "not_null only for columns of the file");
                }

                return column;
            default:
                mistakes.Add(entry.Value, $"column {column.Name} is given a list", "a type, or {type: ..., not_null: true}");
                return column;
        }
    }

    /// <summary>integer, or: integer not null.</summary>
    private ColumnConfig ReadType(ColumnConfig column, ConfigScalar text)
    {
        const string NotNull = " not null";
        var words = text.Value.Trim();
        var notNull = words.EndsWith(NotNull, StringComparison.OrdinalIgnoreCase);
        var name = notNull ? words[..^NotNull.Length] : words;
        var type = ColumnType.Normalise(name);
        if (type is null)
        {
            mistakes.Add(text, $"column {column.Name} has the type '{name}'", ColumnType.Expectation, ColumnType.Suggest(name));
        }

        return column with { Type = type ?? "text", NotNull = notNull };
    }

    private void CheckNaturalKey(ConfigSection section, ExtractTypeConfig type)
    {
        foreach (var name in section.Texts("natural_key"))
        {
            CheckIdentifier(name, $"the natural key of extract type {type.Name}", name.Value);
            var column = type.Columns.FirstOrDefault(column => column.Name == name.Value);
            if (type.NaturalKey.Count(other => other == name.Value) > 1)
            {
                mistakes.Add(name, $"natural_key of extract type {type.Name} names {name.Value} twice", "each column once");
            }
            else if (type.Columns.Count > 0 && column is not { InStaging: true, InFile: true })
            {
                mistakes.Add(
                    name,
                    $"natural_key of extract type {type.Name} names {name.Value}, which is {(column is null ? "not one of its columns" : "not both in the file and in staging")}",
                    "columns of the file that staging has",
                    column is null ? Nearest.Find(name.Value, type.Columns.Select(known => known.Name)) : null);
            }
        }

        if (type.Columns.Count > 0 && type.NaturalKey.Count == 0)
        {
            mistakes.Add(section.Place("natural_key"), $"extract type {type.Name} describes its columns and no natural_key",
                "natural_key: the columns that tell one record from another");
        }
    }

    private Dictionary<string, ColumnRule> BuildRules(ConfigSection section, List<ColumnConfig> columns)
    {
        var rules = new Dictionary<string, ColumnRule>(StringComparer.Ordinal);
        var entries = section.Section("rules", "rules")?.Map.Entries ?? [];
        foreach (var entry in entries)
        {
            var column = columns.Find(column => column.Name == entry.Key.Value);
            if (columns.Count > 0 && column is not { InStaging: true })
            {
                mistakes.Add(entry.Key, $"there is a rule for {entry.Key.Value}, which is not a staging column of this type", "rules for columns that staging has",
                    Nearest.Find(entry.Key.Value, columns.Select(known => known.Name)));
            }

            if (entry.Value is ConfigMap map)
            {
                rules[entry.Key.Value] = BuildRule(new ConfigSection(map, $"the rule for {entry.Key.Value}", mistakes), column);
            }
            else
            {
                mistakes.Add(entry.Key, $"the rule for {entry.Key.Value} is not a map", "settings such as {lowercase: true}");
            }
        }

        return rules;
    }

    private ColumnRule BuildRule(ConfigSection section, ColumnConfig? column)
    {
        var rule = new ColumnRule
        {
            NullValues = Values(section, "null_values"),
            Lowercase = section.Flag("lowercase", false),
            Required = section.Flag("required", false),
            Pattern = Pattern(section),
            AllowedValues = Values(section, "allowed_values"),
            Minimum = Limit(section, "minimum", column),
            Maximum = Limit(section, "maximum", column),
            DateFormat = section.Text("date_format"),
            OnInvalid = section.Choice("on_invalid", InvalidValueActions, InvalidValueAction.RejectRow),
        };
        if (rule.DateFormat is not null && column is not null && !ColumnType.IsDate(column.Type))
        {
            mistakes.Add(section.Place("date_format"), $"{column.Name} has a date_format and the type {column.Type}", "date_format for a date or timestamp");
        }

        section.RejectUnknownKeys();
        return rule;
    }

    private string? Pattern(ConfigSection section)
    {
        var pattern = section.Scalar("pattern");
        if (pattern is not null && RulePattern.FindFault(pattern.Value) is { } fault)
        {
            mistakes.Add(pattern, $"pattern does not compile ({fault})", "a regular expression of PostgreSQL, such as ^[A-Z]{3}[0-9]{4}$");
        }

        return pattern?.Value;
    }

    private string? Limit(ConfigSection section, string key, ColumnConfig? column)
    {
        var scalar = section.Scalar(key);
        if (scalar is null || column is null)
        {
            return scalar?.Value;
        }

        // The limit becomes a literal of the column's type: one that is none would fail every file.
        var (fits, expected) = column.Type switch
        {
            var type when ColumnType.IsNumber(type) =>
                (decimal.TryParse(scalar.Value, NumberStyles.Number & ~NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out _), "a number"),
            var type when ColumnType.IsDate(type) =>
                (DateTime.TryParseExact(
                    scalar.Value, ["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
                    "a date such as 1900-01-31"),
            _ => (true, ""),
        };
        if (!fits)
        {
            mistakes.Add(scalar, $"{key} for {column.Name} ({column.Type}) is '{scalar.Value}'", expected);
        }

        return scalar.Value;
    }

    private void CheckIdentifier(ConfigNode node, string what, string name)
    {
        if (SqlIdentifier.FindFault(name) is { } fault)
        {
            mistakes.Add(node, $"{what} {fault}", $"a name of 1 to {SqlIdentifier.MaxBytes} bytes");
        }
    }

    private void CheckNames()
    {
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var tables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (type, section) in _types)
        {
            if (!names.TryAdd(type.Name, type.Name))
            {
                mistakes.Add(section.Map, $"extract types {names[type.Name]} and {type.Name} differ in case only", "names that differ otherwise: files are matched without case");
            }

            if (type.Table.Length > 0 && !tables.TryAdd(type.Table, type.Name))
            {
                mistakes.Add(section.Place("table"), $"extract types {tables[type.Table]} and {type.Name} share the table {type.Table}", "a table for each");
            }
        }

        foreach (var (type, section) in _types)
        {
            foreach (var alias in section.Texts("aliases"))
            {
                if (!names.TryAdd(alias.Value, type.Name) && (names[alias.Value] != type.Name || alias.Value.Length == 0))
                {
                    mistakes.Add(alias, $"the alias '{alias.Value}' of extract type {type.Name} also means {names[alias.Value]}", "a name that means one type");
                }
            }
        }
    }

    /// <summary>The types with their parents' names as those write them.</summary>
    private List<ExtractTypeConfig> CheckParents()
    {
        var byName = _types.Select(pair => pair.Type).DistinctBy(type => type.Name, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(type => type.Name, StringComparer.OrdinalIgnoreCase);
        var result = new List<ExtractTypeConfig>();
        foreach (var (type, section) in _types)
        {
            var parents = new List<string>();
            foreach (var parent in section.Texts("parents"))
            {
                if (byName.TryGetValue(parent.Value, out var known))
                {
                    parents.Add(known.Name);
                }
                else
                {
                    mistakes.Add(parent, $"the parent '{parent.Value}' of extract type {type.Name} is no extract type", "names of extract types of this pipeline",
                        Nearest.Find(parent.Value, byName.Keys));
                }
            }

            result.Add(type with { Parents = parents });
        }

        CheckCycles(result);
        return result;
    }

    private void CheckCycles(List<ExtractTypeConfig> types)
    {
        // Taking away whatever has no parent left leaves exactly the types that are on a cycle or below one.
        var left = types.DistinctBy(type => type.Name).ToDictionary(type => type.Name, type => type.Parents.ToHashSet());
        while (left.FirstOrDefault(pair => !pair.Value.Any(left.ContainsKey)).Key is { } free)
        {
            left.Remove(free);
        }

        if (left.Count > 0)
        {
            var start = left.Keys.First();
            var path = new List<string>();
            for (var name = start; !path.Contains(name); name = left[name].First(left.ContainsKey))
            {
                path.Add(name);
                start = left[name].First(left.ContainsKey);
            }

            var cycle = path.SkipWhile(name => name != start).Append(start);
            var section = _types.First(pair => pair.Type.Name == start).Section;
            mistakes.Add(section.Place("parents"), $"the parents go round in a circle: {string.Join(" -> ", cycle)}", "an order in which every parent is loaded before its children");
        }
    }
}
