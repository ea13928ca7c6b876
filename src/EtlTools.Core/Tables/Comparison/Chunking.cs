using System.Globalization;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>How the rows of both sides are put into the same chunks.</summary>
internal sealed record Chunking
{
    public const long RowsPerChunk = 16_384;

    /// <summary>A whole number whose ranges are the chunks; null: chunks are by the digest of the key, or of the row.</summary>
    public string? Column { get; init; }

    public long First { get; init; }

    public long Size { get; init; } = 1;

    /// <summary>Hexadecimal digits of the digest that name a chunk.</summary>
    public int Digits { get; init; }

    /// <param name="column">The only column of the key, a whole number.</param>
    /// <param name="ranges">Lowest and highest key of each side that has rows.</param>
    /// <param name="rows">Of the larger side.</param>
    public static Chunking ByRange(string column, IReadOnlyList<(long Lowest, long Highest)> ranges, long rows)
    {
        var first = ranges.Count == 0 ? 0 : ranges.Min(range => range.Lowest);
        var last = ranges.Count == 0 ? 0 : ranges.Max(range => range.Highest);
        var chunks = Math.Max(1, rows / RowsPerChunk);

        // Keys can span more than a bigint holds.
        return new Chunking { Column = column, First = first, Size = (long)Math.Max(1, ((decimal)last - first) / chunks) + 1 };
    }

    public static Chunking ByDigest(long rows)
    {
        var digits = 0;
        while (digits < 6 && rows / RowsPerChunk >= 1L << (4 * digits))
        {
            digits++;
        }

        return new Chunking { Digits = Math.Max(1, digits) };
    }

    /// <summary>First and last key of chunks that lie side by side.</summary>
    public IEnumerable<(decimal From, decimal To)> Ranges(IEnumerable<string> chunks)
    {
        (decimal From, decimal To)? open = null;
        foreach (var number in chunks.Select(chunk => decimal.Parse(chunk, CultureInfo.InvariantCulture)).Order())
        {
            var from = First + (number * Size);
            if (open is { } range && range.To + 1 == from)
            {
                open = (range.From, from + Size - 1);
                continue;
            }

            if (open is { } done)
            {
                yield return done;
            }

            open = (from, from + Size - 1);
        }

        if (open is { } last)
        {
            yield return last;
        }
    }

    public static string Number(decimal number) => number.ToString("0", CultureInfo.InvariantCulture);
}

/// <param name="Rows">Of the chunk.</param>
/// <param name="Sum">Of the digests of its rows.</param>
internal readonly record struct ChunkDigest(long Rows, decimal Sum);
