using System.Net.Sockets;
using Polly;
using Polly.Retry;

namespace EtlTools.Core.Sources;

/// <summary>
/// One object's body, read forward. Where the connection breaks, ends early or falls silent, it goes on from the byte
/// reached, over a new connection.
/// </summary>
internal sealed class ResumingStream : ForwardStream
{
    // In a row, without one byte gained: a line that breaks and still moves on is let go on.
    private const int MaxResumes = 5;

    private readonly long _length;
    private readonly Func<long, CancellationToken, Task<Stream>> _reopen;
    private readonly S3Faults _faults;
    private readonly string _key;
    private readonly TimeSpan _idle;
    private readonly ResiliencePipeline _resume;
    private Stream? _body;
    private long _position;

    /// <param name="body">The body from its first byte.</param>
    /// <param name="length">Bytes that there must be.</param>
    /// <param name="reopen">The body from a position; throws where the object is not the same any more.</param>
    /// <param name="faults">Words for what cannot be repaired.</param>
    /// <param name="key">The object.</param>
    /// <param name="timing">Patience.</param>
    public ResumingStream(
        Stream body,
        long length,
        Func<long, CancellationToken, Task<Stream>> reopen,
        S3Faults faults,
        string key,
        S3Timing timing)
    {
        _body = body;
        _length = length;
        _reopen = reopen;
        _faults = faults;
        _key = key;
        _idle = timing.Idle;
        _resume = new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<Exception>(IsBroken),
                MaxRetryAttempts = MaxResumes,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = timing.ResumeDelay,
                MaxDelay = TimeSpan.FromSeconds(5),
            })
            .Build();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || _position == _length)
        {
            return 0;
        }

        try
        {
            var read = await _resume.ExecuteAsync(
                static (state, token) => state.Stream.ReadOnceAsync(state.Buffer, token),
                (Stream: this, Buffer: buffer),
                cancellationToken).ConfigureAwait(false);
            _position += read;
            return read;
        }
        catch (TimeoutException exception)
        {
            throw _faults.Unavailable("stopped sending in the middle of an object", exception);
        }
        catch (Exception exception) when (exception is not EtlException and not OperationCanceledException)
        {
            throw _faults.Truncated(_key, _position, _length, exception);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await DropBodyAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body?.Dispose();
            _body = null;
        }

        base.Dispose(disposing);
    }

    private static bool IsBroken(Exception exception) =>
        exception is IOException or HttpRequestException or SocketException or TimeoutException
        || exception is EtlException { IsTransient: true };

    private async ValueTask<int> ReadOnceAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _body ??= await _reopen(_position, cancellationToken).ConfigureAwait(false);
        try
        {
            var wanted = (int)Math.Min(buffer.Length, _length - _position);
            var read = await ReadBodyAsync(_body, buffer[..wanted], cancellationToken).ConfigureAwait(false);
            return read > 0 ? read : throw new EndOfStreamException();
        }
        catch
        {
            await DropBodyAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<int> ReadBodyAsync(Stream body, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var pending = body.ReadAsync(buffer, cancellationToken);
        if (pending.IsCompleted)
        {
            return await pending.ConfigureAwait(false);
        }

        // The bytes have to come; the timer is set up only where they are not there yet.
        using var silence = new CancellationTokenSource(_idle);
        using var cut = silence.Token.UnsafeRegister(static state => ((Stream)state!).Dispose(), body);
        try
        {
            return await pending.ConfigureAwait(false);
        }
        catch (Exception exception) when (silence.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(null, exception);
        }
    }

    private async ValueTask DropBodyAsync()
    {
        if (_body is { } body)
        {
            _body = null;
            await body.DisposeAsync().ConfigureAwait(false);
        }
    }
}
