namespace EtlTools.Core.Parsing;

/// <summary>One reason why a row cannot be taken.</summary>
/// <param name="Code">A constant of <see cref="RowFault"/>.</param>
/// <param name="FieldIndex">The field it is about, 0-based in file order; null where it is about the whole row.</param>
internal readonly record struct FaultReason(string Code, int? FieldIndex);

/// <summary>A row that cannot go into raw, as the quarantine keeps it.</summary>
/// <param name="RowNumber">1-based number of the data row; a header is not counted, nor is an empty line.</param>
/// <param name="LineNumber">1-based physical line on which the row starts: line feeds before it, plus one.</param>
/// <param name="ByteOffset">Offset of the row's first byte in the original file, a byte-order mark included.</param>
/// <param name="Reasons">Every reason found, at least one.</param>
/// <param name="Content">The row's bytes as the file has them, in its own encoding and without the row separator;
/// the first <see cref="DelimitedReader.MaxContentBytes"/> of them.</param>
/// <param name="ContentIsCut">True where the row is longer than its content.</param>
internal sealed record FaultyRow(
    long RowNumber,
    long LineNumber,
    long ByteOffset,
    IReadOnlyList<FaultReason> Reasons,
    byte[] Content,
    bool ContentIsCut);
