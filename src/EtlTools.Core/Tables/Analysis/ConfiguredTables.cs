using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>Compares the tables of a configuration with those of the source.</summary>
internal sealed class ConfiguredTables
{
    private const string Reanalyse = "Analyse the source again with New-TableConfig.";

    // The names that a setting has in the generations of files.
    private static readonly Dictionary<string, string[]> OlderNames = new(StringComparer.Ordinal)
    {
        ["incremental_columns"] = ["incremental_column"],
        ["lookback"] = ["lookback_resync"],
        ["boolean_columns"] = ["column_overrides"],
        ["strategy"] = ["extraction_strategy"],
    };

    private readonly TableSyncConfig _config;
    private readonly ConfigMap _root;
    private readonly Dictionary<string, SourceTable> _source;
    private readonly string _path;
    private readonly List<TableConfigFault> _faults = [];

    public ConfiguredTables(TableSyncConfig config, ConfigMap root, IReadOnlyList<SourceTable> source, string path)
    {
        _config = config;
        _root = root;
        _source = source.GroupBy(table => table.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, group => group.First(), StringComparer.OrdinalIgnoreCase);
        _path = path;
    }

    public IReadOnlyList<TableConfigFault> FindFaults()
    {
        foreach (var table in _config.Tables)
        {
            if (_source.TryGetValue(table.Name, out var found))
            {
                CheckName(table, found);
                CheckColumns(table, found);
                CheckKey(table, found);
                CheckStrategy(table, found);
                CheckHash(table, found);
            }
            else
            {
                Add(table, null, null, TableConfigSeverity.Error, "TableMissing", $"The source has no table {table.Name}, or this user may not read it", "a table of the source",
                    Nearest.Find(table.Name, _source.Keys) is { } meant ? $"Did you mean {meant}? Else take the table out." : $"Take the table out. {Reanalyse}");
            }

            foreach (var dependency in table.Dependencies.Where(dependency => _config.Find(dependency) is null && !_source.ContainsKey(dependency)))
            {
                Add(table, "dependencies", dependency, TableConfigSeverity.Warning, "DependencyMissing", $"It depends on {dependency}, and there is no such table",
                    "a table of the source", $"Take {dependency} out of dependencies.");
            }
        }

        CheckCircles();
        foreach (var table in _source.Values.Where(table => table.Engine.Length > 0 && _config.Find(table.Name) is null))
        {
            _faults.Add(new TableConfigFault
            {
                Code = "TableNotConfigured",
                Severity = TableConfigSeverity.Warning,
                Name = table.Name,
                Path = _path,
                Problem = $"The source has a table {table.Name} that is not configured, and not copied",
                Expected = "every table of the source, or those that are meant to be copied",
                Fix = $"New-TableConfig -Name {table.Name} adds it.",
            });
        }

        return _faults;
    }

    /// <summary>Sync-Table asks for a table by its very name, as most servers do.</summary>
    private void CheckName(TableConfig table, SourceTable source)
    {
        if (table.Name != source.Name)
        {
            Add(table, null, null, TableConfigSeverity.Error, "TableNameCase", $"The source's table is called {source.Name}", "its name, letter by letter", $"Call it {source.Name}.");
        }
    }

    private void CheckColumns(TableConfig table, SourceTable source)
    {
        Require("primary_key", table.PrimaryKey, TableConfigSeverity.Error);
        Require("incremental_columns", table.IncrementalColumns, table.Strategy == SyncStrategy.FullTable ? TableConfigSeverity.Warning : TableConfigSeverity.Error);
        Require("lookback", table.Lookback?.Columns ?? [], TableConfigSeverity.Error);
        Require("boolean_columns", table.BooleanColumns, TableConfigSeverity.Error);
        Require("rejected_columns", table.RejectedColumns.Keys, TableConfigSeverity.Warning);
        foreach (var name in (table.Lookback?.Columns ?? []).Where(name => source.Find(name) is { IsDate: false }))
        {
            Add(table, "lookback", name, TableConfigSeverity.Error, "LookbackColumnUnfit", $"lookback goes by {name}, which is {source.Find(name)!.DataType}",
                "a column of type date, datetime or timestamp", $"Take {name} out of predicate_columns.");
        }

        foreach (var name in table.BooleanColumns.Where(name => source.Find(name) is { } column && column.DataType != "tinyint"))
        {
            Add(table, "boolean_columns", name, TableConfigSeverity.Error, "BooleanColumnUnfit", $"{name} is to become boolean and is {source.Find(name)!.DataType}",
                "a column of type tinyint", $"Take {name} out of boolean_columns.");
        }

        void Require(string setting, IEnumerable<string> names, TableConfigSeverity severity)
        {
            foreach (var name in names.Where(name => source.Find(name) is null))
            {
                Add(table, setting, name, severity, "ColumnMissing", $"{setting} names {name}, and the table has no such column", "a column of the table",
                    Nearest.Find(name, source.Columns.Select(column => column.Name)) is { } meant ? $"Did you mean {meant}?" : $"Take {name} out. {Reanalyse}");
            }
        }
    }

