using System.Globalization;
using System.Text;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Health.Export;

/// <summary>
/// The text format of Prometheus. Counters are the ledger's totals since it began; should a ledger ever lose entries, they
/// stay at what the file said before, for a counter that falls reads as a burst of new events.
/// </summary>
internal static class PrometheusText
{
    private static readonly Metric[] All =
    [
        // The names of the data recovery guide.
        Counter("health_export_recovery_processed_total", "Payloads that a data recovery brought back in full.", PipelineFamily.Ingestion, "PayloadsRecovered", ("status", "success")),
        Counter("health_export_recovery_failed_total", "Data recoveries that failed or brought back a part only.", PipelineFamily.Ingestion, "RecoveriesFailed", ("status", "error")),
        Counter("health_export_data_loss_detected_total", "Payloads in which an audit or a recovery found metrics missing.", PipelineFamily.Ingestion, "PayloadsWithLoss"),
        Counter("etl_metrics_recovered_total", "Metrics that data recoveries brought back.", PipelineFamily.Ingestion, "MetricsRecovered"),
        Counter("etl_files_loaded_total", "Attempts at files that were loaded.", PipelineFamily.Load, "FilesLoaded"),
        Counter("etl_files_failed_total", "Attempts at files that failed.", PipelineFamily.Load, "FilesFailed"),
        Counter("etl_rows_ingested_total", "Rows that files brought into raw tables.", PipelineFamily.Load, "RowsIngested"),
        Counter("etl_rows_rejected_total", "Rows that went to quarantine.", PipelineFamily.Load, "RowsRejected"),

        Counter("etl_table_syncs_completed_total", "Syncs of tables that were completed.", PipelineFamily.Table, "SyncsCompleted"),
        Counter("etl_table_syncs_failed_total", "Attempts at tables that failed.", PipelineFamily.Table, "SyncsFailed"),
        Counter("etl_table_rows_read_total", "Rows that syncs read from their sources.", PipelineFamily.Table, "TableRowsRead"),
        Counter("etl_table_rows_changed_total", "Rows of copies that syncs inserted, updated or deleted.", PipelineFamily.Table, "TableRowsChanged"),

        Gauge("etl_health_status", "1 for the status that holds, 0 for the others.", health => Statuses("all", health.Status)
            .Concat(Included(health).SelectMany(family => Statuses(Label(family.Family), family.Status)))),
        Gauge("etl_health_generated_timestamp_seconds", "When the figures were read.", health => [At(health.GeneratedAt)]),
        Gauge("etl_health_window_seconds", "Length of the window that the figures are about.", health => [new([], health.Window.TotalSeconds)]),
        Gauge("etl_last_success_timestamp_seconds", "When the last file or payload was processed, or the last table synced.", health => Included(health)
            .Where(family => family.LastSuccessAt is not null).Select(family => At(family.LastSuccessAt!.Value, Of(family.Family)))),
        Gauge("etl_items", "Files, payloads or syncs of the window by their state.", health => health.Overall.SelectMany(States)),
        Gauge("etl_success_ratio", "Share of the window's files, payloads or syncs that were processed.", health => health.Overall
            .Where(overall => overall.SuccessRate is not null).Select(overall => new Sample([Of(overall.Family)], overall.SuccessRate!.Value))),
        Gauge("etl_failure_ratio", "Share of the window's files, payloads or syncs that failed.", health => health.Overall
            .Where(overall => overall.FailureRate is not null).Select(overall => new Sample([Of(overall.Family)], overall.FailureRate!.Value))),
        Gauge("etl_data_loss_items", "Files, payloads or syncs of the window with records missing.", health => Losses(health, loss => loss.Items)),
        Gauge("etl_data_loss_ratio", "Share of the window's expected records that are missing.", health => Losses(health, loss => loss.Rate)),
        Gauge("etl_records_expected", "Rows or metrics that the window's items hold.", health => Losses(health, loss => loss.Expected)),
        Gauge("etl_records_missing", "Rows or metrics of the window that are not in their tables.", health => Losses(health, loss => loss.Missing)),
        Gauge("etl_records_rejected", "Metrics of the window that an audit could make no row of.", health => Losses(health, loss => loss.Rejected)),
        Gauge("etl_rejected_ratio", "Share of the window's metrics that an audit could make no row of.", health => Losses(health, loss => loss.RejectedRate)),
        Gauge("etl_unreadable_items", "Payloads of the window that an audit could not read, or not to their end.", health => Losses(health, loss => loss.Unreadable)),
        Gauge("etl_audited_items", "Files, payloads or syncs of the window whose records were counted in the tables.", health => Losses(health, loss => loss.Audited)),
        Gauge("etl_errors", "What went wrong in the window, by category.", health => health.ErrorPattern
            .GroupBy(pattern => (pattern.Family, pattern.Category, pattern.Unit))
            .Select(group => new Sample([Of(group.Key.Family), ("category", group.Key.Category), ("unit", group.Key.Unit)], group.Sum(pattern => pattern.Count)))),
        Gauge("etl_stuck_items", "Runs, files, payloads or syncs that do not move.", health => Included(health)
            .Select(family => new Sample([Of(family.Family)], health.Stuck.Where(work => work.Family == family.Family).Sum(work => work.Count)))),
        Gauge("etl_backlog_items", "Files or payloads that wait, and tables that ought to have been synced.", health => health.Backlog
            .Select(backlog => new Sample([Of(backlog.Family)], backlog.Count))),
        Gauge("etl_backlog_oldest_age_seconds", "How long the oldest of them has waited.", health => health.Backlog
            .Select(backlog => new Sample([Of(backlog.Family)], backlog.OldestAge?.TotalSeconds ?? 0))),
        Gauge("etl_impacted_subjects", "Users, practices or tables that something is wrong for.", health => Included(health)
            .SelectMany(family => Enum.GetValues<ImpactUrgency>().Select(urgency => new Sample(
                [Of(family.Family), ("urgency", Label(urgency))],
                health.Impact.Count(impact => impact.Family == family.Family && impact.Urgency == urgency))))),
        Gauge("etl_alerts", "Alerts of this reading, by how bad they are and how soon somebody has to hear of them.", health =>
            from severity in Enum.GetValues<HealthSeverity>()
            from tier in Enum.GetValues<AlertTier>()
            select new Sample(
                [("severity", Label(severity)), ("tier", Label(tier))], health.Alert.Count(alert => alert.Severity == severity && alert.Tier == tier))),
        Gauge("etl_tables", "Configured tables.", health =>
            from importance in Importances(health)
            select new Sample([("importance", Label(importance))], health.Table.Count(table => table.Importance == importance))),
        Gauge("etl_table_findings", "Tables that there is an alert about.", health =>
            from importance in Importances(health)
            from kind in Enum.GetValues<FindingKind>()
            select new Sample(
                [("importance", Label(importance)), ("finding", Label(kind))],
                health.Table.Count(table => table.Importance == importance && table.Finding.Any(finding => finding.Kind == kind && finding.IsAlert)))),
        Gauge("etl_table_has_finding", "1 for what is wrong with a table; what is not is not there.", health => health.Table.SelectMany(
            table => table.Finding.Select(finding => new Sample([.. Of(table), ("finding", Label(finding.Kind))], 1)))),
        Gauge("etl_table_last_success_timestamp_seconds", "When a table was synced last.", health => health.Table
            .Where(table => table.LastSuccessAt is not null).Select(table => At(table.LastSuccessAt!.Value, Of(table)))),
        Gauge("etl_table_overdue_after_seconds", "A table that was not synced for so long is overdue.", health => Tables(health, table => table.OverdueAfter.TotalSeconds)),
        Gauge("etl_table_failures", "Runs in which a table failed since its last success.", health => Tables(health, table => table.Failures)),
        Gauge("etl_table_duration_seconds", "How long the last sync of a table took.", health => Tables(health, table => table.LastDuration?.TotalSeconds)),
        Gauge("etl_table_verified_ratio", "Share of the rows read last that is in the copy.", health => Tables(health, table => table.Verified)),
    ];

