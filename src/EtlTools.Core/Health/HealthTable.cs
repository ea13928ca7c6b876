using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Health;

/// <summary>What can be wrong with a table, the worst first. Not from 0, which PowerShell takes for nothing.</summary>
public enum FindingKind
{
    /// <summary>It failed, and has not succeeded since.</summary>
    Failing = 1,

    /// <summary>The last success, or where there is none the first day in the configuration, is longer ago than it may be.</summary>
    Overdue,

    /// <summary>Fewer of the rows read are in the copy than the table's threshold asks for.</summary>
    BelowThreshold,

    /// <summary>The source's columns or values no longer fit: the copy followed, or its contract left something out or stopped the sync.</summary>
    Drifted,

    /// <summary>The last sync took longer than the table's limit, or much longer than usual.</summary>
    Slow,
}

/// <summary>One thing that is wrong with one table, and the limit that says so.</summary>
public sealed record HealthFinding
{
    /// <summary>Of the table.</summary>
    public string Name { get; init; } = "";
    public string Source { get; init; } = "";
    public TableImportance Importance { get; init; }
    public FindingKind Kind { get; init; }
    public HealthSeverity Severity { get; init; }
    public AlertTier Tier { get; init; }

    /// <summary>False: the configuration asks for no alert.</summary>
    public bool IsAlert { get; init; } = true;

    /// <summary>What was measured, its value, and the limit that it is above (or, for a share of rows, below).</summary>
    public string Metric { get; init; } = "";
    public double Value { get; init; }
    public double Limit { get; init; }
    public string Message { get; init; } = "";

    public override string ToString() => Kind.ToString();
}

/// <summary>One configured table: how its copy stands, by which limits it is judged, and what is wrong with it.</summary>
public sealed record HealthTable
{
    public string Name { get; init; } = "";
    public string Source { get; init; } = "";

    /// <summary>Of the copy.</summary>
    public string Schema { get; init; } = "";
    public TableImportance Importance { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }

    /// <summary>Since the last success, or where there is none since it was configured.</summary>
    public TimeSpan Lag { get; init; }
    public TimeSpan OverdueAfter { get; init; }

    /// <summary>Runs that failed since the last success.</summary>
    public int Failures { get; init; }

    /// <summary>Why the last of them failed.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>Of the last sync that was completed, and of those like it before; null where too few are known.</summary>
    public TimeSpan? LastDuration { get; init; }
    public TimeSpan? UsualDuration { get; init; }

    /// <summary>A sync that takes longer is ended; null: none does.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>The share of the rows read last that is in the copy, and the share that has to be, 0 to 1.</summary>
    public double? Verified { get; init; }
    public double Threshold { get; init; }

    /// <summary>Of the window: syncs, those that failed and were not put right, rows that were read and those left out.</summary>
    public long Total { get; init; }
    public long Failed { get; init; }
    public long RowsRead { get; init; }
    public long RowsDiscarded { get; init; }
    public long ValuesDiscarded { get; init; }

    /// <summary>What is wrong; empty: nothing.</summary>
    public IReadOnlyList<HealthFinding> Finding { get; init; } = [];

    public override string ToString() => Name;
}
