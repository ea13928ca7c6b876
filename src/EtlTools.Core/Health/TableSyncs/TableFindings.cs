using System.Globalization;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Health.TableSyncs;

/// <summary>Judges one table by its own limits. It asks no database.</summary>
internal static class TableFindings
{
    /// <summary>Errors that say that the copy lacks rows, that a sync took too long, and that the columns no longer fit.</summary>
    private const string TooFewRows = "TableVerificationFailed";
    private const string TooLong = "TableTimeLimit";
    private static readonly string[] NoFit = ["SchemaDrift", "SchemaDriftUnsafe", "SchemaDriftBlocked", "TableConfigColumnMissing"];

    /// <summary>The worst first.</summary>
    public static IReadOnlyList<HealthFinding> Of(TableReading table, HealthWindows windows, HealthThresholds limits)
    {
        HealthFinding?[] findings =
        [
            Failing(table), Overdue(table, windows.Now), BelowThreshold(table), Drifted(table), Slow(table, windows, limits),
        ];
        return [.. findings.OfType<HealthFinding>().Select(finding => finding with
        {
            Name = table.Name,
            Source = table.Source,
            Importance = table.Importance,
            Severity = SeverityOf(finding.Kind, table.Importance),
            Tier = AlertTiers.Of(finding.Kind, table.Importance),
        })];
    }

    public static TimeSpan Lag(TableReading table, DateTime now) => now - (table.LastSuccessAt ?? table.ConfiguredAt);

    /// <summary>Runs, not attempts: a run tries again by itself.</summary>
    public static int CountFailures(TableReading table) => table.Failures.Select(sync => sync.Run).Distinct().Count();

    private static HealthSeverity SeverityOf(FindingKind kind, TableImportance importance) =>
        importance == TableImportance.Critical && kind is FindingKind.Failing or FindingKind.Overdue or FindingKind.BelowThreshold
            ? HealthSeverity.Critical
            : HealthSeverity.Warning;

    private static HealthFinding? Failing(TableReading table) => table.Failures is [var last, ..]
        ? new HealthFinding
        {
            Kind = FindingKind.Failing,
            IsAlert = table.AlertsOnFailure,
            Metric = "failures since the last success",
            Value = CountFailures(table),
            Message = $"{Words.Count(CountFailures(table), "failure")} since the last success, the last with {last.ErrorCode ?? "SyncInterrupted"}",
        }
        : null;

    private static HealthFinding? Overdue(TableReading table, DateTime now)
    {
        var lag = Lag(table, now);
        return lag > table.OverdueAfter
            ? new HealthFinding
            {
                Kind = FindingKind.Overdue,
                Metric = "hours since the last success",
                Value = lag.TotalHours,
                Limit = table.OverdueAfter.TotalHours,
                Message = table.LastSuccessAt is null
                    ? $"never synced, and configured {Words.Age(lag)} ago; the limit is {Duration.Write(table.OverdueAfter)}"
                    : $"last synced {Words.Age(lag)} ago; the limit is {Duration.Write(table.OverdueAfter)}",
            }
            : null;
    }

    private static HealthFinding? BelowThreshold(TableReading table)
    {
        // One that was written and is not there fails a sync, however good the share: it is one too many.
        var refused = table.LastEnded is { State: TableSyncStatus.Failed, ErrorCode: TooFewRows };
        var verified = refused ? table.LastEnded!.Verified : table.LastCompleted?.Verified;
        if (!refused && !(verified < table.Threshold))
        {
            return null;
        }

        var limit = verified < table.Threshold ? table.Threshold : 1;
        return new HealthFinding
        {
            Kind = FindingKind.BelowThreshold,
            Metric = "share of the rows read that is in the copy",
            Value = verified ?? 0,
            Limit = limit,
            Message = $"{Share(verified ?? 0)} of the rows read are in the copy; the limit is {Share(limit)}",
        };
    }

    /// <summary>Of syncs that ended in the window: what was slow long ago is no news.</summary>
    private static HealthFinding? Slow(TableReading table, HealthWindows windows, HealthThresholds limits)
    {
        if (table.LastEnded is not { } last || last.FinishedAt is not { } end || end < windows.From)
        {
            return null;
        }

        if (last.ErrorCode == TooLong)
        {
            return Make(table.TimeLimit is { } own && own < last.Duration ? own : last.Duration, $"was ended after {Length(last.Duration)} by its time limit");
        }

        if (last.State != TableSyncStatus.Completed)
        {
            return null;
        }

        if (last.Duration > table.TimeLimit)
        {
            return Make(table.TimeLimit.Value, $"took {Length(last.Duration)}; the limit is {Length(table.TimeLimit.Value)}");
        }

        return table.UsualDuration * limits.SlowFactor is { } usual && last.Duration > usual && last.Duration > limits.SlowAfter
            ? Make(usual, $"took {Length(last.Duration)}; usual is {Length(table.UsualDuration!.Value)}")
            : null;

        HealthFinding Make(TimeSpan limit, string message) => new()
        {
            Kind = FindingKind.Slow,
            Metric = "minutes of the last sync",
            Value = last.Duration.TotalMinutes,
            Limit = limit.TotalMinutes,
            Message = message,
        };
    }

    private static HealthFinding? Drifted(TableReading table)
    {
        if (table.LastEnded is { State: TableSyncStatus.Failed, ErrorCode: { } code } && NoFit.Contains(code))
        {
            return Make(1, $"its columns changed, and nothing is synced ({code})");
        }

        // What a contract leaves out is left out each time. Where the copy follows, only what is new is news.
        var discards = table.Contract is SchemaContract.DiscardRow or SchemaContract.DiscardValue;
        var drift = discards ? table.LastCompleted?.Drift ?? [] : table.NewDrift;
        var discarded = table.Window.Missing + table.ValuesDiscarded;
        if (drift.Count == 0 && discarded == 0)
        {
            return null;
        }

        List<string> parts = drift.Count > 0 ? [string.Join(", ", drift)] : [];
        if (table.Window.Missing > 0)
        {
            parts.Add($"{Words.Count(table.Window.Missing, "row")} left out");
        }

        if (table.ValuesDiscarded > 0)
        {
            parts.Add($"{Words.Count(table.ValuesDiscarded, "value")} left out");
        }

        return Make(drift.Count + discarded, string.Join("; ", parts));

        static HealthFinding Make(long value, string message) => new()
        {
            Kind = FindingKind.Drifted,
            Metric = "columns changed, rows and values left out",
            Value = value,
            Message = message,
        };
    }

    private static string Length(TimeSpan duration) => duration < TimeSpan.FromSeconds(1) ? "less than 1s" : Duration.Write(duration);

    /// <summary>With as many digits as tell it from a limit such as 99.9%.</summary>
    private static string Share(double share) => (share * 100).ToString("0.####", CultureInfo.InvariantCulture) + "%";
}
