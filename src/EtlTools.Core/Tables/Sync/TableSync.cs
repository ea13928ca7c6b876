using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;

namespace EtlTools.Core.Tables.Sync;

/// <summary>What a sync reads of a table.</summary>
public enum SyncMode
{
    Full,
    Incremental,

    /// <summary>Nothing: it returns the copy to what it was.</summary>
    Undo,
}

public enum TableSyncStatus
{
    Running,
    Completed,
    Failed,

    /// <summary>It says that it runs, and nobody does: its process has died.</summary>
    Interrupted,

    /// <summary>What would be done: it was tried and rolled back.</summary>
    Preview,
}

/// <summary>One sync of one table: what was read, and what the copy was changed by.</summary>
public sealed record TableSync
{
    /// <summary>Null where it failed before it began.</summary>
    public long? TableSyncId { get; init; }

    public Guid TableSyncRunId { get; init; }

    public required string Name { get; init; }

    public required string Source { get; init; }

    /// <summary>Of the copy.</summary>
    public required string Schema { get; init; }

    public TableImportance Importance { get; init; }

    public SyncStrategy Strategy { get; init; }

    public SyncMode Mode { get; init; }

    /// <summary>No sync of the table had come to its end before.</summary>
    public bool IsFirst { get; init; }

    public TableSyncStatus Status { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public TimeSpan Duration { get; init; }

    public long RowsRead { get; init; }

    public long RowsInserted { get; init; }

    public long RowsUpdated { get; init; }

    public long RowsDeleted { get; init; }

    /// <summary>Rows that were read and are in the copy as they are.</summary>
    public long RowsUnchanged => Math.Max(0, RowsRead - RowsInserted - RowsUpdated - RowsDiscarded);

    /// <summary>Rows that do not fit the copy, and were left out by the table's contract.</summary>
    public long RowsDiscarded { get; init; }

    public long ValuesDiscarded { get; init; }

    /// <summary>Dates that say that there is none, and became NULL, among the rows read.</summary>
    public long ZeroDates { get; init; }

    public double RowsPerSecond => Duration > TimeSpan.Zero ? RowsRead / Duration.TotalSeconds : 0;

    /// <summary>The share of the rows read that was found in the copy before it was committed, 0 to 1.</summary>
    public double? Verified { get; init; }

    /// <summary>How the source no longer fitted the copy.</summary>
    public IReadOnlyList<string> Drift { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>Columns of the copy that became text, for no other type holds what they held and what the source has now.</summary>
    public IReadOnlyList<string> BecomesText { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>What an admin should know, e.g. that a table has no key.</summary>
    public IReadOnlyList<string> Warning { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>The source's table knows no snapshots, as those of MyISAM: its writers waited while it was read.</summary>
    public bool LocksWriters { get; init; }

    /// <summary>The syncs that an undo took back, the oldest first; empty for a sync.</summary>
    public IReadOnlyList<UndoneTableSync> Undone { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<UndoneTableSync>();

    public string? ErrorCode { get; init; }

    public string? Error { get; init; }

    /// <summary>The error's kind, target and next step; null where there was none.</summary>
    internal EtlException? Failure { get; init; }

    // A method: whoever writes results out (ConvertTo-Json) would write the exception with them, and all that hangs on it.
    public EtlException? GetFailure() => Failure;

    public override string ToString() => Name;
}

/// <summary>One table of a plan: what a sync would do.</summary>
public sealed record TableSyncStep
{
    /// <summary>Its place in the order, from 1.</summary>
    public required int Order { get; init; }

    public required string Name { get; init; }

    public required string Source { get; init; }

    public required string Schema { get; init; }

    public TableImportance Importance { get; init; }

    public SyncStrategy Strategy { get; init; }

    public SyncMode Mode { get; init; }

    /// <summary>Why this mode.</summary>
    public required string Reason { get; init; }

    /// <summary>As the source estimates.</summary>
    public long SourceRows { get; init; }

    public double Megabytes { get; init; }

    /// <summary>Statements that the copy would be changed by first.</summary>
    public IReadOnlyList<string> Alteration { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    public IReadOnlyList<string> Drift { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>Columns of the copy that would become text, for no other type holds what they held and what the source has now.</summary>
    public IReadOnlyList<string> BecomesText { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    public IReadOnlyList<string> Warning { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>The source's table knows no snapshots, as those of MyISAM: its writers wait while it is read.</summary>
    public bool LocksWriters { get; init; }

    /// <summary>Why it cannot be synced; null where it can.</summary>
    public string? Error { get; init; }

    internal EtlException? Failure { get; init; }

    // A method: whoever writes results out (ConvertTo-Json) would write the exception with them, and all that hangs on it.
    public EtlException? GetFailure() => Failure;

    public override string ToString() => Name;
}

/// <summary>What to sync, and how.</summary>
public sealed record TableSyncOptions
{
    public const int DefaultMaxConcurrency = 3;

    /// <summary>Only these; empty: every table of the configuration.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Only tables of this importance; empty: of any.</summary>
    public IReadOnlyList<TableImportance> Importance { get; init; } = [];

    /// <summary>Every row is read, whatever the strategy.</summary>
    public bool IsFull { get; init; }

    public int MaxConcurrency { get; init; } = DefaultMaxConcurrency;

    /// <summary>For each table; null: its own limit, if it has one.</summary>
    public TimeSpan? TimeLimit { get; init; }

    public string? Reason { get; init; }
}

public sealed record TableSyncProgress
{
    public int TablesDone { get; init; }

    public int TablesTotal { get; init; }

    public int TablesFailed { get; init; }

    /// <summary>By all tables together.</summary>
    public long RowsRead { get; init; }

    public double RowsPerSecond { get; init; }

    public TimeSpan? TimeLeft { get; init; }

    /// <summary>Names of the tables that are being synced.</summary>
    public string Activity { get; init; } = "";

    /// <summary>Set once a table is done, and its rows are committed.</summary>
    public TableSync? Finished { get; init; }
}
