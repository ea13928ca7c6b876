using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Health.TableSyncs;

/// <summary>What is known of one configured table, before anything is judged.</summary>
internal sealed record TableReading
{
    public required string Source { get; init; }
    public required string Name { get; init; }
    public string Schema { get; init; } = "";
    public TableImportance Importance { get; init; } = TableImportance.Standard;
    public SchemaContract Contract { get; init; }

    /// <summary>False: its failures are nobody's alert.</summary>
    public bool AlertsOnFailure { get; init; } = true;
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>The share of the rows read that has to be in the copy.</summary>
    public double Threshold { get; init; }
    public TimeSpan OverdueAfter { get; init; }
    public DateTime ConfiguredAt { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    /// <summary>The last that was done to it was an undo.</summary>
    public bool IsUndone { get; init; }

    /// <summary>Its last attempts, the newest first; no undo is among them.</summary>
    public IReadOnlyList<SyncReading> Recent { get; init; } = [];

    /// <summary>How the source's columns changed during the window, where the copy followed them.</summary>
    public IReadOnlyList<string> NewDrift { get; init; } = [];

    /// <summary>Of the current window.</summary>
    public WindowReading Window { get; init; } = new();

    /// <summary>Left out by its contract in the current window.</summary>
    public long ValuesDiscarded { get; init; }

    public SyncReading? LastCompleted => Recent.FirstOrDefault(sync => sync.State == TableSyncStatus.Completed);

    /// <summary>The last attempt that has ended, however.</summary>
    public SyncReading? LastEnded => Recent.FirstOrDefault(sync => sync.State != TableSyncStatus.Running);

    /// <summary>What failed since the last success, the newest first. A run that is trying again has not failed yet.</summary>
    public IReadOnlyList<SyncReading> Failures
    {
        get
        {
            var running = Recent.FirstOrDefault(sync => sync.State == TableSyncStatus.Running)?.Run;
            return [.. Recent.TakeWhile(sync => sync.State != TableSyncStatus.Completed).Where(sync => sync.State != TableSyncStatus.Running && sync.Run != running)];
        }
    }

    /// <summary>How long a sync such as the last completed one takes; null where too few are known.</summary>
    public TimeSpan? UsualDuration
    {
        get
        {
            const int Fewest = 3;
            var durations = Recent
                .Where(sync => sync.State == TableSyncStatus.Completed && sync.Mode == LastCompleted!.Mode).Skip(1)
                .Select(sync => sync.Duration).Order().ToList();
            return durations.Count < Fewest ? null : (durations[(durations.Count - 1) / 2] + durations[durations.Count / 2]) / 2;
        }
    }
}

/// <summary>One attempt at a table.</summary>
internal sealed record SyncReading
{
    public long Id { get; init; }
    public Guid Run { get; init; }
    public SyncMode Mode { get; init; }
    public TableSyncStatus State { get; init; }
    public DateTime StartedAt { get; init; }
    public DateTime? FinishedAt { get; init; }

    /// <summary>The share of the rows read that was found in the copy, 0 to 1.</summary>
    public double? Verified { get; init; }
    public string? ErrorCode { get; init; }

    /// <summary>How the source did not fit the copy.</summary>
    public IReadOnlyList<string> Drift { get; init; } = [];

    public TimeSpan Duration => (FinishedAt ?? StartedAt) - StartedAt;
}
