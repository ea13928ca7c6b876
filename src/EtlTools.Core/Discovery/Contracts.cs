using EtlTools.Core.Runs;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Discovery;

/// <summary>Why a file is in a plan. Failed files come first.</summary>
public enum PlanReason
{
    Failed,
    New,

    /// <summary>The ledger knows the name with other content: a corrected re-upload.</summary>
    Changed,
}

/// <summary>Limits that every discovery command shares. All times are wall-clock in the pipeline's zone.</summary>
public sealed record FileFilter
{
    public IReadOnlyList<string> ExtractTypes { get; init; } = [];

    /// <summary>Files extracted at or after.</summary>
    public DateTime? From { get; init; }

    /// <summary>Files extracted before.</summary>
    public DateTime? To { get; init; }

    /// <summary>At most so many files; null means all.</summary>
    public int? First { get; init; }
}

/// <summary>A file in the source that the ledger does not know.</summary>
public sealed record NewFile
{
    public required string FileName { get; init; }
    public required string ExtractType { get; init; }
    public required string Container { get; init; }
    public required string Key { get; init; }
    public required long SizeBytes { get; init; }
    public required DateTimeOffset LastModified { get; init; }
    public string PerOrgId { get; init; } = "";
    public string PracticeId { get; init; } = "";
    public DateTime? DateFrom { get; init; }
    public DateTime? DateTo { get; init; }
    public DateTime ExtractedAt { get; init; }

    /// <summary>New, or Changed for a corrected re-upload.</summary>
    public PlanReason Reason { get; init; }

    /// <summary>The pipeline's zone, in which the dates are.</summary>
    public string TimeZone { get; init; } = "";
    public required SourceFile Source { get; init; }
}

/// <summary>A logical file whose last attempt failed, is pending, or was left behind by a dead run.</summary>
public sealed record FailedFile
{
    public required int LoadRunFileId { get; init; }
    public required Guid LoadRunId { get; init; }
    public required string FileName { get; init; }
    public required string ExtractType { get; init; }
    public required string Container { get; init; }
    public required string Key { get; init; }
    public LoadFileStatus Status { get; init; }

    /// <summary>Failed, Pending or LeftBehind.</summary>
    public required string State { get; init; }
    public int Attempts { get; init; }
    public DateTimeOffset LastAttemptAt { get; init; }

    /// <summary>Not tried again before this, so that a poison file cannot starve new work.</summary>
    public DateTimeOffset NextTryAt { get; init; }
    public bool IsDue { get; init; }
    public string? ErrorCode { get; init; }
    public string? Error { get; init; }
    public DateTime? ExtractedAt { get; init; }
    public string PerOrgId { get; init; } = "";
    public string PracticeId { get; init; } = "";
    public string FileHash { get; init; } = "";
}

/// <summary>Files that are not loaded as they are in the source, and that no plan takes now.</summary>
public sealed record WaitingFiles
{
    /// <summary>Failed files whose next try is not due.</summary>
    public required int FailedCount { get; init; }

    /// <summary>When the first of them is due; null where there are none.</summary>
    public DateTimeOffset? NextTryAt { get; init; }

    /// <summary>Failed files whose last attempt is too long ago: no plan takes them by itself.</summary>
    public int AgedCount { get; init; }

    /// <summary>Attempts that an undo withdrew. Their content is known, so it is new no more: only a reprocess loads it again.</summary>
    public required IReadOnlyList<int> WithdrawnLoadRunFileIds { get; init; }
}

/// <summary>One file of a plan.</summary>
public sealed record LoadPlanItem
{
    /// <summary>1-based place in the plan.</summary>
    public required int Order { get; init; }

    /// <summary>1-based batch; a batch holds one extract type, and batches run in order.</summary>
    public required int Batch { get; init; }
    public required PlanReason Reason { get; init; }
    public required string ExtractType { get; init; }
    public required string FileName { get; init; }
    public required string Container { get; init; }
    public required string Key { get; init; }
    public required long SizeBytes { get; init; }
    public int Attempts { get; init; }
    public DateTime ExtractedAt { get; init; }
    public string TimeZone { get; init; } = "";
    public required SourceFile Source { get; init; }
}
