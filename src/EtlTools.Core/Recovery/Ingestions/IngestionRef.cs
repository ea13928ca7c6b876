namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>An ingestion without its payload.</summary>
internal sealed record IngestionRef
{
    public required Guid Id { get; init; }

    public required Guid UserId { get; init; }

    public DateTime? CreatedAt { get; init; }

    public string? Status { get; init; }

    /// <summary>By the service's own count; else what it takes in the database.</summary>
    public required long PayloadBytes { get; init; }

    /// <summary>What its errors say; null where none is recorded.</summary>
    public LossCause? RecordedCause { get; init; }

    public long? RecordedExpected { get; init; }

    public long? RecordedActual { get; init; }
}
