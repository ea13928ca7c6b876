using System.Globalization;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Reprocessing;

/// <summary>Changes to one staging table, in rows (keys).</summary>
public sealed record StagingChange
{
    public required string ExtractType { get; init; }

    /// <summary>schema.table</summary>
    public required string Table { get; init; }

    /// <summary>Keys that were not there.</summary>
    public long Inserted { get; init; }

    /// <summary>Keys whose values change.</summary>
    public long Changed { get; init; }

    /// <summary>Keys that go away.</summary>
    public long Withdrawn { get; init; }

    /// <summary>Keys that fall back to an earlier version.</summary>
    public long Restored { get; init; }

    /// <summary>Keys whose values stay the same (their lineage may move).</summary>
    public long Unchanged { get; init; }

    /// <summary>Rows in quarantine.</summary>
    public long Rejected { get; init; }

    /// <summary>Rows whose key comes again later in their file: the last one counts. Not kept with a receipt.</summary>
    public long Duplicates { get; init; }

    /// <summary>Values that a rule set to NULL (on_invalid: set_null). Not kept with a receipt.</summary>
    public long Emptied { get; init; }

    /// <summary>The columns of those values.</summary>
    public IReadOnlyList<string> EmptiedColumn { get; init; } = JoinedList.Empty<string>();

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Table}: {Inserted} inserted, {Changed} changed, {Withdrawn} withdrawn, {Restored} restored, {Unchanged} unchanged, {Rejected} rejected");
}

public sealed record ReprocessOptions
{
    /// <summary>Mandatory, not blank.</summary>
    public required string Reason { get; init; }

    /// <summary>Recompute staging from the raw rows that are there; read nothing from the source.</summary>
    public bool SkipRaw { get; init; }

    /// <summary>Delete the old raw rows instead of keeping them as superseded. Cannot be undone.</summary>
    public bool HardDelete { get; init; }

    /// <summary>Only these types of the runs given.</summary>
    public IReadOnlyList<string> ExtractTypes { get; init; } = [];

    /// <summary>Only files extracted at or after; wall-clock in the pipeline's zone.</summary>
    public DateTime? From { get; init; }

    /// <summary>Only files extracted before.</summary>
    public DateTime? To { get; init; }

    /// <summary>Share of rejected rows, 0 to 1, over the whole reprocess at which the rest is not started; also a file's own limit.</summary>
    public double? MaxErrorRate { get; init; }

    /// <summary>Failed files at which the rest is not started.</summary>
    public int? MaxFailure { get; init; }
}

/// <summary>What is to be reprocessed: whole runs, single files, or both.</summary>
public sealed record ReprocessTarget
{
    public IReadOnlyList<Guid> LoadRunIds { get; init; } = [];
    public IReadOnlyList<int> LoadRunFileIds { get; init; } = [];
}

/// <summary>What happened to one file, or in a preview what would happen. Feeds Undo-Reprocess.</summary>
public sealed record ReprocessReceipt
{
    /// <summary>The ErrorCode of a file that was not done because Stop-LoadRun ended the run.</summary>
    public const string RunStopped = "RunStopped";

    /// <summary>Null in a preview.</summary>
    public Guid? ReceiptId { get; init; }

    /// <summary>The run that did it; null in a preview.</summary>
    public Guid? LoadRunId { get; init; }
    public string ExtractType { get; init; } = "";

    /// <summary>The file in its bucket or folder.</summary>
    public string Key { get; init; } = "";
    public string FileName => FileNameConvention.BaseName(Key);

    /// <summary>The attempt whose rows went; null where there was none (a file that had failed).</summary>
    public int? OldLoadRunFileId { get; init; }

    /// <summary>The attempt whose rows came; null where nothing was loaded.</summary>
    public int? NewLoadRunFileId { get; init; }

    /// <summary>Completed, Failed, NotStarted (a circuit breaker opened, or the run was stopped) or Planned (a preview).</summary>
    public string Status { get; init; } = "";
    public long RowsRead { get; init; }
    public long RowsIngested { get; init; }
    public long RowsRejected { get; init; }
    public StagingChange? Staging { get; init; }

    /// <summary>Repairs of rows of the attempt that goes; they go with it.</summary>
    public int Repairs { get; init; }
    public bool SkipRaw { get; init; }
    public bool HardDelete { get; init; }

    /// <summary>The source's content is no longer what the old attempt read.</summary>
    public bool SourceChanged { get; init; }
    public string? Reason { get; init; }
    public string? RequestedBy { get; init; }
    public DateTimeOffset? At { get; init; }
    public Guid? UndoneByReceiptId { get; init; }
    public string? ErrorCode { get; init; }
    public string? Error { get; init; }

    /// <summary>What to do about the error.</summary>
    public string? NextStep { get; init; }

    /// <summary>The receipt of a file that came in, and of what it replaced.</summary>
    internal ReprocessReceipt Completed(FileClaim claim, LoadedFile loaded) => this with
    {
        OldLoadRunFileId = claim.Replaces.Count > 0 ? claim.Replaces[^1] : null,
        NewLoadRunFileId = claim.LoadRunFileId,
        Repairs = claim.Repairs,
        Status = "Completed",
        RowsRead = loaded.Counts.RowsRead,
        RowsIngested = loaded.Counts.RowsIngested,
        RowsRejected = loaded.Counts.RowsRejected,
        Staging = loaded.Staging,
    };
}

/// <summary>A preview: the real transactions, rolled back.</summary>
public sealed record ReprocessPlan
{
    public required IReadOnlyList<ReprocessReceipt> File { get; init => field = JoinedList.Of(value); }

    /// <summary>Totals a table.</summary>
    public required IReadOnlyList<StagingChange> Staging { get; init => field = JoinedList.Of(value); }
    public int FileCount => File.Count;
    public int FailedFileCount => File.Count(file => file.Status == "Failed");
    public string Reason { get; init; } = "";
}

public sealed record ReprocessProgress
{
    public int FilesDone { get; init; }
    public int FilesTotal { get; init; }
    public int FilesFailed { get; init; }
    public long RowsDone { get; init; }
    public double RowsPerSecond { get; init; }

    /// <summary>0 to 1: the files, the one under way by how far it has been read.</summary>
    public double PartDone { get; init; }
    public TimeSpan? TimeLeft { get; init; }
    public string Activity { get; init; } = "";
    public ReprocessReceipt? FinishedFile { get; init; }
}
