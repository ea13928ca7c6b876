namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// Reads a stored payload of any shape as a stream. What it holds in memory follows the largest single metric, not the payload.
/// One instance reads one payload at a time and may be used again.
/// </summary>
internal sealed class PayloadReader(MetricMap map)
{
    public MetricMap Map { get; } = map;

    /// <summary>Gives every complete metric to the sink, as a row or as a fault; never throws for what a payload holds.</summary>
    public Task<PayloadSummary> ReadAsync(PayloadContext context, IMetricSink sink, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