    private void CheckKey(TableConfig table, SourceTable source)
    {
        var isIncremental = table.Strategy != SyncStrategy.FullTable;
        if (table.PrimaryKey.Count == 0 && source.Key.Count == 0 && isIncremental)
        {
            Add(table, "strategy", null, TableConfigSeverity.Warning, "KeyMissing", "It has no key, so that all of it is read each time", "a key, or strategy: full_table",
                "Name the columns that tell its rows apart as primary_key.");
        }

        if (table.PrimaryKey.Count == 0 || source.Key.Count == 0 || table.PrimaryKey.Any(name => source.Find(name) is null))
        {
            return;
        }

        if (!table.PrimaryKey.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(source.Key))
        {
            // A part of the key makes several rows one; more than the key makes one row several when a value of it changes.
            Add(table, "primary_key", null, TableConfigSeverity.Error, "PrimaryKeyDiffers",
                $"primary_key is {string.Join(", ", table.PrimaryKey)}, and the source's is {string.Join(", ", source.Key)}",
                "the whole key of the source", $"primary_key: [{string.Join(", ", source.Key)}]");
        }
    }

    private void CheckStrategy(TableConfig table, SourceTable source)
    {
        foreach (var name in table.IncrementalColumns)
        {
            if (source.Find(name) is { IsDate: false, IsInteger: false } column)
            {
                Add(table, "incremental_columns", name, table.Strategy == SyncStrategy.FullTable ? TableConfigSeverity.Warning : TableConfigSeverity.Error,
                    "IncrementalColumnUnfit", $"{name} is {column.DataType} and cannot tell what is new",
                    "columns of type date, datetime, timestamp or a whole number", $"Take {name} out of incremental_columns.");
            }
            else if (table.RejectedColumns.TryGetValue(name, out var reason))
            {
                Add(table, "incremental_columns", name, TableConfigSeverity.Warning, "IncrementalColumnRejected", $"{name} is among the rejected columns ({reason})",
                    "columns that tell what is new", $"Take {name} out of incremental_columns, or out of rejected_columns where you know better.");
            }
        }

        IReadOnlyList<string> key = table.PrimaryKey.Count > 0 ? table.PrimaryKey : source.Key;
        foreach (var name in table.IncrementalColumns.Where(name =>
            table is { IncrementalLogic: IncrementalLogic.And, IncrementalColumns.Count: > 1 } && key.Contains(name, StringComparer.OrdinalIgnoreCase)))
        {
            Add(table, "incremental_columns", name, TableConfigSeverity.Warning, "AndLogicWithKey",
                $"With and_logic only rows with a new {name} are read, which is part of the key: changes of older rows are missed",
                "columns that move when a row is changed", $"incremental_strategy: or_logic, or take {name} out of incremental_columns.");
        }

        if (table.Strategy == SyncStrategy.IncrementalChunked && key.Count > 0 && !TableDecision.CanChunk(source, key))
        {
            Add(table, "strategy", null, TableConfigSeverity.Warning, "ChunkKeyUnfit", "Its key is not made of numbers and dates: it is not read by ranges",
                "strategy: incremental", "strategy: incremental");
        }
    }

    private void CheckHash(TableConfig table, SourceTable source)
    {
        if (table.SchemaHash is { } hash && hash != SchemaHash.Of(source))
        {
            Add(table, TableConfigNodes.SchemaHash, null, TableConfigSeverity.Warning, "SchemaChanged", "The columns of the table have changed since it was analysed",
                "columns as they were", Reanalyse);
        }
    }

    /// <summary>Each circle is told once.</summary>
    private void CheckCircles()
    {
        var done = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var above = new List<string>();
        foreach (var table in _config.Tables)
        {
            Visit(table);
        }

        void Visit(TableConfig table)
        {
            if (above.FindIndex(name => string.Equals(name, table.Name, StringComparison.OrdinalIgnoreCase)) is var start and >= 0)
            {
                Add(table, "dependencies", above[^1] == table.Name ? table.Name : null, TableConfigSeverity.Error, "DependencyCircle",
                    $"Tables depend on each other in a circle: {string.Join(" on ", [.. above[start..], table.Name])}",
                    "an order in which tables can be synced", "Take one of these out of the dependencies of another.");
                return;
            }

            if (!done.Add(table.Name))
            {
                return;
            }

            above.Add(table.Name);
            foreach (var dependency in table.Dependencies)
            {
                if (_config.Find(dependency) is { } next)
                {
                    Visit(next);
                }
            }

            above.RemoveAt(above.Count - 1);
        }
    }

    private void Add(
        TableConfig table, string? setting, string? value, TableConfigSeverity severity, string code, string problem, string expected, string fix) =>
        _faults.Add(new TableConfigFault
        {
            Code = code,
            Severity = severity,
            Name = table.Name,
            Setting = setting,
            Path = _path,
            Line = LineOf(table, setting, value),
            Problem = problem,
            Expected = expected,
            Fix = fix,
        });

    /// <summary>Of the value in the setting, else of the setting, else of the table.</summary>
    private int? LineOf(TableConfig table, string? setting, string? value)
    {
        var entry = TableConfigReader.FindTable(_root, table.Name);
        var found = setting is null ? null : new[] { setting }.Concat(OlderNames.GetValueOrDefault(setting) ?? [])
            .Select(name => (entry?.Value as ConfigMap)?.Find(name)).FirstOrDefault(known => known is not null);
        var line = found is null ? entry?.Key.Line : FindValue(found.Value, value)?.Line ?? found.Key.Line;
        return line is > 0 ? line : null;
    }

    private static ConfigScalar? FindValue(ConfigNode node, string? value) => value is null ? null : node switch
    {
        ConfigScalar scalar => scalar.Value == value ? scalar : null,
        ConfigList list => list.Items.Select(item => FindValue(item, value)).FirstOrDefault(found => found is not null),
        ConfigMap map => map.Entries.Select(entry => entry.Key.Value == value ? entry.Key : FindValue(entry.Value, value)).FirstOrDefault(found => found is not null),
        _ => null,
    };
}
