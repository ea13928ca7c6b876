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
    private byte[] _text = [];

    public MetricType Type { get; private set; } = null!;

    /// <summary>The how-many-th metric of the payload it is, from 1. A pair has the ordinal of the later of the two.</summary>
    public long Ordinal { get; private set; }

    public MetricValueKind KindOf(int column) => _cells[column].Kind;

    /// <summary>True where the cell is neither absent nor null.</summary>
    public bool HasValue(int column) => _cells[column].Kind > MetricValueKind.Null;

    public double Number(int column) => BitConverter.Int64BitsToDouble(_cells[column].Bits);

    public long Integer(int column) => _cells[column].Bits;

    public bool Boolean(int column) => _cells[column].Bits != 0;

    /// <summary>UTC, in whole microseconds.</summary>
    public DateTime Time(int column) => new(_cells[column].Bits, DateTimeKind.Utc);

    public Guid Uuid(int column) => new(Utf8(column), bigEndian: true);

    /// <summary>UTF-8, without NUL: the text of a Text or Json cell.</summary>
    public ReadOnlySpan<byte> Utf8(int column) => _text.AsSpan((int)(_cells[column].Bits >> 32), (int)_cells[column].Bits);

    public string Text(int column) => Encoding.UTF8.GetString(Utf8(column));

    private record struct Cell(MetricValueKind Kind, long Bits);
}
