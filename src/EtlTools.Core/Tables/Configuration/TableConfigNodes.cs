using System.Globalization;
using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>Table configurations as the nodes that <see cref="TableConfigReader"/> reads.</summary>
internal static class TableConfigNodes
{
    public const string EstimatedRows = "estimated_rows";
    public const string EstimatedMegabytes = "estimated_size_mb";
    public const string SchemaHash = "schema_hash";
    public const string LastAnalyzed = "last_analyzed";

    /// <summary>What is measured, and nobody's wish: an analysis always replaces it.</summary>
    public static readonly IReadOnlyList<string> Measured = [EstimatedRows, EstimatedMegabytes, SchemaHash, LastAnalyzed];

    private const string Day = "yyyy-MM-dd";

    /// <summary>Everything that an analysis says, and what is unlike the default otherwise.</summary>
    public static ConfigMap Of(TableConfig table)
    {
        var standard = new TableConfig { Name = table.Name };
        var entries = new List<ConfigEntry>();
        Add(entries, "importance", Scalar(Words.Of(table.Importance)));
        Add(entries, "strategy", Scalar(Words.Of(table.Strategy)));
        Add(entries, "batch_size", Scalar(table.BatchSize));
        Add(entries, "incremental_columns", List(table.IncrementalColumns));
        if (table.RejectedColumns.Count > 0)
        {
            Add(entries, "rejected_columns", Map([.. table.RejectedColumns.Select(pair => Entry(pair.Key, Scalar(pair.Value)))]));
        }

        Add(entries, "incremental_strategy", Scalar(WordOf(table.IncrementalLogic)));
        Add(entries, "data_quality", Map(
        [
            Entry("min_date", Scalar(table.MinDate.ToString(Day, CultureInfo.InvariantCulture))),
            .. table.MaxDate is { } max ? [Entry("max_date", Scalar(max.ToString(Day, CultureInfo.InvariantCulture)))] : (ReadOnlySpan<ConfigEntry>)[],
        ]));
        Add(entries, "primary_key", List(table.PrimaryKey));
        Add(entries, "sync_profile", Scalar(WordOf(table.Profile)));
        if (table.Lookback is { } lookback)
        {
            Add(entries, "lookback", Map([Entry("window_days", Scalar(lookback.Days)), Entry("predicate_columns", List(lookback.Columns))]));
        }

        Add(entries, "dependencies", List(table.Dependencies));
        Add(entries, "monitoring", Monitoring(table.Monitoring));
        AddIf(table.Contract != standard.Contract, "contract", Scalar(Words.Of(table.Contract)));
        AddIf(table.Deletes is not null, "deletes", Scalar(table.Deletes == true));
        AddIf(table.BooleanColumns.Count > 0, "boolean_columns", List(table.BooleanColumns));
        AddIf(table.IsModeled, "is_modeled", Scalar(true));
        AddIf(table.EstimatedRows is not null, EstimatedRows, Scalar(table.EstimatedRows ?? 0));
        AddIf(table.EstimatedMegabytes is not null, EstimatedMegabytes, Scalar((table.EstimatedMegabytes ?? 0).ToString("0.##", CultureInfo.InvariantCulture)));
        AddIf(table.SchemaHash is not null, SchemaHash, Scalar(table.SchemaHash ?? ""));
        AddIf(table.LastAnalyzed is not null, LastAnalyzed, Instant(table.LastAnalyzed ?? default));
        return Map(entries);

        void AddIf(bool isSaid, string key, ConfigNode value)
        {
            if (isSaid)
            {
                Add(entries, key, value);
            }
        }
    }

