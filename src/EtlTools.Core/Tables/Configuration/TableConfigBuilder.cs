using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>Reads the settings of one table, by the names of every generation.</summary>
internal sealed class TableConfigBuilder(ConfigSection table, ConfigScalar name, TableConfigGeneration generation, ConfigMistakes mistakes)
{
    private const int MaxBatchSize = 100_000_000;

    private readonly List<ConfigSection> _sections = [table];
    private readonly List<ConfigScalar> _unmet = [];

    private bool IsOlder => generation != TableConfigGeneration.Current;

    private static readonly Dictionary<string, TableImportance> Importances = new(StringComparer.Ordinal)
    {
        ["critical"] = TableImportance.Critical,
        ["important"] = TableImportance.Important,
        ["audit"] = TableImportance.Audit,
        ["reference"] = TableImportance.Reference,
        ["standard"] = TableImportance.Standard,
    };

    private static readonly Dictionary<string, SyncStrategy> Strategies = new(StringComparer.Ordinal)
    {
        ["full_table"] = SyncStrategy.FullTable,
        ["incremental"] = SyncStrategy.Incremental,
        ["incremental_chunked"] = SyncStrategy.IncrementalChunked,
        ["chunked_incremental"] = SyncStrategy.IncrementalChunked,
    };

    /// <summary>One file of July 2025 has small_table, for what was read whole.</summary>
    private static readonly Dictionary<string, SyncStrategy> OlderStrategies = new(Strategies, StringComparer.Ordinal) { ["small_table"] = SyncStrategy.FullTable };

    private static readonly Dictionary<string, IncrementalLogic> Logics = new(StringComparer.Ordinal)
    {
        ["or_logic"] = IncrementalLogic.Or,
        ["and_logic"] = IncrementalLogic.And,
        ["single_column"] = IncrementalLogic.SingleColumn,
    };

    /// <summary>Files since July 2025 have none for tables without incremental columns.</summary>
    private static readonly Dictionary<string, IncrementalLogic> OlderLogics = new(Logics, StringComparer.Ordinal) { ["none"] = IncrementalLogic.Or };

    private static readonly Dictionary<string, SyncProfile> Profiles = new(StringComparer.Ordinal)
    {
        ["unknown"] = SyncProfile.Unknown,
        ["append_only"] = SyncProfile.AppendOnly,
        ["in_place_updates"] = SyncProfile.InPlaceUpdates,
    };

    private static readonly Dictionary<string, SchemaContract> Contracts = new(StringComparer.Ordinal)
    {
        ["evolve"] = SchemaContract.Evolve,
        ["freeze"] = SchemaContract.Freeze,
        ["discard_row"] = SchemaContract.DiscardRow,
        ["discard_value"] = SchemaContract.DiscardValue,
    };

    /// <summary>Keys of an older file that ask for something which the file does not say enough about.</summary>
    public IReadOnlyList<ConfigScalar> Unmet => _unmet;

    /// <summary>What has been read: whatever else is in them is known to nobody.</summary>
    public IReadOnlyList<ConfigSection> Sections => _sections;

