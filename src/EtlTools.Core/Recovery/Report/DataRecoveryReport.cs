using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Core.Recovery.Report;

/// <summary>What a recovery came to; of a preview, what it would come to. Its JSON has the same fields in snake case.</summary>
public sealed record DataRecoveryReport
{
    /// <summary>Null in a preview.</summary>
    public Guid? RecoveryRunId { get; init; }

    public bool IsPreview { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public TimeSpan Duration { get; init; }

    public string? Reason { get; init; }

    /// <summary>Ingestions that were chosen.</summary>
    public long TotalRecords { get; init; }

    /// <summary>Recovered, wholly or in part, or found whole.</summary>
    public long ProcessedRecords { get; init; }

    /// <summary>Failed or unrecoverable.</summary>
    public long FailedRecords { get; init; }

    public long SkippedRecords { get; init; }

    public long TotalMetricsRecovered { get; init; }

    /// <summary>Rows that were there and got values they lacked.</summary>
    public long TotalMetricsCompleted { get; init; }

    public long TotalMetricsFailed { get; init; }

    /// <summary>Keys that are not in the tables after all: what the database refused.</summary>
    public long TotalMetricsMissing { get; init; }

    /// <summary>Totals of each table, exact also in a preview.</summary>
    public IReadOnlyList<TableRecovery> Table { get; init; } = [];

    /// <summary>Records by the cause of their loss.</summary>
    public IReadOnlyDictionary<LossCause, long> ErrorBreakdown { get; init; } = new Dictionary<LossCause, long>();

    public IReadOnlyList<UserRecovery> User { get; init; } = [];

    public IReadOnlyList<DataRecovery> Record { get; init; } = [];

    /// <summary>Where the JSON was written; null where none was.</summary>
    public string? Path { get; init; }

    /// <summary>Sums up.</summary>
    /// <param name="records">Every record that was handled.</param>
    /// <param name="total">How many were chosen.</param>
    public static DataRecoveryReport Of(IReadOnlyList<DataRecovery> records, long total)
    {
        return new DataRecoveryReport
        {
            TotalRecords = Math.Max(total, records.Count),
            ProcessedRecords = Count(RecoveryOutcome.Recovered, RecoveryOutcome.PartiallyRecovered, RecoveryOutcome.NothingMissing),
            FailedRecords = Count(RecoveryOutcome.Failed, RecoveryOutcome.Unrecoverable),
            SkippedRecords = Count(RecoveryOutcome.Skipped),
            TotalMetricsRecovered = records.Sum(record => record.Recovered),
            TotalMetricsCompleted = records.Sum(record => record.Completed),
            TotalMetricsFailed = records.Sum(record => record.Failed),
            TotalMetricsMissing = records.Sum(record => record.Table.Sum(table => table.Refused)),
            Table = records
                .SelectMany(record => record.Table)
                .GroupBy(table => table.Table, StringComparer.Ordinal)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new TableRecovery
                {
                    Table = group.Key,
                    Expected = group.Sum(table => table.Expected),
                    PresentBefore = group.Sum(table => table.PresentBefore),
                    Recovered = group.Sum(table => table.Recovered),
                    Completed = group.Sum(table => table.Completed),
                    Refused = group.Sum(table => table.Refused),
                    Duplicates = group.Sum(table => table.Duplicates),
                })
                .ToList(),
            ErrorBreakdown = records
                .Where(record => record.Cause != LossCause.None)
                .GroupBy(record => record.Cause)
                .OrderBy(group => group.Key)
                .ToDictionary(group => group.Key, group => (long)group.Count()),
            User = records
                .Where(record => record.Outcome != RecoveryOutcome.Skipped)
                .GroupBy(record => record.UserId)
                .Select(group => UserRecovery.Of(group.Key, group.ToList()))
                .OrderByDescending(user => user.DataLossRate)
                .ToList(),
            Record = records,
        };

        long Count(params RecoveryOutcome[] outcomes) => records.Count(record => outcomes.Contains(record.Outcome));
    }
}

/// <summary>One user's part of a <see cref="DataRecoveryReport"/>.</summary>
public sealed record UserRecovery
{
    public required Guid UserId { get; init; }

    public long RecordsProcessed { get; init; }

    public long MetricsRecovered { get; init; }

    public long MetricsFailed { get; init; }

    /// <summary>Share of the keys that was not there before, 0 to 1.</summary>
    public double DataLossRate { get; init; }

    /// <summary>Share of the keys that is not there now, 0 to 1.</summary>
    public double RemainingLossRate { get; init; }

    public double LargestPayloadMb { get; init; }

    /// <summary>What went wrong, by reason and name, never a value.</summary>
    public IReadOnlyList<string> ProcessingError { get; init; } = [];

    internal static UserRecovery Of(Guid userId, IReadOnlyList<DataRecovery> records)
    {
        var expected = Math.Max(1, records.Sum(record => record.Expected));
        return new UserRecovery
        {
            UserId = userId,
            RecordsProcessed = records.Count,
            MetricsRecovered = records.Sum(record => record.Recovered),
            MetricsFailed = records.Sum(record => record.Failed),
            DataLossRate = records.Sum(record => record.Expected - record.PresentBefore) / (double)expected,
            RemainingLossRate = records.Sum(record => record.Expected - record.PresentBefore - record.Recovered) / (double)expected,
            LargestPayloadMb = Math.Round(records.Max(record => record.PayloadBytes) / 1048576.0, 3),
            ProcessingError = records
                .SelectMany(record => record.Problem.Where(problem => problem.IsRowLost).Select(Describe)
                    .Concat(record.ErrorCode is { } code ? [code] : []))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .Take(50)
                .ToList(),
        };
    }

    private static string Describe(MetricProblem problem) =>
        string.Join(' ', new[] { problem.Reason, problem.Type, problem.Name }.Where(part => part.Length > 0));
}
