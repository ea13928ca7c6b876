using System.Buffers;
using System.Text.Unicode;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Parsing;

/// <summary>Where a row begins in the file.</summary>
/// <param name="Line">1-based: line feeds before it, plus one.</param>
/// <param name="ByteOffset">Bytes of the original file before it, a byte-order mark included.</param>
internal readonly record struct SourcePlace(long Line, long ByteOffset);

/// <summary>
/// A window of UTF-8 text that moves over a stream in any supported encoding. While the window is worked on, the next
/// block is being read. From a place in the window the place in the file and the original bytes can be told.
/// </summary>
internal sealed class TextSource(Stream stream, DialectConfig dialect, int blockBytes) : IAsyncDisposable
{
    // A decoder leaves at most so much: half a UTF-16 unit after a high surrogate.
    private const int MostUndecodedBytes = 3;

    // Beyond this the window doubles before it is handed out again, so that a long row is not searched again and again.
    private const int PatientTextBytes = 64 * 1024;

    private byte[] _source = [];
    private int _sourceLength;
    private bool _sourceEnded;
    private Task<int>? _pendingRead;

    private TextDecoder? _decoder;
    private byte[] _text = [];
    private int _length;

    private long _linesDropped;
    private int _knownPosition;
    private SourcePlace? _knownPlace;

    /// <summary>The encoding the file turned out to have; known after the first read.</summary>
    public SourceEncoding Encoding { get; private set; }

    /// <summary>The window's buffer, readable for <see cref="RowSplitter.Padding"/> bytes beyond the text.</summary>
    public byte[] Buffer => _text;

    public ReadOnlySpan<byte> Text => _text.AsSpan(0, _length);

    /// <summary>True where the window reaches to the end of the file.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Bytes of the file that have been decoded.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Moves the window: drops text at its start and adds at least one block at its end, if there is one.</summary>
    /// <returns>False where no text is left.</returns>
    public async ValueTask<bool> MoveAsync(int dropped, CancellationToken cancellationToken)
    {
        if (_decoder is null)
        {
            await StartAsync(cancellationToken).ConfigureAwait(false);
        }

        Drop(dropped);
        _knownPlace = null;
        var wanted = _length >= PatientTextBytes ? 2 * _length : _length + 1;
        while (_length < wanted && !IsEnded)
        {
            await DecodeBlockAsync(cancellationToken).ConfigureAwait(false);
        }

        return _length > 0;
    }

    /// <summary>The place in the file of a position in the text. Fast for positions that ascend.</summary>
    public SourcePlace PlaceOf(int position)
    {
        if (_knownPlace is not { } known || position < _knownPosition)
        {
            known = new SourcePlace(_linesDropped + 1, BytesRead - _decoder!.SourceLength(Text, 0, _length));
            _knownPosition = 0;
        }

        var place = new SourcePlace(
            known.Line + Text[_knownPosition..position].Count((byte)'\n'),
            known.ByteOffset + _decoder!.SourceLength(Text, _knownPosition, position));
        _knownPosition = position;
        _knownPlace = place;
        return place;
    }

    /// <summary>The file's bytes that a part of the text was made from, at most <paramref name="maxBytes"/> of them.</summary>
    public byte[] Restore(int start, int end, int maxBytes) => _decoder!.Restore(Text, start, end, maxBytes);

    /// <summary>Whether a part of the text, of whole characters, was made from valid bytes only.</summary>
    public bool IsValid(int start, int end) => _decoder!.NeedsValidation
        ? Utf8.IsValid(Text[start..end])
        : !_decoder.HasUndecodable || _decoder.UndecodableIn(start, end).IsEmpty;

    public async ValueTask DisposeAsync()
    {
        if (_pendingRead is not null)
        {
            // The buffer is being written to until the read ends; how it ends no longer matters.
            await ((Task)_pendingRead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _pendingRead = null;
        }

        GiveBack(ref _source);
        GiveBack(ref _text);
        _length = 0;
    }

    private async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        const int sample = SourceEncodingDetector.SampleBytes;
        _source = ArrayPool<byte>.Shared.Rent(Math.Max(blockBytes, sample) + MostUndecodedBytes);
        _sourceLength = await stream
            .ReadAtLeastAsync(_source.AsMemory(0, sample), sample, throwOnEndOfStream: false, cancellationToken)
            .ConfigureAwait(false);
        _sourceEnded = _sourceLength < sample;
        (Encoding, var markLength) = SourceEncodingDetector.Detect(_source.AsSpan(0, _sourceLength), dialect);
        _decoder = TextDecoder.Create(Encoding);
        DropSource(markLength);
    }

    private async ValueTask DecodeBlockAsync(CancellationToken cancellationToken)
    {
        if (_pendingRead is not null)
        {
            var read = await _pendingRead.ConfigureAwait(false);
            _pendingRead = null;
            _sourceLength += read;
            _sourceEnded = read < blockBytes;
        }

        var part = Math.Min(_sourceLength, blockBytes + MostUndecodedBytes);
        IsEnded = _sourceEnded && part == _sourceLength;
        MakeRoom(_decoder!.MaxTextBytes(part));
        DropSource(_decoder.Decode(_source.AsSpan(0, part), _text, ref _length, IsEnded));

        // More than this is left only of the sample, where blocks are smaller than it.
        if (!_sourceEnded && _sourceLength <= MostUndecodedBytes)
        {
            _pendingRead = stream
                .ReadAtLeastAsync(
                    _source.AsMemory(_sourceLength, blockBytes), blockBytes, throwOnEndOfStream: false, cancellationToken)
                .AsTask();
        }
    }

    private void DropSource(int bytes)
    {
        _source.AsSpan(bytes, _sourceLength - bytes).CopyTo(_source);
        _sourceLength -= bytes;
        BytesRead += bytes;
    }

    private void Drop(int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        _linesDropped += _text.AsSpan(0, bytes).Count((byte)'\n');
        _decoder!.DropText(bytes);
        _text.AsSpan(bytes, _length - bytes).CopyTo(_text);
        _length -= bytes;
    }

    private void MakeRoom(int bytes)
    {
        var needed = _length + bytes + RowSplitter.Padding;
        if (needed > _text.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(needed);
            Text.CopyTo(larger);
            GiveBack(ref _text);
            _text = larger;
        }
    }

    private static void GiveBack(ref byte[] buffer)
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = [];
        }
    }
}
