namespace EtlTools.Core.Parsing;

/// <summary>Where a field's content lies in a batch's text, without its quotes.</summary>
internal readonly struct FieldSlice
{
    private const int QuotedFlag = 1 << 30;
    private const int EscapedFlag = 1 << 31;
    private const int LengthMask = QuotedFlag - 1;

    private readonly int _lengthAndFlags;

    public FieldSlice(int start, int length)
    {
        Start = start;
        _lengthAndFlags = length;
    }

    public FieldSlice(int start, int length, bool escaped)
    {
        Start = start;
        _lengthAndFlags = length | QuotedFlag | (escaped ? EscapedFlag : 0);
    }

    public int Start { get; }

    /// <summary>Bytes of UTF-8, doubled quotes still doubled.</summary>
    public int Length => _lengthAndFlags & LengthMask;

    public bool IsQuoted => (_lengthAndFlags & QuotedFlag) != 0;

    /// <summary>True where the content holds doubled quotes that stand for single ones.</summary>
    public bool IsEscaped => _lengthAndFlags < 0;

    /// <summary>True for a field that is empty and not quoted: it stands for NULL.</summary>
    public bool IsNull => _lengthAndFlags == 0;
}

/// <summary>Where a row lies in a batch's text, and its fields in the batch's field list.</summary>
/// <param name="Start">First byte of the row in the text.</param>
/// <param name="End">One past its last byte, without the row separator.</param>
/// <param name="FirstField">Index of its first field.</param>
/// <param name="FieldCount">Its fields; 0 for a faulty row whose fields are not known.</param>
/// <param name="Fault">A constant of <see cref="RowFault"/>, or null for a row that can be loaded.</param>
internal readonly record struct RowSlice(int Start, int End, int FirstField, int FieldCount, string? Fault)
{
    public bool IsFaulty => Fault is not null;
}
