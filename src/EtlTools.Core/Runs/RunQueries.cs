namespace EtlTools.Core.Runs;

public sealed record RunQuery
{
    public IReadOnlyList<Guid> LoadRunIds { get; init; } = [];
    public IReadOnlyList<LoadRunStatus> Status { get; init; } = [];
    public IReadOnlyList<LoadRunKind> Kind { get; init; } = [];

    /// <summary>Runs that started at or after.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only runs with one of these problems.</summary>
    public IReadOnlyList<LoadRunProblem> Problem { get; init; } = [];
    public IReadOnlyList<string> ExtractTypes { get; init; } = [];

    /// <summary>Age at which a running run that gives no sign of life counts as stuck.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Rejected / read, 0 to 1, above which a run is of low quality.</summary>
    public double MaxErrorRate { get; init; } = 0.05;
    public int? First { get; init; }
}

public sealed record FileQuery
{
    public IReadOnlyList<Guid> LoadRunIds { get; init; } = [];
    public IReadOnlyList<int> LoadRunFileIds { get; init; } = [];
    public IReadOnlyList<LoadFileStatus> Status { get; init; } = [];
    public IReadOnlyList<string> ExtractTypes { get; init; } = [];
    public DateTimeOffset? Since { get; init; }

    /// <summary>False: attempts that were superseded are left out.</summary>
    public bool IncludeSuperseded { get; init; } = true;
    public int? First { get; init; }
}

public sealed record RejectedRowQuery
{
    public IReadOnlyList<Guid> LoadRunIds { get; init; } = [];
    public IReadOnlyList<int> LoadRunFileIds { get; init; } = [];
    public IReadOnlyList<string> ExtractTypes { get; init; } = [];

    /// <summary>load, staging, or null for both.</summary>
    public string? Stage { get; init; }

    /// <summary>False: rows already repaired, and rows of superseded files, are left out.</summary>
    public bool IncludeClosed { get; init; }
    public int? First { get; init; }
}
