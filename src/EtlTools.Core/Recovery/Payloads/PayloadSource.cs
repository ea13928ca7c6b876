namespace EtlTools.Core.Recovery.Payloads;

/// <summary>A payload, or the payload inside a JSON text of another, that can be opened again at a place.</summary>
/// <param name="openAsync">Opens the outermost text.</param>
/// <param name="bufferBytes">The size a window begins with.</param>
internal sealed class PayloadSource(Func<CancellationToken, ValueTask<Stream>> openAsync, int bufferBytes)
{
    // Where, each in the text around it, the quotes stand that the text is within.
    private readonly List<long> _quotes = [];

    public int Depth => _quotes.Count;

    public async ValueTask<PayloadWindow> OpenAsync(long position, CancellationToken cancellationToken)
    {
        var stream = await openAsync(cancellationToken).ConfigureAwait(false);
        var window = new PayloadWindow(stream, bufferBytes);
        try
        {
            var first = _quotes.Count > 0 ? _quotes[0] + 1 : position;
            if (stream.CanSeek)
            {
                stream.Seek(first, SeekOrigin.Current);
                window.StartAt(first);
            }
            else
            {
                await window.SkipBytesAsync(first, cancellationToken).ConfigureAwait(false);
            }

            for (var depth = 1; depth <= _quotes.Count; depth++)
            {
                window = new PayloadWindow(new JsonTextStream(window), bufferBytes);
                await window.SkipBytesAsync(depth < _quotes.Count ? _quotes[depth] + 1 : position, cancellationToken).ConfigureAwait(false);
            }

            return window;
        }
        catch
        {
            await window.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>From now on the payload is what stands in the text that begins where the window stands.</summary>
    /// <returns>A window over it; the one around it belongs to it.</returns>
    public PayloadWindow Enter(PayloadWindow window)
    {
        _quotes.Add(window.Position);
        window.Skip(1);
        return new PayloadWindow(new JsonTextStream(window), bufferBytes);
    }
}
