namespace EtlTools.Core.Tables.Comparison;

/// <summary>One of the two tables that are compared, in its own database. Its rows are as they were at one moment.</summary>
internal interface IComparisonSide
{
    /// <summary>Lowest and highest value of a column of whole numbers; null where there is no row.</summary>
    Task<(long Lowest, long Highest)?> ReadRangeAsync(string column, CancellationToken cancellationToken);

    /// <summary>The digests of all chunks, in one pass over the table.</summary>
    Task<IReadOnlyDictionary<string, ChunkDigest>> ReadChunksAsync(Chunking chunking, CancellationToken cancellationToken);

    /// <summary>The digests of the rows of some chunks, by their key: its canonical texts, joined by <see cref="KeySeparator"/>.</summary>
    Task<IReadOnlyDictionary<string, RowDigest>> ReadRowsAsync(Chunking chunking, IReadOnlyList<string> chunks, CancellationToken cancellationToken);

    /// <summary>The sums of the columns that are summed, as text; null where no row has a value.</summary>
    Task<IReadOnlyList<string?>> ReadSumsAsync(CancellationToken cancellationToken);

    public const char KeySeparator = '\x1f';

    /// <summary>What a NULL of a key is.</summary>
    public const string KeyNull = "\x1e";
}
