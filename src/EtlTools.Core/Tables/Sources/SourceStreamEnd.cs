namespace EtlTools.Core.Tables.Sources;

/// <summary>What came of one SELECT, from first to last: it is only made of a stream that is whole.</summary>
/// <param name="Rows">As many as the server says that it sent.</param>
/// <param name="Bytes">As they came from the client.</param>
/// <param name="Warnings">The numbers of the warnings that the statement gave, without repetition.</param>
internal sealed record SourceStreamEnd(long Rows, long Bytes, IReadOnlyList<int> Warnings)
{
    /// <summary>A function's result was too large, and became NULL.</summary>
    public const int ResultTooLarge = 1301;
}
