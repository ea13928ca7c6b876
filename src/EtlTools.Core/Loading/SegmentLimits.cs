namespace EtlTools.Core.Loading;

/// <summary>When a raw segment is closed, in bytes. The defaults are for real data; tests seal early.</summary>
internal sealed record SegmentLimits
{
    /// <summary>A segment is full at this size, or at a 32nd of its table's segments if that is more, so that there are never many.</summary>
    public long FullBytes { get; init; } = 256L << 20;

    /// <summary>Before a look-back, an open segment larger than this is sealed rather than scanned.</summary>
    public long ScanBytes { get; init; } = 16L << 20;
}
