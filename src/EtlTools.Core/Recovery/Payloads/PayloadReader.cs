namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// Reads a stored payload of any shape as a stream. What it holds in memory follows the largest single metric, not the payload.
/// One instance reads one payload at a time and may be used again.
/// </summary>
/// <param name="map">What the metrics mean.</param>
/// <param name="bufferBytes">The size the window over the payload begins with.</param>
internal sealed class PayloadReader(MetricMap map, int bufferBytes = PayloadReader.DefaultBufferBytes)
{
    public const int DefaultBufferBytes = 128 * 1024;

    private readonly PayloadTally _tally = new(map);
    private readonly MetricNames _names = new(map);
    private MetricParser? _parser;

    public MetricMap Map { get; } = map;

    /// <summary>Gives every complete metric to the sink, as a row or as a fault; never throws for what a payload holds.</summary>
    /// <param name="openAsync">
    /// Opens the payload's text, UTF-8, from its start. It is called a second time where lists say only behind their data what
    /// they hold, as they do in jsonb; the first stream is disposed of before. The last stream is read to its end.
    /// </param>
    /// <param name="sink">Takes rows and faults.</param>
    /// <param name="cancellationToken">Stops between two blocks.</param>
    public async Task<PayloadSummary> ReadAsync(
        Func<CancellationToken, ValueTask<Stream>> openAsync, IMetricSink sink, CancellationToken cancellationToken)
    {
        _tally.Clear();
        _parser ??= new MetricParser(Map, _tally);
        await using var walk = new PayloadWalk(Map, _names, _parser, _tally, new PayloadSource(openAsync, bufferBytes), sink);
        return await walk.ReadAsync(cancellationToken).ConfigureAwait(false);
    }
}
