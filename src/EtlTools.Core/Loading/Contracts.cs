using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;

namespace EtlTools.Core.Loading;

/// <summary>How a load is to be done.</summary>
public sealed record LoadOptions
{
    /// <summary>Raw only; staging is brought up to date by a later run.</summary>
    public bool SkipStaging { get; init; }

    /// <summary>Overrides the pipeline's limit, 0 to 1.</summary>
    public double? MaxErrorRate { get; init; }

    /// <summary>Files at once, each on a connection of its own.</summary>
    public int MaxConcurrency { get; init; } = 2;
    public string TriggeredBy { get; init; } = "manual";
    public string? Reason { get; init; }
}

/// <summary>Where a run stands. Sent at most a few times a second.</summary>
public sealed record LoadProgress
{
    public Guid LoadRunId { get; init; }
    public int FilesDone { get; init; }
    public int FilesTotal { get; init; }
    public int FilesFailed { get; init; }
    public long RowsDone { get; init; }
    public long BytesDone { get; init; }
    public long BytesTotal { get; init; }
    public double RowsPerSecond { get; init; }

    /// <summary>From the bytes done and left; null until it can be told.</summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>The files under way, by base name.</summary>
    public string Activity { get; init; } = "";

    /// <summary>Set once, on the message that says a file has ended (committed or failed).</summary>
    public LoadFile? FinishedFile { get; init; }

    /// <summary>What to do about the finished file's failure; null where it did not fail.</summary>
    public string? NextStep { get; init; }

    /// <summary>What the finished file did to staging; null where it was not staged.</summary>
    public StagingChange? FinishedStaging { get; init; }

    /// <summary>Set once, on the message that says that a file which an earlier run loaded has been staged.</summary>
    public StagedFile? StagedFile { get; init; }
}

/// <summary>A file that an earlier run had loaded without staging.</summary>
/// <param name="LoadRunFileId">The attempt.</param>
/// <param name="Key">The file in its bucket or folder.</param>
/// <param name="Staging">What staging it did.</param>
public sealed record StagedFile(int LoadRunFileId, string Key, StagingChange Staging);