    public TableConfig Build()
    {
        var standard = new TableConfig { Name = name.Value };
        var importance = table.Choice(Either("importance"), Importances, standard.Importance);
        var (minDate, maxDate) = ReadWindow(standard);
        var config = standard with
        {
            Importance = importance,
            Strategy = table.Choice(Either("strategy"), IsOlder ? OlderStrategies : Strategies, standard.Strategy),
            BatchSize = table.Integer("batch_size", standard.BatchSize, 1, MaxBatchSize),
            IncrementalColumns = ReadIncrementalColumns(),
            RejectedColumns = ReadRejectedColumns(),
            IncrementalLogic = table.Choice("incremental_strategy", IsOlder ? OlderLogics : Logics, standard.IncrementalLogic),
            MinDate = minDate,
            MaxDate = maxDate,
            PrimaryKey = Names("primary_key"),
            Profile = table.Choice("sync_profile", Profiles, standard.Profile),
            Lookback = ReadLookback(),
            Dependencies = Names("dependencies"),
            Monitoring = ReadMonitoring(importance),
            Contract = table.Choice("contract", Contracts, standard.Contract),
            Deletes = table.Node("deletes") is null ? null : table.Flag("deletes", false),
            BooleanColumns = [.. Names("boolean_columns"), .. ReadBooleanOverrides()],
            EstimatedRows = ReadNumber("estimated_rows") is { } rows ? (long)rows : null,
            EstimatedMegabytes = ReadNumber("estimated_size_mb"),
            SchemaHash = table.Text("schema_hash"),
            LastAnalyzed = ReadInstant("last_analyzed"),
            IsModeled = table.Flag("is_modeled", standard.IsModeled),
            Entry = new ConfigEntry(name, table.Map),
        };
        return RequireIncrementalColumns(config);
    }

    /// <summary>The key of ours, or the older one where that is what the file has. Both are known.</summary>
    private string Either(string ours)
    {
        var older = TableConfigNodes.OlderNameOf(ours);
        table.Node(ours);
        table.Node(older);
        return table.Map.Find(ours) is null && table.Map.Find(older) is not null ? older : ours;
    }

    private ConfigSection? Section(string key)
    {
        var section = table.Section(key, $"{key} of {name.Value}");
        if (section is not null)
        {
            _sections.Add(section);
        }

        return section;
    }

    private List<string> Names(string key) =>
        [.. table.Texts(key).Select(text => text.Value).Where(text => text.Length > 0).Distinct(StringComparer.Ordinal)];

    private List<string> ReadIncrementalColumns()
    {
        var columns = Names("incremental_columns");
        if (columns.Count == 0)
        {
            columns = Names("incremental_column");
        }
        else
        {
            table.Node("incremental_column");
        }

        // Since July 2025: the one that single_column goes by.
        if (IsOlder && table.Text("primary_incremental_column") is { } primary)
        {
            columns = [primary, .. columns.Where(column => column != primary)];
        }

        // Seed 004: the lower the number, the more trusted the column.
        var priorities = table.Section("column_priorities", $"column_priorities of {name.Value}");
        return priorities is null
            ? columns
            : [.. columns.OrderBy(column => priorities.Node(column) is null ? int.MaxValue : priorities.Integer(column, int.MaxValue, 0, int.MaxValue))];
    }

    private Dictionary<string, string> ReadRejectedColumns()
    {
        var rejected = new Dictionary<string, string>(StringComparer.Ordinal);
        var section = table.Section("rejected_columns", $"rejected_columns of {name.Value}");
        foreach (var entry in section?.Map.Entries ?? [])
        {
            rejected[entry.Key.Value] = section!.Text(entry.Key.Value, "the reason") ?? "";
        }

        return rejected;
    }

    private (DateOnly Min, DateOnly? Max) ReadWindow(TableConfig standard)
    {
        var window = Section(Either("data_quality"));
        if (window is null)
        {
            return (standard.MinDate, standard.MaxDate);
        }

        var min = ReadDate(window, "min_date") ?? standard.MinDate;
        var max = ReadDate(window, "max_date");
        if (max < min)
        {
            mistakes.Add(window.Place("max_date"), $"max_date of {name.Value} lies before min_date", $"a date after {min:yyyy-MM-dd}");
        }

        return (min, max);
    }

    private LookbackWindow? ReadLookback()
    {
        var section = Section(Either("lookback"));
        if (section is null)
        {
            return null;
        }

        var days = section.Integer("window_days", 0, 0, 36_500);
        IReadOnlyList<string> columns = [.. section.Texts("predicate_columns").Select(column => column.Value)];
        if (days > 0 && columns.Count == 0)
        {
            mistakes.Add(section.Place("predicate_columns"), $"lookback of {name.Value} names no columns", "predicate_columns: a list of date columns");
        }

        return days > 0 && section.Flag("enabled", true) ? new LookbackWindow(days, columns) : null;
    }

