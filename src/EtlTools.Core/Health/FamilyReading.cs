using EtlTools.Core.Health.TableSyncs;

namespace EtlTools.Core.Health;

/// <summary>What one family's tables say, before anything is judged.</summary>
internal sealed record FamilyReading
{
    /// <summary>What is counted, in the singular: file and row, payload and metric, sync and row.</summary>
    public required string Unit { get; init; }
    public required string RecordUnit { get; init; }

    /// <summary>What items do that are new: files come in.</summary>
    public string Arrival { get; init; } = "came in";

    /// <summary>Whom or what the items belong to: practice, user, table.</summary>
    public required string SubjectUnit { get; init; }

    /// <summary>
    /// By the number of the window; one that nothing came in during may be missing. Those before the one asked about have
    /// what a trend shows of them, and may lack the rest.
    /// </summary>
    public IReadOnlyDictionary<int, WindowReading> Windows { get; init; } = new Dictionary<int, WindowReading>();

    /// <summary>Users, practices or tables that something may be wrong for.</summary>
    public IReadOnlyList<SubjectReading> Subjects { get; init; } = [];

    /// <summary>
    /// Each subject is judged by limits of its own. The general ones, which take all items to be alike, are for the other families.
    /// </summary>
    public bool HasOwnLimits { get; init; }
    public IReadOnlyList<ErrorPattern> ErrorPatterns { get; init; } = [];
    public IReadOnlyList<StuckWork> Stuck { get; init; } = [];
    public long BacklogCount { get; init; }
    public DateTime? BacklogOldestAt { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    /// <summary>Runs that failed with an error of their own, before any item, and were not followed by a good one.</summary>
    public long FailedRuns { get; init; }

    /// <summary>False: what could not be taken is among what is missing.</summary>
    public bool CountsRejected { get; init; }

    /// <summary>By the number of the window; one that no recovery ended in is missing. Null where there are no recoveries.</summary>
    public IReadOnlyDictionary<int, RecoveryReading>? Recoveries { get; init; }

    /// <summary>Payloads whose error says that a statement had too many parameters, and that were not put right.</summary>
    public long OpenParameterLimits { get; init; }

    /// <summary>Attempts that took the place of a file of the same name and took keys away, with how many; those that still stand.</summary>
    public IReadOnlyList<(int LoadRunFileId, long Keys)> TookKeys { get; init; } = [];

    /// <summary>Attempts that an undo took back, and that nothing has taken up again.</summary>
    public IReadOnlyList<int> Withdrawn { get; init; } = [];

    /// <summary>Files that were loaded with staging left for later.</summary>
    public long Unstaged { get; init; }

    /// <summary>Counts since the ledger began.</summary>
    public IReadOnlyList<(string Name, long Value)> Totals { get; init; } = [];
}

internal record WindowReading
{
    public long Total { get; init; }
    public long Processed { get; init; }
    public long Partial { get; init; }
    public long Failed { get; init; }
    public long Waiting { get; init; }
    public long Recovered { get; init; }
    public long Expected { get; init; }
    public long Missing { get; init; }
    public long ItemsWithLoss { get; init; }

    /// <summary>Of those missing the ones that were set aside and can be repaired; and the items they are in.</summary>
    public long Quarantined { get; init; }
    public long ItemsWithQuarantined { get; init; }

    /// <summary>Records that became no row, beside those expected; and the items they are in.</summary>
    public long Rejected { get; init; }
    public long ItemsWithRejected { get; init; }

    /// <summary>Items that could not be read, or not to their end: nobody can count what they lost.</summary>
    public long Unreadable { get; init; }
    public long Audited { get; init; }

    /// <summary>Items that a recovery would bring something to, or may: not every one has been looked at.</summary>
    public long ToRecover { get; init; }

    /// <summary>Items with loss that was found to be beyond recovery, those with rejected records apart.</summary>
    public long BeyondRecovery { get; init; }

    /// <summary>Items that say they failed, and have all their records.</summary>
    public long FailedAndWhole { get; init; }
}

/// <summary>The recoveries that ended in a window.</summary>
internal sealed record RecoveryReading
{
    public int Window { get; init; }
    public long Recovered { get; init; }
    public long Failed { get; init; }
    public long Records { get; init; }
}

/// <summary>A row of a family's counts: of a window, of a user or practice, or of something else that the family asks for.</summary>
internal record FamilyCount : WindowReading
{
    public int? Window { get; init; }
    public Guid? UserId { get; init; }
    public string? PracticeId { get; init; }
    public DateTime? FirstSeenAt { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    public SubjectReading ToSubject() => new()
    {
        UserId = UserId,
        PracticeId = PracticeId,
        Total = Total,
        Processed = Processed,
        Failed = Failed + Partial,
        Expected = Expected,
        Missing = Missing,
        Rejected = Rejected,
        Unreadable = Unreadable,
        ToRecover = ToRecover,
        LastSuccessAt = LastSuccessAt,
        FirstSeenAt = FirstSeenAt!.Value,
    };
}

internal sealed record SubjectReading
{
    public Guid? UserId { get; init; }
    public string? PracticeId { get; init; }
    public TableReading? Table { get; init; }

    /// <summary>What its own limits say, once it is judged.</summary>
    public IReadOnlyList<HealthFinding> Findings { get; init; } = [];
    public long Total { get; init; }
    public long Processed { get; init; }

    /// <summary>In whole or in part.</summary>
    public long Failed { get; init; }
    public long Expected { get; init; }
    public long Missing { get; init; }
    public long Rejected { get; init; }
    public long Unreadable { get; init; }
    public long ToRecover { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    /// <summary>Since when there is something of it: the days without success of one that never had any.</summary>
    public DateTime FirstSeenAt { get; init; }
}
