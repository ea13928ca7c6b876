namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Takes what a payload holds, in its order; paired metrics come at the end.</summary>
internal interface IMetricSink
{
    /// <param name="row">Valid until this returns.</param>
    void Accept(MetricRow row);

    void Reject(in MetricFault fault);

    /// <summary>Called between two blocks of the payload (some hundred metrics), and at its end: the time to write to a server.</summary>
    ValueTask DrainAsync(CancellationToken cancellationToken);
}
