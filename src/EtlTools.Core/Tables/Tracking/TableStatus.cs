using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>How a table's copy stands.</summary>
public enum TableCondition
{
    /// <summary>It was never synced.</summary>
    Pending,
    Synced,
    Running,
    Failed,

    /// <summary>The last sync died before it was done; the next one goes on or begins anew.</summary>
    Interrupted,

    /// <summary>The last sync is longer ago than it may be.</summary>
    Overdue,

    /// <summary>It was returned to before a sync, and not synced since.</summary>
    Undone,
}

/// <summary>One table: when it was synced last, how far it is behind, and how long the next sync will take.</summary>
public sealed record TableStatus
{
    public required string Name { get; init; }

    public required string Source { get; init; }

    public required string Schema { get; init; }

    public TableImportance Importance { get; init; }

    public SyncStrategy Strategy { get; init; }

    public TableCondition Condition { get; init; }

    /// <summary>The last sync that began; an undo is none.</summary>
    public long? TableSyncId { get; init; }

    public DateTimeOffset? LastSuccessAt { get; init; }

    /// <summary>Since the last success.</summary>
    public TimeSpan? Lag { get; init; }

    public TimeSpan OverdueAfter { get; init; }

    public bool IsOverdue { get; init; }

    /// <summary>The newest date of an incremental column that was read, in the zone of the source.</summary>
    public DateTime? Watermark { get; init; }

    /// <summary>Of the copy, as PostgreSQL estimated when it looked last, which may be long ago; null where it never did, or there is no copy.</summary>
    public long? Rows { get; init; }

    /// <summary>Of the last sync that was completed.</summary>
    public long RowsRead { get; init; }

    public long RowsChanged { get; init; }

    public double? RowsPerSecond { get; init; }

    public TimeSpan? LastDuration { get; init; }

    /// <summary>What the next sync will take, by the last ones of its kind.</summary>
    public TimeSpan? EstimatedDuration { get; init; }

    /// <summary>The share of the rows read last that was found in the copy, 0 to 1.</summary>
    public double? Verified { get; init; }

    /// <summary>Syncs that failed since the last success.</summary>
    public int Failures { get; init; }

    public string? ErrorCode { get; init; }

    public string? Error { get; init; }

    public override string ToString() => Name;
}
