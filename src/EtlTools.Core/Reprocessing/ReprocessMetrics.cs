using EtlTools.Core.Database;

namespace EtlTools.Core.Reprocessing;

/// <summary>How reprocessing went over a time: the metrics of the reprocessing strategy document.</summary>
public sealed record ReprocessMetric
{
    public DateTimeOffset Since { get; init; }
    public DateTimeOffset Until { get; init; }
    public int TotalReprocessingRuns { get; init; }
    public TimeSpan? AverageReprocessingTime { get; init; }

    /// <summary>Completed / ended reprocessing runs, 0 to 1.</summary>
    public double? SuccessRate { get; init; }
    public long DataVolumeProcessed { get; init; }

    /// <summary>Reprocesses that were undone.</summary>
    public int RollbackIncidents { get; init; }

    /// <summary>Files that failed and were then loaded / files that failed, 0 to 1.</summary>
    public double? FailedFileRecoveryRate { get; init; }

    /// <summary>Mean time from a file's first failure to its recovery.</summary>
    public TimeSpan? MeanTimeToRecovery { get; init; }

    /// <summary>Reprocessing runs a day.</summary>
    public double ReprocessingFrequency { get; init; }

    /// <summary>Share of runs in which no new file was begun before a failed one, 0 to 1.</summary>
    public double? FailedFirstAccuracy { get; init; }

    /// <summary>Files that failed in the window and are still not loaded: the data gap.</summary>
    public int OpenFailedFiles { get; init; }

    /// <summary>Superseded raw rows / all raw rows that the ledger counts, 0 to 1.</summary>
    public double? SupersededRowShare { get; init; }
    public IReadOnlyDictionary<string, int> ByReason { get; init; } = new Dictionary<string, int>();
    public IReadOnlyDictionary<string, int> ByExtractType { get; init; } = new Dictionary<string, int>();

    /// <summary>Hour of the day, 0 to 23 (UTC), to runs begun in it.</summary>
    public IReadOnlyDictionary<int, int> ByHour { get; init; } = new Dictionary<int, int>();
}

public sealed class ReprocessMetrics(EtlDatabase database)
{
    public Task<ReprocessMetric> GetAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description);
}
