using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Health;

public enum HealthStatus
{
    /// <summary>Nothing came in during the window, and nothing is wrong: no statement about health can be made.</summary>
    NoData,
    Healthy,
    Warning,
    Critical,
}

/// <summary>A kind of pipeline. What one of them counts as an item: a file, a payload, a sync.</summary>
public enum PipelineFamily
{
    /// <summary>CSV files loaded into raw and staging. An item is a file, a record is a row.</summary>
    Load,

    /// <summary>Payloads in raw_ingestions. An item is a payload, a record is a metric.</summary>
    Ingestion,

    /// <summary>Copies of a source's tables. An item is a sync of a table, a record is a row.</summary>
    Table,
}

public enum HealthSeverity
{
    Warning,
    Critical,
}

/// <summary>How soon somebody should look after a user, practice or table.</summary>
public enum ImpactUrgency
{
    Low,
    Medium,
    High,
    Urgent,
}

/// <summary>How processing went over a window of time: what is wrong, how bad, for whom, and what to do.</summary>
public sealed record ProcessingHealth
{
    /// <summary>The worst of the families that are installed.</summary>
    public HealthStatus Status { get; init; }
    public TimeSpan Window { get; init; }

    /// <summary>The window ends at To, which is not part of it.</summary>
    public DateTimeOffset From { get; init; }
    public DateTimeOffset To { get; init; }

    /// <summary>The zone that the times are given in, e.g. Pacific/Auckland.</summary>
    public string TimeZone { get; init; } = "UTC";
    public DateTimeOffset GeneratedAt { get; init; }

    /// <summary>user@host:port/database.</summary>
    public string Database { get; init; } = "";

    /// <summary>What the reading was kept to; empty: everybody.</summary>
    public IReadOnlyList<Guid> UserId { get; init; } = [];
    public IReadOnlyList<string> PracticeId { get; init; } = [];

    /// <summary>The limits that the alerts go by.</summary>
    public HealthThresholds Threshold { get; init; } = new();
    public IReadOnlyList<FamilyHealth> Family { get; init; } = [];

    /// <summary>Counts and rates of the window, one for each family that is installed.</summary>
    public IReadOnlyList<HealthOverall> Overall { get; init; } = [];
    public IReadOnlyList<HealthDataLoss> DataLoss { get; init; } = [];

    /// <summary>What went wrong in the window by category, the most frequent first.</summary>
    public IReadOnlyList<ErrorPattern> ErrorPattern { get; init; } = [];

    /// <summary>Users, practices and tables that something is wrong for, the most urgent first.</summary>
    public IReadOnlyList<HealthImpact> Impact { get; init; } = [];

    /// <summary>Every configured table, and what is wrong with it.</summary>
    public IReadOnlyList<HealthTable> Table { get; init; } = [];
    public IReadOnlyList<StuckWork> Stuck { get; init; } = [];
    public IReadOnlyList<HealthBacklog> Backlog { get; init; } = [];

    /// <summary>The windows before and, last, this one.</summary>
    public IReadOnlyList<HealthTrend> Trend { get; init; } = [];
    public IReadOnlyList<HealthAlert> Alert { get; init; } = [];
    public IReadOnlyList<HealthRecommendation> Recommendation { get; init; } = [];

    /// <summary>Counts since the ledger began; they only ever grow.</summary>
    public IReadOnlyList<HealthTotal> Total { get; init; } = [];
}

/// <summary>Where one kind of pipeline stands.</summary>
public sealed record FamilyHealth
{
    public PipelineFamily Family { get; init; }

    /// <summary>As it is headed: CSV loads, Raw ingestions, Table syncs.</summary>
    public string Title { get; init; } = "";

    /// <summary>False: this database has no such pipeline, or the question was not about it; see Detail.</summary>
    public bool IsIncluded { get; init; }
    public HealthStatus Status { get; init; }

