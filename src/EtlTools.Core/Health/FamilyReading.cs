namespace EtlTools.Core.Health;

/// <summary>What one family's tables say, before anything is judged.</summary>
internal sealed record FamilyReading
{
    /// <summary>What is counted, in the singular: file and row, payload and metric.</summary>
    public required string Unit { get; init; }
    public required string RecordUnit { get; init; }

    /// <summary>Whom the items belong to: practice, user.</summary>
    public required string SubjectUnit { get; init; }

    /// <summary>By the number of the window; one that nothing came in during may be missing.</summary>
    public IReadOnlyDictionary<int, WindowReading> Windows { get; init; } = new Dictionary<int, WindowReading>();

    /// <summary>Users or practices of the current window that something may be wrong for.</summary>
    public IReadOnlyList<SubjectReading> Subjects { get; init; } = [];
    public IReadOnlyList<ErrorPattern> ErrorPatterns { get; init; } = [];
    public IReadOnlyList<StuckWork> Stuck { get; init; } = [];
    public long BacklogCount { get; init; }
    public DateTime? BacklogOldestAt { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    /// <summary>Runs that failed with an error of their own, before any item, and were not followed by a good one.</summary>
    public long FailedRuns { get; init; }
    public IReadOnlyList<HealthTotal> Totals { get; init; } = [];
}

internal sealed record WindowReading
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
    public long Audited { get; init; }
}

/// <summary>A row of a family's counts: of a window, of a user or practice, or of something else that the family asks for.</summary>
internal record FamilyCount
{
    public int? Window { get; init; }
    public Guid? UserId { get; init; }
    public string? PracticeId { get; init; }
    public long Total { get; init; }
    public long Processed { get; init; }
    public long Partial { get; init; }
    public long Failed { get; init; }
    public long Waiting { get; init; }
    public long Recovered { get; init; }
    public long Expected { get; init; }
    public long Missing { get; init; }
    public long ItemsWithLoss { get; init; }
    public long Audited { get; init; }
    public DateTime? FirstSeenAt { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    public WindowReading ToWindow() => new()
    {
        Total = Total,
        Processed = Processed,
        Partial = Partial,
        Failed = Failed,
        Waiting = Waiting,
        Recovered = Recovered,
        Expected = Expected,
        Missing = Missing,
        ItemsWithLoss = ItemsWithLoss,
        Audited = Audited,
    };

    public SubjectReading ToSubject() => new()
    {
        UserId = UserId,
        PracticeId = PracticeId,
        Total = Total,
        Processed = Processed,
        Failed = Failed,
        Expected = Expected,
        Missing = Missing,
        LastSuccessAt = LastSuccessAt,
        FirstSeenAt = FirstSeenAt!.Value,
    };
}

internal sealed record SubjectReading
{
    public Guid? UserId { get; init; }
    public string? PracticeId { get; init; }
    public long Total { get; init; }
    public long Processed { get; init; }
    public long Failed { get; init; }
    public long Expected { get; init; }
    public long Missing { get; init; }
    public DateTime? LastSuccessAt { get; init; }

    /// <summary>Since when there is something of it: the days without success of one that never had any.</summary>
    public DateTime FirstSeenAt { get; init; }
}
