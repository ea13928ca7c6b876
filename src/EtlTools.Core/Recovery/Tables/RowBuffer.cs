using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>Rows of one table in PostgreSQL's binary COPY format, on their way to the server.</summary>
internal sealed class RowBuffer : IDisposable
{
    private const int InitialBytes = 64 * 1024;

    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xFF, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(InitialBytes);
    private int _row;
    private int _field;

    public RowBuffer() => Clear();

    /// <summary>With the header and without the trailer.</summary>
    public int Length { get; private set; }

    public bool IsEmpty => Length == Header.Length;

    public void Clear()
    {
        Header.CopyTo(_bytes, 0);
        Length = Header.Length;
    }

    public void BeginRow(int fields)
    {
        _row = Length;
        WriteInt16((short)fields);
    }

    /// <summary>Takes back what was written since <see cref="BeginRow"/>.</summary>
    public void DropRow() => Length = _row;

    public void BeginField()
    {
        _field = Length;
        WriteInt32(0);
    }

    public void EndField() =>
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_field), Length - _field - sizeof(int));

    /// <summary>In place of what was written since <see cref="BeginField"/>.</summary>
    public void DropField()
    {
        Length = _field;
        WriteNull();
    }

    public void WriteNull() => WriteInt32(-1);

    public bool WriteByte(byte value)
    {
        Room(1)[0] = value;
        return true;
    }

    public bool WriteInt16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(Room(sizeof(short)), value);
        return true;
    }

    public bool WriteInt32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Room(sizeof(int)), value);
        return true;
    }

    public bool WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(Room(sizeof(long)), value);
        return true;
    }

    public bool WriteBytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Room(value.Length));
        return true;
    }

    public bool WriteText(string value) => WriteBytes(Encoding.UTF8.GetBytes(value));

    public void WriteUuid(Guid value) => value.TryWriteBytes(Room(16), bigEndian: true, out _);

    /// <summary>Everything with the trailer; the buffer is to be cleared then.</summary>
    public ReadOnlyMemory<byte> Complete()
    {
        WriteInt16(-1);
        return _bytes.AsMemory(0, Length);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private Span<byte> Room(int bytes)
    {
        if (Length + bytes > _bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + bytes, 2 * _bytes.Length));
            _bytes.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        var room = _bytes.AsSpan(Length, bytes);
        Length += bytes;
        return room;
    }
}
