using System.Globalization;
using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// The content of a JSON text, of any length, unescaped as it is read. The window stands behind the opening quote; the stream
/// ends at the closing one, or where the payload does.
/// </summary>
internal sealed class JsonTextStream(PayloadWindow window) : Stream
{
    // \u and four digits.
    private const int UnicodeEscapeLength = 6;

    // Two characters at most: what stands for half a character, and the one behind it.
    private readonly byte[] _pending = new byte[8];

    private int _pendingStart;
    private int _pendingEnd;
    private char _highSurrogate;
    private bool _isEnded;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var written = Unescape(buffer.Span);
            if (written > 0 || _isEnded || buffer.Length == 0)
            {
                return written;
            }

            if (!await window.MoreAsync(cancellationToken).ConfigureAwait(false))
            {
                _isEnded = true;
            }
        }
    }

    /// <summary>Reads what stands behind the text.</summary>
    public ValueTask ReadRestAsync(CancellationToken cancellationToken) => window.ReadToEndAsync(cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await window.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private int Unescape(Span<byte> buffer)
    {
        var written = TakePending(buffer);
        while (written < buffer.Length && !_isEnded)
        {
            written += _highSurrogate == 0 ? CopyCommon(buffer[written..]) : 0;
            if (written == buffer.Length)
            {
                break;
            }

            // What is left is rare: the end, an escape that is not one letter, what follows half a character.
            var text = window.Ahead;
            if (text.Length == 0)
            {
                break;
            }

            if (text[0] is not ((byte)'"' or (byte)'\\'))
            {
                EndSurrogate();
            }
            else if (!TryEscape(text))
            {
                break;
            }

            written += TakePending(buffer[written..]);
        }

        return written;
    }

    // Text without escapes, and escapes of one letter: what most of a text in a text is.
    private int CopyCommon(Span<byte> buffer)
    {
        var text = window.Ahead;
        var read = 0;
        var written = 0;
        while (read < text.Length && written < buffer.Length)
        {
            if (text[read] == '\\')
            {
                var letter = read + 1 < text.Length ? Simple(text[read + 1]) : default;
                if (letter == default)
                {
                    break;
                }

                buffer[written++] = letter;
                read += 2;
                continue;
            }

            var rest = text.Slice(read, Math.Min(text.Length - read, buffer.Length - written));
            var plain = rest.IndexOfAny((byte)'"', (byte)'\\');
            plain = plain < 0 ? rest.Length : plain;
            if (plain == 0)
            {
                break;
            }

            rest[..plain].CopyTo(buffer[written..]);
            written += plain;
            read += plain;
        }

        window.Skip(read);
        return written;
    }

    private static byte Simple(byte escape) => escape switch
    {
        (byte)'"' or (byte)'\\' or (byte)'/' => escape,
        (byte)'n' => (byte)'\n',
        (byte)'t' => (byte)'\t',
        (byte)'r' => (byte)'\r',
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        _ => default,
    };

    // At a quote or a backslash; false where more of the text is needed.
    private bool TryEscape(ReadOnlySpan<byte> text)
    {
        if (text[0] == '"')
        {
            EndSurrogate();
            _isEnded = true;
            window.Skip(1);
            return true;
        }

        if (text.Length < 2 || (text[1] == 'u' && text.Length < UnicodeEscapeLength))
        {
            return false;
        }

        if (text[1] == 'u' && ushort.TryParse(text[2..UnicodeEscapeLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit))
        {
            AddUnit((char)unit);
            window.Skip(UnicodeEscapeLength);
            return true;
        }

        EndSurrogate();
        var letter = Simple(text[1]);
        Put(letter == default ? Rune.ReplacementChar : new Rune(letter));
        window.Skip(2);
        return true;
    }

    private void AddUnit(char unit)
    {
        if (_highSurrogate != 0 && char.IsLowSurrogate(unit))
        {
            Put(new Rune(_highSurrogate, unit));
            _highSurrogate = default;
            return;
        }

        EndSurrogate();
        if (char.IsHighSurrogate(unit))
        {
            _highSurrogate = unit;
        }
        else
        {
            Put(char.IsLowSurrogate(unit) ? Rune.ReplacementChar : new Rune(unit));
        }
    }

    // Half a character, whose other half does not follow.
    private void EndSurrogate()
    {
        if (_highSurrogate != 0)
        {
            _highSurrogate = default;
            Put(Rune.ReplacementChar);
        }
    }

    private void Put(Rune character) => _pendingEnd += character.EncodeToUtf8(_pending.AsSpan(_pendingEnd));

    private int TakePending(Span<byte> buffer)
    {
        var taken = Math.Min(_pendingEnd - _pendingStart, buffer.Length);
        _pending.AsSpan(_pendingStart, taken).CopyTo(buffer);
        _pendingStart += taken;
        if (_pendingStart == _pendingEnd)
        {
            _pendingStart = _pendingEnd = 0;
        }

        return taken;
    }
}
