namespace EtlTools.Core.Reprocessing;

/// <summary>A ledger entry, locked until the transaction ends.</summary>
internal sealed record LockedFile
{
    public int LoadRunFileId { get; init; }
    public string Container { get; init; } = "";
    public string Key { get; init; } = "";
    public string Status { get; init; } = "";
    public string Origin { get; init; } = "";
    public bool IsSuperseded { get; init; }
    public int? SupersededBy { get; init; }
    public Guid? SupersededByRun { get; init; }

    /// <summary>Staging shows what it says.</summary>
    public bool IsStaged { get; init; }
    public bool RawDeleted { get; init; }
    public string? Segment { get; init; }
    public DateTime ExtractedAt { get; init; }
    public long RowCount { get; init; }
}
