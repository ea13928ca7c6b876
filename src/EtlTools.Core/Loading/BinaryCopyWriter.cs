using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EtlTools.Core.Parsing;

namespace EtlTools.Core.Loading;

/// <summary>
/// Writes rows as PostgreSQL's binary COPY format: the mapped text columns, then load_run_file_id (integer) and
/// load_row_number (bigint). An empty unquoted field becomes NULL, everything else goes verbatim.
/// </summary>
/// <remarks>There are two buffers: while one is on its way to the server, the other is being filled.</remarks>
internal sealed class BinaryCopyWriter : IDisposable
{
    public const int DefaultBufferBytes = 256 * 1024;

    // int16 field count, two lengths, int32 file id, int64 row number.
    private const int FixedRowBytes = 2 + 4 + 4 + 4 + 8;

    // Short fields are copied in whole vectors, which may write beyond their end.
    private const int Slack = 32;

    // Then four bytes of flags and four that say there is no header extension.
    private static readonly byte[] Signature =
        [.. "PGCOPY\n"u8, 0xFF, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly int[] _sourceFields;
    private readonly int _fileId;
    private readonly int _flushBytes;
    private byte[] _filling;
    private byte[] _sending;
    private int _filled;
    private Stream? _stream;
    private Task _sent = Task.CompletedTask;

    /// <param name="sourceFields">For each target column the field of the row that feeds it, 0-based; -1: NULL.</param>
    /// <param name="loadRunFileId">Goes into every row.</param>
    /// <param name="bufferBytes">Bytes that are sent at a time.</param>
    public BinaryCopyWriter(IReadOnlyList<int> sourceFields, int loadRunFileId, int bufferBytes = DefaultBufferBytes)
    {
        _sourceFields = [.. sourceFields];
        _fileId = loadRunFileId;
        _flushBytes = bufferBytes;
        _filling = ArrayPool<byte>.Shared.Rent(2 * bufferBytes);
        _sending = ArrayPool<byte>.Shared.Rent(2 * bufferBytes);
    }

    /// <summary>True between <see cref="Begin"/> and <see cref="EndAsync"/>.</summary>
    public bool IsOpen => _stream is not null;

    /// <summary>Starts a COPY on a stream that takes its bytes.</summary>
    public void Begin(Stream copy)
    {
        _stream = copy;
        _filled = 0;
        MakeRoom(Signature.Length);
        Signature.CopyTo(_filling, 0);
        _filled = Signature.Length;
    }

    /// <summary>Writes the batch's good rows, faulty ones are passed over.</summary>
    /// <returns>The number of rows written.</returns>
    public async ValueTask<long> WriteAsync(DelimitedReader batch, CancellationToken cancellationToken)
    {
        var next = 0;
        long written = 0;
        while (next < batch.Rows.Length)
        {
            next = Fill(batch, next, ref written);
            if (_filled >= _flushBytes)
            {
                await SendAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return written;
    }

    /// <summary>Writes the trailer and waits until everything has been handed to the stream, which stays open.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        MakeRoom(sizeof(short));
        BinaryPrimitives.WriteInt16BigEndian(_filling.AsSpan(_filled), -1);
        _filled += sizeof(short);
        await SendAsync(cancellationToken).ConfigureAwait(false);
        await _sent.ConfigureAwait(false);
        _stream = null;
    }

    /// <summary>Waits for what is on its way, whatever becomes of it. The COPY is then the caller's to cancel.</summary>
    public async ValueTask AbandonAsync()
    {
        await _sent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stream = null;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_filling);
        ArrayPool<byte>.Shared.Return(_sending);
        _filling = _sending = [];
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        await _sent.ConfigureAwait(false);
        (_filling, _sending) = (_sending, _filling);
        _sent = _stream!.WriteAsync(_sending.AsMemory(0, _filled), cancellationToken).AsTask();
        _filled = 0;
    }

    // Like Encode it is hot from its first call on. Encodes rows until the buffer is due to be sent. Returns the row to go on with.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Fill(DelimitedReader batch, int next, ref long written)
    {
        var rows = batch.Rows;
        var fields = batch.Fields;
        var text = batch.Text;
        var quote = batch.Quote;
        for (; next < rows.Length && _filled < _flushBytes; next++)
        {
            ref readonly var row = ref rows[next];
            if (row.IsFaulty)
            {
                continue;
            }

            MakeRoom(row.End - row.Start + FixedRowBytes + (4 * _sourceFields.Length) + Slack);
            _filled = Encode(text, fields.Slice(row.FirstField, row.FieldCount), quote, batch.FirstRowNumber + next);
            written++;
        }

        return next;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Encode(byte[] text, ReadOnlySpan<FieldSlice> fields, byte quote, long rowNumber)
    {
        ref var source = ref MemoryMarshal.GetArrayDataReference(text);
        ref var target = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_filling), _filled);
        Unsafe.WriteUnaligned(ref target, BinaryPrimitives.ReverseEndianness((short)(_sourceFields.Length + 2)));
        target = ref Unsafe.Add(ref target, 2);
        foreach (var index in _sourceFields)
        {
            var slice = (uint)index < (uint)fields.Length ? fields[index] : default;
            if (slice.IsNull)
            {
                Unsafe.WriteUnaligned(ref target, -1);
                target = ref Unsafe.Add(ref target, 4);
                continue;
            }

            ref var content = ref Unsafe.Add(ref target, 4);
            var length = slice.IsEscaped
                ? CopyUnescaped(ref Unsafe.Add(ref source, slice.Start), slice.Length, quote, ref content)
                : Copy(ref Unsafe.Add(ref source, slice.Start), slice.Length, ref content);
            Unsafe.WriteUnaligned(ref target, BinaryPrimitives.ReverseEndianness(length));
            target = ref Unsafe.Add(ref content, length);
        }

        Unsafe.WriteUnaligned(ref target, BinaryPrimitives.ReverseEndianness(sizeof(int)));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 4), BinaryPrimitives.ReverseEndianness(_fileId));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 8), BinaryPrimitives.ReverseEndianness(sizeof(long)));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 12), BinaryPrimitives.ReverseEndianness(rowNumber));
        target = ref Unsafe.Add(ref target, 20);
        return (int)Unsafe.ByteOffset(ref MemoryMarshal.GetArrayDataReference(_filling), ref target);
    }

    // Both sides are readable and writable for a vector beyond the field.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Copy(ref byte source, int length, ref byte target)
    {
        if (length <= 16)
        {
            Unsafe.WriteUnaligned(ref target, Unsafe.ReadUnaligned<Int128>(ref source));
        }
        else
        {
            Unsafe.CopyBlockUnaligned(ref target, ref source, (uint)length);
        }

        return length;
    }

    private static int CopyUnescaped(ref byte source, int length, byte quote, ref byte target)
    {
        var from = MemoryMarshal.CreateReadOnlySpan(ref source, length);
        var to = MemoryMarshal.CreateSpan(ref target, length);
        var written = 0;
        while (from.IndexOf(quote) is var at and >= 0)
        {
            from[..(at + 1)].CopyTo(to[written..]);
            written += at + 1;
            from = from[(at + 2)..];
        }

        from.CopyTo(to[written..]);
        return written + from.Length;
    }

    private void MakeRoom(int bytes)
    {
        if (_filled + bytes <= _filling.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(_filled + bytes);
        _filling.AsSpan(0, _filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_filling);
        _filling = larger;
    }
}