    /// <summary>The names of all metrics that a file can hold.</summary>
    public static IEnumerable<string> Names => All.Select(metric => metric.Name);

    /// <param name="health">What to write.</param>
    /// <param name="previous">The text of the file that this one takes the place of; empty where there is none.</param>
    /// <exception cref="EtlException">HealthIsPartial.</exception>
    public static string Write(ProcessingHealth health, string previous)
    {
        if (health.UserId.Count + health.PracticeId.Count > 0)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "HealthIsPartial",
                "A health of some users or practices would take the place of everybody's counters.",
                "Prometheus",
                "Leave -UserId and -PracticeId out, or export it as Html or Json.");
        }

        var floor = ReadSeries(previous);
        var database = ("database", DatabaseOf(health));
        var text = new StringBuilder();
        foreach (var metric in All)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {metric.Name} {metric.Help}\n# TYPE {metric.Name} {metric.Type}\n");
            foreach (var sample in metric.Read(health))
            {
                var series = metric.Name + Labels([database, .. sample.Labels]);
                var value = metric.Type == "counter" ? Math.Max(sample.Value, floor.GetValueOrDefault(series)) : sample.Value;
                text.Append(CultureInfo.InvariantCulture, $"{series} {value:R}\n");
            }
        }

        return text.ToString();
    }

    private static Dictionary<string, double> ReadSeries(string text)
    {
        var series = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var end = line.LastIndexOf(' ');
            if (end > 0 && double.TryParse(line.AsSpan(end + 1), CultureInfo.InvariantCulture, out var value) && double.IsFinite(value))
            {
                series[line[..end]] = value;
            }
        }

        return series;
    }

    /// <summary>host:port/database, whoever reads it: two databases on one node are two sets of series.</summary>
    private static string DatabaseOf(ProcessingHealth health) => health.Database[(health.Database.LastIndexOf('@') + 1)..];

    private static string Labels(IReadOnlyList<(string Name, string Value)> labels) =>
        "{" + string.Join(',', labels.Select(label => $"{label.Name}=\"{Escape(label.Value)}\"")) + "}";

    private static string Escape(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static Metric Gauge(string name, string help, Func<ProcessingHealth, IEnumerable<Sample>> read) => new(name, "gauge", help, read);

    private static Metric Counter(string name, string help, PipelineFamily family, string total, params (string, string)[] labels) => new(
        name,
        "counter",
        help,
        health => health.Total.Where(one => one.Family == family && one.Name == total).Select(one => new Sample(labels, one.Value)));

    private static IEnumerable<FamilyHealth> Included(ProcessingHealth health) => health.Family.Where(family => family.IsIncluded);

    private static IEnumerable<Sample> Statuses(string family, HealthStatus holds) => Enum.GetValues<HealthStatus>()
        .Select(status => new Sample([("family", family), ("status", Label(status))], status == holds ? 1 : 0));

    private static IEnumerable<Sample> States(HealthOverall overall) =>
        new[]
        {
            ("processed", overall.Processed),
            ("partial", overall.Partial),
            ("failed", overall.Failed),
            ("waiting", overall.Waiting),
        }.Select(state => new Sample([Of(overall.Family), ("state", state.Item1)], state.Item2));

    private static IEnumerable<Sample> Losses(ProcessingHealth health, Func<HealthDataLoss, double?> value) => health.DataLoss
        .Where(loss => value(loss) is not null).Select(loss => new Sample([Of(loss.Family)], value(loss)!.Value));

    /// <summary>Every importance, that a rule need not know which are used; none where there are no tables.</summary>
    private static IEnumerable<TableImportance> Importances(ProcessingHealth health) => health.Table.Count > 0 ? Enum.GetValues<TableImportance>() : [];

    private static IEnumerable<Sample> Tables(ProcessingHealth health, Func<HealthTable, double?> value) => health.Table
        .Where(table => value(table) is not null).Select(table => new Sample(Of(table), value(table)!.Value));

    private static (string, string)[] Of(HealthTable table) => [("source", table.Source), ("table", table.Name), ("importance", Label(table.Importance))];

    private static Sample At(DateTimeOffset time, params (string, string)[] labels) => new(labels, time.ToUnixTimeMilliseconds() / 1000.0);

    private static (string, string) Of(PipelineFamily family) => ("family", Label(family));

    private static string Label<T>(T word)
        where T : struct, Enum => word.ToString().ToLowerInvariant();

    private sealed record Metric(string Name, string Type, string Help, Func<ProcessingHealth, IEnumerable<Sample>> Read);

    private sealed record Sample(IReadOnlyList<(string Name, string Value)> Labels, double Value);
}
