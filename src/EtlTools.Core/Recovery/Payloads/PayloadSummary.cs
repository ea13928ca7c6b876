namespace EtlTools.Core.Recovery.Payloads;

/// <summary>What a stored payload turned out to be.</summary>
public enum PayloadShape
{
    /// <summary>An object or list without any metric.</summary>
    Empty,

    /// <summary>The service's own form: metrics with a type each.</summary>
    Internal,

    /// <summary>An iOS export: a list of named lists.</summary>
    IosArray,

    /// <summary>An iOS export: lists by their HealthKit identifiers.</summary>
    IosMap,

    /// <summary>A note that the payload was too large to be kept.</summary>
    Stub,

    /// <summary>Text that the service could not parse, kept as a JSON string.</summary>
    Corrupted,

    /// <summary>Text that was yet to be parsed, kept as a JSON string.</summary>
    TextInside,

    NotJson,
}

/// <summary>Why there is nothing to recover.</summary>
public enum UnrecoverableReason
{
    /// <summary>There is.</summary>
    None,

    /// <summary>The data was above the service's limit and was never kept.</summary>
    DataNotKept,

    /// <summary>There is no metric in it.</summary>
    NoMetrics,

    /// <summary>It is not JSON, and no complete metric stands in it.</summary>
    NotJson,
}

/// <param name="Type">Which.</param>
/// <param name="Seen">Metrics in the payload; the halves of a pair count as one where both are there.</param>
/// <param name="Accepted">Rows given to the sink.</param>
/// <param name="Rejected">Faults given to the sink.</param>
public sealed record MetricCount(MetricType Type, long Seen, long Accepted, long Rejected);

/// <summary>What reading a payload came to.</summary>
public sealed record PayloadSummary
{
    public required PayloadShape Shape { get; init; }

    /// <summary>What is inside a <see cref="PayloadShape.Corrupted"/> or <see cref="PayloadShape.TextInside"/>; else the shape itself.</summary>
    public required PayloadShape InnerShape { get; init; }

    /// <summary>One for each type that occurs, in the order of the mapping.</summary>
    public required IReadOnlyList<MetricCount> Types { get; init; }

    /// <summary>Metrics whose type or name the mapping does not know.</summary>
    public required long Unknown { get; init; }

    /// <summary>Fields of known types that the mapping does not know, as Type.field, with the number of metrics that have them.</summary>
    public required IReadOnlyDictionary<string, long> UnknownFields { get; init; }

    public required long Seen { get; init; }

    public required long Accepted { get; init; }

    public required long Rejected { get; init; }

    /// <summary>Bytes of the payload; of the inner text where there is one.</summary>
    public required long Bytes { get; init; }

    /// <summary>Where what the text breaks off in begins, in bytes of the (inner) text; null: the text is whole.</summary>
    public long? TruncatedAt { get; init; }

    public UnrecoverableReason Unrecoverable { get; init; }
}