    /// <summary>The last item that was processed, of all time.</summary>
    public DateTimeOffset? LastSuccessAt { get; init; }
    public string Detail { get; init; } = "";
}

/// <summary>What came in during the window, and what became of it. Each file, payload or sync counts once, by its last state.</summary>
public sealed record HealthOverall
{
    public PipelineFamily Family { get; init; }

    /// <summary>What is counted: file, payload or sync.</summary>
    public string Unit { get; init; } = "";
    public long Total { get; init; }

    /// <summary>Processed, those that were recovered among them.</summary>
    public long Processed { get; init; }

    /// <summary>Processed in part only.</summary>
    public long Partial { get; init; }

    /// <summary>Failed, and not put right since.</summary>
    public long Failed { get; init; }

    /// <summary>Not begun, or under way.</summary>
    public long Waiting { get; init; }

    /// <summary>Failed once, and put right since.</summary>
    public long Recovered { get; init; }

    /// <summary>Shares of Total, 0 to 1; null where nothing came in.</summary>
    public double? SuccessRate { get; init; }
    public double? FailureRate { get; init; }
}

/// <summary>Records that were expected and are not there.</summary>
public sealed record HealthDataLoss
{
    public PipelineFamily Family { get; init; }

    /// <summary>What is counted as an item and as a record: file and row, payload and metric, sync and row.</summary>
    public string Unit { get; init; } = "";
    public string RecordUnit { get; init; } = "";

    /// <summary>Items of the window with loss.</summary>
    public long Items { get; init; }
    public long Expected { get; init; }
    public long Present { get; init; }
    public long Missing { get; init; }

    /// <summary>Missing / Expected, 0 to 1; null where nothing was expected.</summary>
    public double? Rate { get; init; }

    /// <summary>
    /// Metrics that an audit could make no row of, beside those expected: the mapping has no place for them, or a rule turns them
    /// away. Null for files, whose rejected rows are missing ones.
    /// </summary>
    public long? Rejected { get; init; }
    public long? RejectedItems { get; init; }

    /// <summary>Rejected / (Expected + Rejected), 0 to 1.</summary>
    public double? RejectedRate { get; init; }

    /// <summary>Items that an audit could not read, or not to their end: nobody can count what they lost. Null for files.</summary>
    public long? Unreadable { get; init; }

    /// <summary>Items that lost what a recovery does not bring back, those with rejected records apart. Null for files.</summary>
    public long? BeyondRecovery { get; init; }

    /// <summary>Items whose records were counted against the tables, not only by the processor's own word.</summary>
    public long Audited { get; init; }
}

public sealed record ErrorPattern
{
    public PipelineFamily Family { get; init; }
    public string Category { get; init; } = "";

    /// <summary>The id of the error or the reason, where the pipeline gives one.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>What is counted: run, file, row, payload, sync or error.</summary>
    public string Unit { get; init; } = "";
    public long Count { get; init; }
    public DateTimeOffset FirstSeen { get; init; }
    public DateTimeOffset LastSeen { get; init; }
}

/// <summary>What the trouble means for one user, practice or table.</summary>
public sealed record HealthImpact
{
    public PipelineFamily Family { get; init; }

    /// <summary>What it is, user, practice or table, and its name.</summary>
    public string SubjectUnit { get; init; } = "";
    public string Subject { get; init; } = "";

    /// <summary>Its name again, as the commands of its kind take it; the others are null.</summary>
    public Guid? UserId { get; init; }
    public string? PracticeId { get; init; }
    public string? TableName { get; init; }

    /// <summary>Of a table.</summary>
    public string? Source { get; init; }
    public TableImportance? Importance { get; init; }

    /// <summary>What is wrong with a table; the limits stand in <see cref="ProcessingHealth.Table"/>.</summary>
    public IReadOnlyList<FindingKind> Finding { get; init; } = [];
    public long Total { get; init; }

