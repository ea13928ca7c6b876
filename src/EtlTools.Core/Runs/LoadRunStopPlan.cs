namespace EtlTools.Core.Runs;

public enum StopAction
{
    /// <summary>The run lives: it is asked to stop, and ends by itself after the file under way.</summary>
    Cancel,

    /// <summary>The run is dead, or never gave a sign of life: it is closed as failed.</summary>
    Close,
}

/// <summary>What stopping a run would do.</summary>
public sealed record LoadRunStopPlan
{
    public required Guid LoadRunId { get; init; }

    public required StopAction Action { get; init; }

    /// <summary>Files that are in, and stay.</summary>
    public int FilesCompleted { get; init; }

    /// <summary>Files under way or not begun, which come back through Find-FailedFile.</summary>
    public int FilesUnfinished { get; init; }
}
