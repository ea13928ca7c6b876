using System.Buffers;
using System.Text.Json;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>The text breaks off, or is no longer JSON, where the window stands.</summary>
internal sealed class BrokenPayloadException : Exception;

/// <summary>A window that moves over a payload's text, as large as the largest thing that has to be seen whole.</summary>
internal sealed class PayloadWindow(Stream stream, int bufferBytes) : IAsyncDisposable
{
    /// <summary>A name that is longer is none.</summary>
    private const int MostNameBytes = 512;

    // From this on the window doubles before it is looked at again, so that a large metric is not read again and again.
    private const int PatientBytes = 32 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(bufferBytes);
    private int _start;
    private int _end;
    private long _dropped;
    private bool _isEnded;

    /// <summary>What has been read and not yet been passed.</summary>
    public ReadOnlySpan<byte> Ahead => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Bytes of the text before the window.</summary>
    public long Position => _dropped + _start;

    public bool IsEnded => _isEnded;

    public void Skip(int bytes) => _start += bytes;

    /// <summary>Adds to the window's end.</summary>
    /// <returns>False where the text has ended.</returns>
    public async ValueTask<bool> MoreAsync(CancellationToken cancellationToken)
    {
        if (_isEnded)
        {
            return false;
        }

        Compact();
        var before = _end;
        var wanted = before >= PatientBytes ? _buffer.Length : before + 1;
        while (_end < wanted && !_isEnded)
        {
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            _end += read;
            _isEnded = read == 0;
        }

        return _end > before;
    }

    /// <summary>Passes white space.</summary>
    /// <returns>The byte behind it, which is not passed; -1 at the end of the text.</returns>
    public async ValueTask<int> PeekAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = Ahead.IndexOfAnyExcept(" \t\r\n"u8);
            if (found >= 0)
            {
                _start += found;
                return _buffer[_start];
            }

            _start = _end;
            if (!await MoreAsync(cancellationToken).ConfigureAwait(false))
            {
                return -1;
            }
        }
    }

    /// <summary>Inside an object: passes the name of its next field, or its end.</summary>
    /// <returns>The name; null at the end.</returns>
    /// <exception cref="BrokenPayloadException">Neither stands here.</exception>
    public async ValueTask<string?> NextFieldAsync(CancellationToken cancellationToken)
    {
        var next = await PeekAsync(cancellationToken).ConfigureAwait(false);
        while (next == ',')
        {
            _start++;
            next = await PeekAsync(cancellationToken).ConfigureAwait(false);
        }

        if (next == '}')
        {
            _start++;
            return null;
        }

        if (next != '"')
        {
            throw new BrokenPayloadException();
        }

        var name = await ReadNameAsync(cancellationToken).ConfigureAwait(false);
        if (await PeekAsync(cancellationToken).ConfigureAwait(false) != ':')
        {
            throw new BrokenPayloadException();
        }

        _start++;
        return name;
    }

    /// <summary>Inside a list: goes to its next element, or passes its end.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="BrokenPayloadException">The payload ends here.</exception>
    public async ValueTask<bool> NextElementAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (await PeekAsync(cancellationToken).ConfigureAwait(false))
            {
                case ',':
                    _start++;
                    break;
                case ']':
                    _start++;
                    return false;
                case -1:
                    throw new BrokenPayloadException();
                default:
                    return true;
            }
        }
    }

    /// <summary>Passes a text.</summary>
    /// <returns>The text; "" where it is too long to be a name or is no text that could be.</returns>
    /// <exception cref="BrokenPayloadException">The payload ends inside it.</exception>
    public async ValueTask<string> ReadNameAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var length = new ValueSkipper().Feed(Ahead);
            if (length >= 0)
            {
                var name = length > MostNameBytes ? "" : Unescape(Ahead[..length]);
                _start += length;
                return name;
            }

            if (Ahead.Length > MostNameBytes)
            {
                await SkipValueAsync(cancellationToken).ConfigureAwait(false);
                return "";
            }

            if (!await MoreAsync(cancellationToken).ConfigureAwait(false))
            {
                throw new BrokenPayloadException();
            }
        }
    }

    /// <summary>Passes a value of any size.</summary>
    /// <exception cref="BrokenPayloadException">The payload ends inside it.</exception>
    public async ValueTask SkipValueAsync(CancellationToken cancellationToken)
    {
        var skipper = new ValueSkipper();
        while (true)
        {
            var length = skipper.Feed(Ahead);
            if (length >= 0)
            {
                _start += length;
                return;
            }

            _start = _end;
            if (!await MoreAsync(cancellationToken).ConfigureAwait(false))
            {
                if (skipper.MayEnd)
                {
                    return;
                }

                throw new BrokenPayloadException();
            }
        }
    }

    /// <summary>Passes so many bytes, or all there are.</summary>
    public async ValueTask SkipBytesAsync(long bytes, CancellationToken cancellationToken)
    {
        while (bytes > Ahead.Length)
        {
            bytes -= Ahead.Length;
            _start = _end;
            if (!await MoreAsync(cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        _start += (int)bytes;
    }

    /// <summary>Reads what is left, of the text and of the one around it.</summary>
    public async ValueTask ReadToEndAsync(CancellationToken cancellationToken)
    {
        do
        {
            _start = _end;
        }
        while (await MoreAsync(cancellationToken).ConfigureAwait(false));

        if (stream is JsonTextStream text)
        {
            await text.ReadRestAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Says that the stream begins so far into the text.</summary>
    public void StartAt(long position) => _dropped = position;

    public async ValueTask DisposeAsync()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _start = _end = 0;
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static string Unescape(ReadOnlySpan<byte> quoted)
    {
        try
        {
            var reader = new Utf8JsonReader(quoted);
            return reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return "";
        }
    }

    private void Compact()
    {
        if (_start > 0)
        {
            Ahead.CopyTo(_buffer);
            _dropped += _start;
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
            Ahead.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
    }
}