    private TableMonitoring ReadMonitoring(TableImportance importance)
    {
        var threshold = importance == TableImportance.Critical ? TableMonitoring.CriticalThreshold : TableMonitoring.DefaultThreshold;
        var overdue = table.Integer("time_gap_threshold_days", 0, 0, 36_500);
        var standard = new TableMonitoring
        {
            Threshold = threshold,
            OverdueAfter = overdue > 0 ? TimeSpan.FromDays(overdue) : null,
        };
        var section = Section("monitoring");
        if (section is null)
        {
            return standard;
        }

        var minutes = section.Integer("max_extraction_time_minutes", 0, 0, 100_000);
        return standard with
        {
            AlertsOnFailure = section.Flag("alert_on_failure", standard.AlertsOnFailure),
            TimeLimit = minutes > 0 ? TimeSpan.FromMinutes(minutes) : null,
            Threshold = section.Rate("data_quality_threshold", standard.Threshold),
            OverdueAfter = section.Node("overdue_after") is null ? standard.OverdueAfter : section.Time("overdue_after", TimeSpan.FromDays(1)),
        };
    }

    /// <summary>The first generation's column_overrides: {Column: {conversion_rule: tinyint_to_boolean}}.</summary>
    private IEnumerable<string> ReadBooleanOverrides()
    {
        var overrides = table.Section("column_overrides", $"column_overrides of {name.Value}");
        return (overrides?.Map.Entries ?? [])
            .Where(entry => entry.Value is ConfigMap rule && rule.Find("conversion_rule")?.Value is ConfigScalar { Value: "tinyint_to_boolean" })
            .Select(entry => entry.Key.Value);
    }

    private double? ReadNumber(string key)
    {
        const string Expected = "a number of 0 or more";
        var scalar = table.Scalar(key, Expected);
        if (scalar is null)
        {
            return null;
        }

        if (double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0)
        {
            return number;
        }

        mistakes.Add(scalar, $"{key} of table {name.Value} is '{scalar.Value}'", Expected);
        return null;
    }

    private DateOnly? ReadDate(ConfigSection section, string key)
    {
        const string Expected = "a date such as 2000-01-01";
        var scalar = section.Scalar(key, Expected);
        if (scalar is null)
        {
            return null;
        }

        if (DateOnly.TryParseExact(scalar.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
        {
            return date;
        }

        mistakes.Add(scalar, $"{key} of table {name.Value} is '{scalar.Value}'", Expected);
        return null;
    }

    private DateTimeOffset? ReadInstant(string key)
    {
        const string Expected = "a time such as 2026-01-31T08:00:00";
        var scalar = table.Scalar(key, Expected);
        if (scalar is null)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(scalar.Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant))
        {
            return instant;
        }

        mistakes.Add(scalar, $"{key} of table {name.Value} is '{scalar.Value}'", Expected);
        return null;
    }

    private TableConfig RequireIncrementalColumns(TableConfig config)
    {
        if (config.Strategy == SyncStrategy.FullTable || config.IncrementalColumns.Count > 0)
        {
            return config;
        }

        if (!IsOlder)
        {
            mistakes.Add(
                table.Place("incremental_columns"),
                $"table {name.Value} is to be synced incrementally and names no incremental columns",
                "incremental_columns: a list of columns, or strategy: full_table");
            return config;
        }

        // Files of June 2025 have a few of these. With nothing to go by, every row has to be read.
        var strategy = table.Map.Find(Either("strategy"))!.Key;
        _unmet.Add(strategy with { Value = $"{strategy.Value} without incremental columns" });
        return config with { Strategy = SyncStrategy.FullTable };
    }
}
