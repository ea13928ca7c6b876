using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>
/// What a configuration says of one table against the table that the source has. Whoever tests a configuration and whoever goes
/// by it are told the same, with the same line.
/// </summary>
internal sealed class ConfiguredTable
{
    public const string Reanalyse = "Analyse the source again with New-TableConfig.";

    private const string ColumnMissing = "ColumnMissing";
    private const string PrimaryKeyDiffers = "PrimaryKeyDiffers";

    /// <summary>Columns that every table of PostgreSQL has.</summary>
    private static readonly string[] SystemColumns = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

    private readonly TableConfig _table;
    private readonly SourceTable _source;
    private readonly List<TableConfigFault> _faults = [];

    private ConfiguredTable(TableConfig table, SourceTable source)
    {
        _table = table;
        _source = source;
    }

    public static IReadOnlyList<TableConfigFault> FindFaults(TableConfig table, SourceTable source)
    {
        var check = new ConfiguredTable(table, source);
        check.CheckNames();
        check.CheckColumns();
        check.CheckKey();
        check.CheckStrategy();
        return check._faults;
    }

    /// <summary>Refuses what cannot be gone by: the first fault that is an error.</summary>
    /// <exception cref="EtlException">TableConfigColumnMissing, TableConfigColumnUnfit, TableConfigPrimaryKeyDiffers.</exception>
    public static void Require(TableConfig table, SourceTable source)
    {
        if (FindFaults(table, source).FirstOrDefault(fault => fault.Severity == TableConfigSeverity.Error) is { } fault)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                fault.Code switch
                {
                    ColumnMissing => "TableConfigColumnMissing",
                    PrimaryKeyDiffers => "TableConfigPrimaryKeyDiffers",
                    _ => "TableConfigColumnUnfit",
                },
                $"Table {table.Name}: {fault.Problem}{SettingLines.Say(fault.Line)}.",
                table.Name,
                $"{fault.Fix}{(fault.Fix.EndsWith('.') || fault.Fix.EndsWith('?') ? "" : ".")} Nothing was changed.");
        }
    }

    /// <summary>What tells the rows of a table apart that <see cref="Require"/> has let pass, as the source spells it.</summary>
    public static IReadOnlyList<string> KeyOf(TableConfig table, SourceTable source) =>
        table.PrimaryKey.Count > 0 ? [.. table.PrimaryKey.Select(name => source.Find(name)!.Name)] : source.Key;

    private bool IsIncremental => _table.Strategy != SyncStrategy.FullTable;

    private TableConfigSeverity WhereIncremental => IsIncremental ? TableConfigSeverity.Error : TableConfigSeverity.Warning;

    /// <summary>The copy has the names of its source.</summary>
    private void CheckNames()
    {
        foreach (var name in _source.Columns.Select(column => column.Name).Prepend(_table.Name))
        {
            if ((SqlIdentifier.FindFault(name) ?? (name != _table.Name && SystemColumns.Contains(name) ? "is one of PostgreSQL's own" : null)) is { } fault)
            {
                Add(null, null, TableConfigSeverity.Error, "NameUnfit", $"The name {name} {fault}, so that a copy cannot have it",
                    $"names of at most {SqlIdentifier.MaxBytes} bytes, and none of {string.Join(", ", SystemColumns)}",
                    "Take the table out, or copy a view of it that has other names.");
            }
        }
    }

    private void CheckColumns()
    {
        Require("primary_key", _table.PrimaryKey, TableConfigSeverity.Error);
        Require("incremental_columns", _table.IncrementalColumns, WhereIncremental);
        Require("lookback", _table.Lookback?.Columns ?? [], TableConfigSeverity.Error);
        Require("boolean_columns", _table.BooleanColumns, TableConfigSeverity.Error);
        Require("rejected_columns", _table.RejectedColumns.Keys, TableConfigSeverity.Warning);
        foreach (var name in (_table.Lookback?.Columns ?? []).Where(name => _source.Find(name) is { IsDate: false }))
        {
            Add("lookback", name, TableConfigSeverity.Error, "LookbackColumnUnfit", $"lookback goes by {name}, which is {_source.Find(name)!.DataType}",
                "a column of type date, datetime or timestamp", $"Take {name} out of predicate_columns.");
        }

        foreach (var name in _table.BooleanColumns.Where(name => _source.Find(name) is { } column && column.DataType != "tinyint"))
        {
            Add("boolean_columns", name, TableConfigSeverity.Warning, "BooleanColumnUnfit", $"{name} is to become boolean and is {_source.Find(name)!.DataType}: it stays what it is",
                "a column of type tinyint", $"Take {name} out of boolean_columns.");
        }

        void Require(string setting, IEnumerable<string> names, TableConfigSeverity severity)
        {
            foreach (var name in names.Where(name => _source.Find(name) is null))
            {
                Add(setting, name, severity, ColumnMissing, $"{setting} names {name}, and the source's table has no such column", "a column of the table",
                    Nearest.Find(name, _source.Columns.Select(column => column.Name)) is { } meant ? $"Did you mean {meant}?" : $"Take {name} out. {Reanalyse}");
            }
        }
    }

    private void CheckKey()
    {
        var key = _table.PrimaryKey;
        if (key.Count == 0 && _source.Key.Count == 0 && IsIncremental)
        {
            Add("strategy", null, TableConfigSeverity.Warning, "KeyMissing", "It has no key, so that all of it is read each time", "a key, or strategy: full_table",
                "Add a primary key at the source, or say strategy: full_table.");
        }

        if (key.Count == 0 || key.Any(name => _source.Find(name) is null) || IsSame(key, _source.Key))
        {
            return;
        }

        var (ours, theirs) = (string.Join(", ", key), string.Join(", ", _source.Key));
        if (_source.IsUniqueBy(key))
        {
            if (IsIncremental && _table.Deletes != true)
            {
                Add("primary_key", null, TableConfigSeverity.Warning, "PrimaryKeyReplaced",
                    $"primary_key is {ours}, and the source's is {theirs}: where a value of {ours} changes, the copy has the row twice until all rows are read",
                    "the primary key of the source, or deletes: yes", $"primary_key: [{theirs}]");
            }
        }
        else if (_source.Key.Count == 0)
        {
            Add("primary_key", null, TableConfigSeverity.Warning, "PrimaryKeyNotEnforced",
                $"primary_key is {ours}, which the source does not keep unique: all rows are read each time, and a sync stops where two have the same, or one has none", "a unique key of the source",
                "Add a unique key at the source, or leave primary_key out: then rows are told apart by all that they hold.");
        }
        else
        {
            // A part of the key makes several rows one; more than the key makes one row several when a value of it changes.
            Add("primary_key", null, TableConfigSeverity.Error, PrimaryKeyDiffers,
                $"primary_key is {ours}, which is no unique key of the source; its own is {theirs}", "a whole key of the source", $"primary_key: [{theirs}]");
        }
    }

    private void CheckStrategy()
    {
        foreach (var name in _table.IncrementalColumns)
        {
            if (_source.Find(name) is { IsDate: false, IsInteger: false } column)
            {
                Add("incremental_columns", name, WhereIncremental, "IncrementalColumnUnfit", $"incremental_columns names {name}, which is {column.DataType} and cannot tell what is new",
                    "columns of type date, datetime, timestamp or a whole number", $"Take {name} out of incremental_columns.");
            }
            else if (_table.RejectedColumns.TryGetValue(name, out var reason))
            {
                Add("incremental_columns", name, TableConfigSeverity.Warning, "IncrementalColumnRejected", $"{name} is among the rejected columns ({reason})",
                    "columns that tell what is new", $"Take {name} out of incremental_columns, or out of rejected_columns where you know better.");
            }
        }

        IReadOnlyList<string> key = _table.PrimaryKey.Count > 0 ? _table.PrimaryKey : _source.Key;
        foreach (var name in _table.IncrementalColumns.Where(name =>
            _table is { IncrementalLogic: IncrementalLogic.And, IncrementalColumns.Count: > 1 } && key.Contains(name, StringComparer.OrdinalIgnoreCase)))
        {
            Add("incremental_columns", name, TableConfigSeverity.Warning, "AndLogicWithKey",
                $"With and_logic only rows with a new {name} are read, which is part of the key: changes of older rows are missed",
                "columns that move when a row is changed", $"incremental_strategy: or_logic, or take {name} out of incremental_columns.");
        }

        if (_table.Strategy == SyncStrategy.IncrementalChunked && key.Count > 0 && !TableDecision.CanChunk(_source, key))
        {
            Add("strategy", null, TableConfigSeverity.Warning, "ChunkKeyUnfit", "Its key is not made of numbers and dates: it is not read by ranges",
                "strategy: incremental", "strategy: incremental");
        }
    }

    private static bool IsSame(IReadOnlyList<string> one, IReadOnlyList<string> other) =>
        one.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(other);

    private void Add(string? setting, string? value, TableConfigSeverity severity, string code, string problem, string expected, string fix) =>
        _faults.Add(TableConfigFault.Of(_table, setting, value, severity, code, problem, expected, fix));
}
