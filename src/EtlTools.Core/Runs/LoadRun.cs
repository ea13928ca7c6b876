using EtlTools.Core.Sources;

namespace EtlTools.Core.Runs;

public enum LoadRunStatus
{
    Running,
    Completed,

    /// <summary>Ended with at least one failed file, or with an error of its own.</summary>
    Failed,

    /// <summary>Ended by the user or by Stop-LoadRun; or an undo that was refused, and changed nothing.</summary>
    Cancelled,

    /// <summary>A word of the system that kept an adopted ledger. It is no problem by itself; etl.load_runs.status holds it.</summary>
    Unknown,
}

public enum LoadRunKind
{
    Load,
    Reprocess,
    Undo,
    Repair,
}

public enum LoadRunProblem
{
    /// <summary>
    /// The run ended as failed, and that has not been put right: a run whose failed files have all been loaded since has
    /// this problem no more (its status stays Failed), and so has one that came to no file once a later run of its pipeline
    /// has completed.
    /// </summary>
    Failed,

    /// <summary>It says running, and its session is gone; or it gives no sign of life and is older than the limit.</summary>
    Stuck,

    /// <summary>
    /// The run has ended, and its <see cref="LoadRun.OpenErrorRate"/> is above the limit.
    /// </summary>
    LowQuality,
}

/// <summary>One run of the engine, as the ledger has it.</summary>
public sealed record LoadRun
{
    public Guid LoadRunId { get; init; }
    public Guid? ParentRunId { get; init; }
    public LoadRunKind Kind { get; init; }
    public LoadRunStatus Status { get; init; }
    public string? Pipeline { get; init; }

