namespace EtlTools.Core.Parsing;

/// <summary>Where a field's content lies in a batch's text, without its quotes.</summary>
/// <remarks>One number, which is written and read in one go: start, escaped, quoted, length.</remarks>
internal readonly struct FieldSlice
{
    private const ulong EscapedFlag = 1UL << 31;
    private const ulong QuotedFlag = 1UL << 30;
    private const ulong LengthMask = QuotedFlag - 1;

    private readonly ulong _bits;

    public FieldSlice(int start, int length) => _bits = ((ulong)(uint)start << 32) | (uint)length;

    private FieldSlice(ulong bits) => _bits = bits;

    public int Start => (int)(_bits >> 32);

    /// <summary>Bytes of UTF-8, doubled quotes still doubled.</summary>
    public int Length => (int)(_bits & LengthMask);

    public bool IsQuoted => (_bits & QuotedFlag) != 0;

    /// <summary>True where the content holds doubled quotes that stand for single ones.</summary>
    public bool IsEscaped => (_bits & EscapedFlag) != 0;

    /// <summary>True for a field that is empty and not quoted: it stands for NULL.</summary>
    public bool IsNull => (uint)_bits == 0;

    public FieldSlice AsQuoted(bool isEscaped) => new(_bits | QuotedFlag | (isEscaped ? EscapedFlag : 0));
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