    /// <summary>In whole or in part.</summary>
    public long Failed { get; init; }

    /// <summary>Processed / (processed + failed), 0 to 1; null where all of them wait.</summary>
    public double? SuccessRate { get; init; }

    /// <summary>0 to 1; null where nothing was expected.</summary>
    public double? DataLossRate { get; init; }

    /// <summary>Metrics that became no row, and payloads that could not be read; see <see cref="HealthDataLoss"/>.</summary>
    public long Rejected { get; init; }
    public long Unreadable { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }

    /// <summary>Null: there has been none.</summary>
    public double? DaysSinceSuccess { get; init; }
    public ImpactUrgency Urgency { get; init; }
    public string RecommendedAction { get; init; } = "";
    public string Command { get; init; } = "";
}

/// <summary>Work that was begun or promised and does not move.</summary>
public sealed record StuckWork
{
    public PipelineFamily Family { get; init; }

    /// <summary>The run; null where it is none, or items are counted by their state.</summary>
    public Guid? LoadRunId { get; init; }
    public long? TableSyncId { get; init; }
    public string? TableName { get; init; }
    public string? Source { get; init; }

    /// <summary>In words: a run, a number of payloads, a sync of a table.</summary>
    public string What { get; init; } = "";
    public string State { get; init; } = "";
    public long Count { get; init; }
    public DateTimeOffset Since { get; init; }
    public TimeSpan Age { get; init; }
    public string Reason { get; init; } = "";
}

/// <summary>Work that waits, of all time and not only of the window.</summary>
public sealed record HealthBacklog
{
    public PipelineFamily Family { get; init; }
    public string Unit { get; init; } = "";
    public long Count { get; init; }
    public DateTimeOffset? OldestAt { get; init; }
    public TimeSpan? OldestAge { get; init; }
}

/// <summary>One window among others of the same length.</summary>
public sealed record HealthTrend
{
    public PipelineFamily Family { get; init; }
    public DateTimeOffset From { get; init; }
    public DateTimeOffset To { get; init; }
    public bool IsCurrent { get; init; }
    public long Total { get; init; }
    public long Failed { get; init; }
    public double? FailureRate { get; init; }
    public long Expected { get; init; }
    public long Missing { get; init; }
    public double? DataLossRate { get; init; }

    /// <summary>
    /// Recoveries that ended in the window, whenever their payloads came in: in full, and not or in part; and the metrics that they
    /// brought back. Null for what is not recovered.
    /// </summary>
    public long? Recovered { get; init; }
    public long? RecoveriesFailed { get; init; }
    public long? RecordsRecovered { get; init; }
}

public sealed record HealthAlert
{
    public HealthSeverity Severity { get; init; }

    /// <summary>How soon somebody has to hear of it.</summary>
    public AlertTier Tier { get; init; }

    /// <summary>
    /// A stable name: DataLoss, RejectedMetrics, UnreadablePayload, ProcessingFailure, SubjectSuccess, StuckWork, BacklogAge, RunFailed,
    /// TableOverdue, TableFailing, TableBelowThreshold, TableSlow, TableDrifted.
    /// </summary>
    public string Id { get; init; } = "";
    public PipelineFamily Family { get; init; }

    /// <summary>What was measured, its value and the limit that it is above (or, for a success rate, below).</summary>
    public string Metric { get; init; } = "";
    public double Value { get; init; }
    public double Threshold { get; init; }
    public string Message { get; init; } = "";
}

public sealed record HealthRecommendation
{
    public PipelineFamily Family { get; init; }
    public string Text { get; init; } = "";

    /// <summary>A command that shows, or previews, what is to be done.</summary>
    public string Command { get; init; } = "";
}

/// <summary>A count since the ledger began. It never falls.</summary>
public sealed record HealthTotal
{
    public PipelineFamily Family { get; init; }
    public string Name { get; init; } = "";
    public long Value { get; init; }
}