    /// <summary>scheduled, manual or backfill.</summary>
    public string TriggeredBy { get; init; } = "manual";
    public string? RequestedBy { get; init; }
    public string? Reason { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public DateTimeOffset? HeartbeatAt { get; init; }

    /// <summary>True: its session lives. False: it is gone. Null: the run gives no sign (it was not ours, or it has ended).</summary>
    public bool? IsAlive { get; init; }

    /// <summary>From begin to end; of a running run so far; of a dead one up to its last sign of life.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Files loaded.</summary>
    public int FilesProcessed { get; init; }
    public int FilesFailed { get; init; }

    /// <summary>Files of the run that have not been loaded, neither by it nor since.</summary>
    public int FilesOpen { get; init; }
    public long RowsRead { get; init; }
    public long RowsIngested { get; init; }
    public long RowsRejected { get; init; }

    /// <summary>Rejected / read, 0 to 1; null where nothing was read. It stays what it was when the run ended.</summary>
    public double? ErrorRate { get; init; }

    /// <summary>
    /// The same of what still counts of the run: without files that were superseded, or loaded since, and without rows that
    /// were repaired. Null where nothing of it counts any more, or nothing was read.
    /// </summary>
    public double? OpenErrorRate { get; init; }
    public IReadOnlyList<LoadRunProblem> Problem { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<LoadRunProblem>();
    public string? ErrorCode { get; init; }
    public string? Error { get; init; }

    /// <summary>Notes that an earlier system wrote can hold patients' data: a pointer to them stands in their place.</summary>
    public string? Notes { get; init; }

    /// <summary>An array, which is what the parameter -ExtractType of other commands binds.</summary>
    public IReadOnlyList<string> ExtractType { get; init; } = [];
}

public enum LoadFileStatus
{
    Pending,
    Processing,
    Completed,
    Failed,

    /// <summary>Not in the ledger: somebody else had loaded it already, so there was nothing to do.</summary>
    Skipped,

    /// <summary>A word of the system that kept an adopted ledger; etl.load_run_files.status holds it.</summary>
    Unknown,
}

/// <summary>One attempt at one file, as the ledger has it.</summary>
public sealed record LoadFile
{
    public int LoadRunFileId { get; init; }
    public Guid LoadRunId { get; init; }
    public string? Pipeline { get; init; }
    public string ExtractType { get; init; } = "";

    /// <summary>Bucket or folder, and key: together the logical file.</summary>
    public string Container { get; init; } = "";
    public string Key { get; init; } = "";

    /// <summary>Base name of the key, what an admin calls the file.</summary>
    public string FileName { get; init; } = "";
    public string FileHash { get; init; } = "";
    public string PerOrgId { get; init; } = "";
    public string PracticeId { get; init; } = "";
    public string DateExtracted { get; init; } = "";

    /// <summary>Wall-clock time in the pipeline's zone.</summary>
    public DateTime? ExtractedAt { get; init; }
    public DateTime? DateFrom { get; init; }
    public DateTime? DateTo { get; init; }
    public long? SizeBytes { get; init; }
    public int Attempt { get; init; }
    public LoadFileStatus Status { get; init; }
    public long RowsRead { get; init; }
    public long RowsIngested { get; init; }
    public long RowsRejected { get; init; }
    public double? ErrorRate { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public DateTimeOffset? StagedAt { get; init; }
    public bool IsSuperseded { get; init; }
    public DateTimeOffset? SupersededAt { get; init; }
    public int? SupersededByLoadRunFileId { get; init; }

    /// <summary>Nothing took its place: it was taken back, and waits for Invoke-Reprocess.</summary>
    public bool IsWithdrawn => IsSuperseded && SupersededByLoadRunFileId is null;
    public string? ErrorCode { get; init; }

    /// <summary>A message that an earlier system wrote can hold patients' data: a pointer to it stands in its place.</summary>
    public string? Error { get; init; }
}

/// <summary>A row in quarantine. Its content stays in the database unless it is asked for.</summary>
public sealed record RejectedRow
{
    public long RejectedRowId { get; init; }
    public Guid LoadRunId { get; init; }
    public int LoadRunFileId { get; init; }
    public string ExtractType { get; init; } = "";

    /// <summary>The file in its bucket or folder.</summary>
    public string Key { get; init; } = "";
    public string FileName => FileNameConvention.BaseName(Key);

    /// <summary>load: it did not reach raw. staging: it is in raw and not in staging.</summary>
    public string Stage { get; init; } = "";

    /// <summary>1-based row in the file, the header not counted.</summary>
    public long? RowNumber { get; init; }

    /// <summary>1-based line in the file where the row begins; null for a row that reached raw, where only its number is kept.</summary>
    public long? LineNumber { get; init; }

    /// <summary>Offset of the row's first byte in the file; null for a row that reached raw.</summary>
    public long? ByteOffset { get; init; }

    /// <summary>Every reason at once: column:code, or a code for the row.</summary>
    public IReadOnlyList<string> Reason { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>
    /// open, repaired, or superseded: its file was, or has been loaded since, or a later attempt failed with rows of its own.
    /// A correction belongs to the row of an attempt: where that gives way the row is superseded, where it comes back repaired.
    /// </summary>
    public string Status { get; init; } = "open";
    public DateTimeOffset RejectedAt { get; init; }
}

/// <summary>What a rejected row holds. Patients' data: only for an admin who asks for this very row.</summary>
public sealed record RejectedRowContent
{
    public long RejectedRowId { get; init; }

    /// <summary>load or staging, as on <see cref="RejectedRow"/>.</summary>
    public string Stage { get; init; } = "";

    /// <summary>A row refused by staging: text by raw column, in the table's order. Empty for a row that never reached raw.</summary>
    public IReadOnlyDictionary<string, string?> Fields { get; init; } = new Dictionary<string, string?>();

    /// <summary>A row that never reached raw: as the file has it, read as UTF-8 or UTF-16, whichever it is.</summary>
    public string? Text { get; init; }

    /// <summary>The same, byte for byte.</summary>
    public IReadOnlyList<byte>? Bytes { get; init; }
}
