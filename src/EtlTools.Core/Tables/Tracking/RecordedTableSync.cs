using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>A sync or an undo of one table, as the ledger has it.</summary>
public sealed record RecordedTableSync
{
    public required long TableSyncId { get; init; }

    public required Guid TableSyncRunId { get; init; }

    public required string Name { get; init; }

    public required string Source { get; init; }

    /// <summary>Of the copy.</summary>
    public required string Schema { get; init; }

    public TableImportance Importance { get; init; }

    public SyncMode Mode { get; init; }

    public TableSyncStatus Status { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Null while it runs, and where its process has died.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    public TimeSpan? Duration => FinishedAt - StartedAt;

    public long RowsRead { get; init; }

    public long RowsInserted { get; init; }

    public long RowsUpdated { get; init; }

    public long RowsDeleted { get; init; }

    public long RowsChanged => RowsInserted + RowsUpdated + RowsDeleted;

    /// <summary>The share of the rows read that was found in the copy, 0 to 1.</summary>
    public double? Verified { get; init; }

    /// <summary>How the source no longer fitted the copy.</summary>
    public IReadOnlyList<string> Drift { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>
    /// It committed something, was not undone, and history reaches back to before it. What came after it goes with it.
    /// </summary>
    public bool CanUndo { get; init; }

    public DateTimeOffset? UndoneAt { get; init; }

    /// <summary>The undo that took it back; null where none did, or that undo was undone itself.</summary>
    public long? UndoneByTableSyncId { get; init; }

    /// <summary>The database user who began the run, and why.</summary>
    public string RequestedBy { get; init; } = "";

    public string? Reason { get; init; }

    public string? ErrorCode { get; init; }

    public string? Error { get; init; }

    public override string ToString() => Name;
}

/// <summary>Which syncs to show; what is empty or null asks for all.</summary>
public sealed record TableSyncQuery
{
    /// <summary>Of tables, without regard to case.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    public string? Source { get; init; }

    public IReadOnlyList<Guid> TableSyncRunIds { get; init; } = [];

    public IReadOnlyList<TableSyncStatus> Status { get; init; } = [];

    public IReadOnlyList<SyncMode> Mode { get; init; } = [];

    /// <summary>Begun then or later.</summary>
    public DateTimeOffset? Since { get; init; }

    public int? First { get; init; }
}
