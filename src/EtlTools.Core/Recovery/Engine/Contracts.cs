using System.Globalization;
using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Core.Recovery.Engine;

/// <summary>What to recover, and how.</summary>
public sealed record RecoveryOptions
{
    public const int DefaultBatchSize = 100;
    public const int DefaultMaxConcurrency = 5;

    /// <summary>These ingestions, whatever their status.</summary>
    public IReadOnlyList<Guid> RawIngestionIds { get; init; } = [];

    public IReadOnlyList<Guid> UserIds { get; init; } = [];

    /// <summary>None given, and no ingestions named: error and partial_success, or failed where the status is an enum without them.</summary>
    public IReadOnlyList<string> Status { get; init; } = [];

    /// <summary>Ingestions that are listed at a time.</summary>
    public int BatchSize { get; init; } = DefaultBatchSize;

    public int MaxConcurrency { get; init; } = DefaultMaxConcurrency;

    /// <summary>Reconcile after writing, and hash the payload again.</summary>
    public bool Verifies { get; init; } = true;

    /// <summary>
    /// The simple reprocessor: only status error with a parameter-limit message; success becomes processed, on failure the
    /// status stays and an error is added.
    /// </summary>
    public bool IsLegacy { get; init; }

    /// <summary>Kept with every recovery.</summary>
    public string? Reason { get; init; }

    /// <summary>Where raw_ingestions and the metric tables are; null: found in the catalogue.</summary>
    public string? Schema { get; init; }
}

public enum RecoveryOutcome
{
    /// <summary>What was missing is there, and nothing of the payload is left out.</summary>
    Recovered,

    /// <summary>What can be there is there; some metrics cannot be taken, and the problems say why.</summary>
    PartiallyRecovered,

    /// <summary>Everything was there already.</summary>
    NothingMissing,

    /// <summary>The payload holds nothing that could be brought back.</summary>
    Unrecoverable,

    /// <summary>Nothing could be written; nothing was changed in the metric tables.</summary>
    Failed,

    /// <summary>Somebody else is at it, or has changed its status meanwhile.</summary>
    Skipped,
}

/// <summary>What a recovery did with one ingestion, or in a preview would do.</summary>
public sealed record DataRecovery
{
    /// <summary>Its row in etl.data_recoveries. Null in a preview, and where it was skipped.</summary>
    public Guid? DataRecoveryId { get; init; }

    public required Guid RawIngestionId { get; init; }

    public Guid UserId { get; init; }

    public required RecoveryOutcome Outcome { get; init; }

    /// <summary>Why the metrics were lost.</summary>
    public LossCause Cause { get; init; }

    public long Expected { get; init; }

    /// <summary>Keys that were in the tables before.</summary>
    public long PresentBefore { get; init; }

    /// <summary>Rows that were written.</summary>
    public long Recovered { get; init; }

    /// <summary>Rows that were there and lacked values that the payload has; nothing is ever overwritten.</summary>
    public long Completed { get; init; }

    /// <summary>Metrics that could not be taken: those that are no row, and those that the database refuses.</summary>
    public long Failed { get; init; }

    /// <summary>Metrics whose key the payload has already.</summary>
    public long Duplicates { get; init; }

    public IReadOnlyList<TableRecovery> Table { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<TableRecovery>();

    public IReadOnlyList<MetricProblem> Problem { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<MetricProblem>();

    public string? OriginalStatus { get; init; }

    /// <summary>The status it has now.</summary>
    public string? Status { get; init; }

    /// <summary>SHA-256 of the stored text, in lower-case hexadecimal.</summary>
    public string? Sha256Before { get; init; }

    /// <summary>Null where it was not verified.</summary>
    public string? Sha256After { get; init; }

    /// <summary>Reconciled after writing, and its payload found unchanged.</summary>
    public bool IsVerified { get; init; }

    public long PayloadBytes { get; init; }

    public TimeSpan Duration { get; init; }

    public string? ErrorCode { get; init; }

    public string? Error { get; init; }
}

/// <summary>One table's part of a recovery, in rows.</summary>
public sealed record TableRecovery
{
    /// <summary>Null for the totals of a report.</summary>
    public Guid? RawIngestionId { get; init; }

    /// <summary>schema.table</summary>
    public required string Table { get; init; }

    public long Expected { get; init; }

    public long PresentBefore { get; init; }

    public long Recovered { get; init; }

    public long Completed { get; init; }

    /// <summary>Rows that a constraint of the table refuses.</summary>
    public long Refused { get; init; }

    public long Duplicates { get; init; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Table}: {Recovered:N0} recovered, {Completed:N0} completed, {Refused:N0} refused");
}

public sealed record RecoveryProgress
{
    public long RecordsDone { get; init; }

    public long RecordsTotal { get; init; }

    public long RecordsFailed { get; init; }

    /// <summary>Rows written and committed.</summary>
    public long MetricsRecovered { get; init; }

    public double MetricsPerSecond { get; init; }

    public long BytesDone { get; init; }

    public long BytesTotal { get; init; }

    public TimeSpan? TimeLeft { get; init; }

    /// <summary>Set once a record's transaction is committed.</summary>
    public DataRecovery? FinishedRecord { get; init; }
}