    /// <summary>What a file of an older kind says of a table, in today's form. What it leaves out is for the analysis to say.</summary>
    public static ConfigMap Said(TableConfig table)
    {
        var file = (ConfigMap)table.Entry!.Value;
        var monitoring = file.Find("monitoring")?.Value as ConfigMap ?? Map([]);
        var entries = new List<ConfigEntry>();
        foreach (var entry in Of(table).Entries)
        {
            if (entry.Value is ConfigMap limits && entry.Key.Value == "monitoring")
            {
                List<ConfigEntry> said = [.. limits.Entries.Where(limit => IsSaid(monitoring, limit.Key.Value) || IsSaid(file, OlderNameOf(limit.Key.Value)))];
                if (said.Count > 0)
                {
                    entries.Add(entry with { Value = Map(said) });
                }
            }
            else if (IsSaid(file, entry.Key.Value) || IsSaid(file, OlderNameOf(entry.Key.Value)))
            {
                entries.Add(entry);
            }
        }

        // What asked for incremental columns and names none was read as full_table, and says nothing.
        var isUnmet = table is { Strategy: SyncStrategy.FullTable, IncrementalColumns.Count: 0 }
            && file.Find("extraction_strategy")?.Value is ConfigScalar { Value: "incremental" or "chunked_incremental" or "incremental_chunked" };
        return Map([.. entries.Where(entry => !isUnmet || entry.Key.Value != "strategy")]);
    }

    /// <summary>What files of older generations call a setting.</summary>
    public static string OlderNameOf(string setting) => setting switch
    {
        "importance" => "table_importance",
        "strategy" => "extraction_strategy",
        "incremental_columns" => "incremental_column",
        "data_quality" => "data_quality_filters",
        "lookback" => "lookback_resync",
        "boolean_columns" => "column_overrides",
        "overdue_after" => "time_gap_threshold_days",
        _ => setting,
    };

    public static ConfigScalar Instant(DateTimeOffset instant) =>
        Scalar(instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));

    public static ConfigScalar Scalar(string value) => new("", 0, value, true);

    public static ConfigMap Map(IReadOnlyList<ConfigEntry> entries) => new("", 0, entries);

    public static ConfigEntry Entry(string key, ConfigNode value) => new(Scalar(key), value);

    private static ConfigScalar Scalar(long value) => Scalar(value.ToString(CultureInfo.InvariantCulture));

    private static ConfigScalar Scalar(bool value) => Scalar(value ? "true" : "false");

    private static ConfigList List(IEnumerable<string> values) => new("", 0, [.. values.Select(Scalar)]);

    private static void Add(List<ConfigEntry> entries, string key, ConfigNode value) => entries.Add(Entry(key, value));

    private static bool IsSaid(ConfigMap file, string key) => file.Find(key)?.Value is not (null or ConfigScalar { IsNull: true });

    private static ConfigMap Monitoring(TableMonitoring monitoring)
    {
        var entries = new List<ConfigEntry>();
        Add(entries, "alert_on_failure", Scalar(monitoring.AlertsOnFailure));
        if (monitoring.TimeLimit is { } limit)
        {
            Add(entries, "max_extraction_time_minutes", Scalar((long)Math.Ceiling(limit.TotalMinutes)));
        }

        Add(entries, "data_quality_threshold", Scalar(monitoring.Threshold.ToString("0.####", CultureInfo.InvariantCulture)));
        if (monitoring.OverdueAfter is { } overdue)
        {
            Add(entries, "overdue_after", Scalar(overdue.TotalHours % 24 == 0
                ? $"{overdue.TotalDays.ToString("0", CultureInfo.InvariantCulture)}d"
                : $"{Math.Ceiling(overdue.TotalMinutes).ToString("0", CultureInfo.InvariantCulture)}m"));
        }

        return Map(entries);
    }

    private static string WordOf(IncrementalLogic logic) => logic switch
    {
        IncrementalLogic.Or => "or_logic",
        IncrementalLogic.And => "and_logic",
        _ => "single_column",
    };

    private static string WordOf(SyncProfile profile) => profile switch
    {
        SyncProfile.AppendOnly => "append_only",
        SyncProfile.InPlaceUpdates => "in_place_updates",
        _ => "unknown",
    };
}
