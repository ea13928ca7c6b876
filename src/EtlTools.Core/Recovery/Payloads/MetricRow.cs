using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>What a cell of a <see cref="MetricRow"/> holds.</summary>
internal enum MetricValueKind : byte
{
    /// <summary>The payload has no such field.</summary>
    None,

    /// <summary>The payload says null.</summary>
    Null,

    Number,
    Integer,
    Text,
    Boolean,
    Time,
    Json,
    Uuid,
}

/// <summary>
/// A metric that was read: valid, in the units of its columns. There is one instance, used again for the next metric: what is
/// to be kept is copied before the sink returns.
/// </summary>
internal sealed class MetricRow
{
    private Cell[] _cells = [];
    private byte[] _text = new byte[1024];
    private int _textLength;

    public MetricType Type { get; private set; } = null!;

    /// <summary>The how-many-th metric of the payload it is, from 1. A pair has the ordinal of the later of the two.</summary>
    public long Ordinal { get; set; }

    public MetricValueKind KindOf(int column) => _cells[column].Kind;

    /// <summary>True where the cell is neither absent nor null.</summary>
    public bool HasValue(int column) => _cells[column].Kind > MetricValueKind.Null;

    public double Number(int column) => BitConverter.Int64BitsToDouble(_cells[column].Bits);

    public long Integer(int column) => _cells[column].Bits;

    public bool Boolean(int column) => _cells[column].Bits != 0;

    /// <summary>UTC, in whole microseconds.</summary>
    public DateTime Time(int column) => new(_cells[column].Bits, DateTimeKind.Utc);

    public Guid Uuid(int column) => new(Utf8(column), bigEndian: true);

    /// <summary>UTF-8, without NUL: the text of a Text or Json cell; the sixteen bytes of a Uuid.</summary>
    public ReadOnlySpan<byte> Utf8(int column) => _text.AsSpan((int)(_cells[column].Bits >> 32), (int)_cells[column].Bits);

    public string Text(int column) => Encoding.UTF8.GetString(Utf8(column));

    internal void Begin(MetricType type)
    {
        Type = type;
        _textLength = 0;
        if (_cells.Length < type.Columns.Count)
        {
            _cells = new Cell[type.Columns.Count];
        }
        else
        {
            _cells.AsSpan(0, type.Columns.Count).Clear();
        }
    }

    internal void SetNull(int column) => _cells[column] = new Cell(MetricValueKind.Null, 0);

    internal void SetNumber(int column, double value) =>
        _cells[column] = new Cell(MetricValueKind.Number, BitConverter.DoubleToInt64Bits(value));

    internal void SetInteger(int column, long value) => _cells[column] = new Cell(MetricValueKind.Integer, value);

    internal void SetBoolean(int column, bool value) => _cells[column] = new Cell(MetricValueKind.Boolean, value ? 1 : 0);

    /// <param name="column">Which.</param>
    /// <param name="ticks">Of UTC, whole microseconds.</param>
    internal void SetTime(int column, long ticks) => _cells[column] = new Cell(MetricValueKind.Time, ticks);

    internal void SetUuid(int column, Guid value)
    {
        value.TryWriteBytes(TextSpace(16), bigEndian: true, out _);
        SetWritten(column, MetricValueKind.Uuid, 16);
    }

    internal void SetText(int column, MetricValueKind kind, ReadOnlySpan<byte> text)
    {
        text.CopyTo(TextSpace(text.Length));
        SetWritten(column, kind, text.Length);
    }

    /// <summary>Room to write a text into, which <see cref="SetWritten"/> then gives to a cell.</summary>
    internal Span<byte> TextSpace(int length)
    {
        if (_text.Length - _textLength < length)
        {
            Array.Resize(ref _text, Math.Max(2 * _text.Length, _textLength + length));
        }

        return _text.AsSpan(_textLength, length);
    }

    internal void SetWritten(int column, MetricValueKind kind, int length)
    {
        _cells[column] = new Cell(kind, ((long)_textLength << 32) | (uint)length);
        _textLength += length;
    }

    private readonly record struct Cell(MetricValueKind Kind, long Bits);
}
