using System.Globalization;
using System.Text;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>The table of a source.</summary>
/// <param name="session">In a snapshot.</param>
/// <param name="table">The table.</param>
/// <param name="columns">The canonical texts of the columns that are compared, as SQL.</param>
/// <param name="key">Those of the key.</param>
/// <param name="sums">The sums that are compared.</param>
internal sealed class SourceSide(ISourceSession session, SourceTable table, IReadOnlyList<string> columns, IReadOnlyList<string> key, IReadOnlyList<string> sums) : IComparisonSide
{
    private const string LongDigest = "SUBSTR(d, 1, 15)";

    private string Row => $"MD5({Join(columns)})";

    private string Name => SourceSql.Quote(table.Name);

    public async Task<(long Lowest, long Highest)?> ReadRangeAsync(string column, CancellationToken cancellationToken)
    {
        var name = SourceSql.Quote(column);
        var row = (await AskAsync($"SELECT IFNULL(MIN({name}), ''), IFNULL(MAX({name}), '') FROM {Name}", cancellationToken).ConfigureAwait(false)).First();
        return row[0].Length == 0 ? null : (long.Parse(row[0], CultureInfo.InvariantCulture), long.Parse(row[1], CultureInfo.InvariantCulture));
    }

    public async Task<IReadOnlyDictionary<string, ChunkDigest>> ReadChunksAsync(Chunking chunking, CancellationToken cancellationToken)
    {
        var chunk = chunking.Column is { } column
            ? $"({SourceSql.Quote(column)} - {SourceSql.Number(chunking.First)}) DIV {SourceSql.Number(chunking.Size)}"
            : $"LEFT({(key.Count > 0 ? $"MD5({Join(key)})" : Row)}, {chunking.Digits})";
        var rows = await AskAsync(
            $"SELECT c, COUNT(*), SUM(CAST(CONV({LongDigest}, 16, 10) AS UNSIGNED)) FROM (SELECT {chunk} AS c, {Row} AS d FROM {Name}) r GROUP BY c",
            cancellationToken).ConfigureAwait(false);
        return rows.ToDictionary(
            row => row[0],
            row => new ChunkDigest(long.Parse(row[1], CultureInfo.InvariantCulture), decimal.Parse(row[2], CultureInfo.InvariantCulture)),
            StringComparer.Ordinal);
    }

    public async Task<IReadOnlyDictionary<string, RowDigest>> ReadRowsAsync(Chunking chunking, IReadOnlyList<string> chunks, CancellationToken cancellationToken)
    {
        string where;
        if (chunking.Column is { } column)
        {
            where = string.Join(" OR ", chunking.Ranges(chunks).Select(range =>
                $"{SourceSql.Quote(column)} BETWEEN {Chunking.Number(range.From)} AND {Chunking.Number(range.To)}"));
        }
        else
        {
            var digest = key.Count > 0 ? $"MD5({Join(key)})" : Row;
            where = $"LEFT({digest}, {chunking.Digits}) IN ({string.Join(", ", chunks.Select(SourceSql.Literal))})";
        }

        var found = new Dictionary<string, RowDigest>(StringComparer.Ordinal);
        foreach (var row in await AskAsync($"SELECT {string.Join(", ", key.Append(Row))} FROM {Name} WHERE {where}", cancellationToken).ConfigureAwait(false))
        {
            found.Add(row);
        }

        return found;
    }

    public async Task<IReadOnlyList<string?>> ReadSumsAsync(CancellationToken cancellationToken)
    {
        var row = (await AskAsync($"SELECT {string.Join(", ", sums.Select(sum => $"IFNULL({sum}, '')"))} FROM {Name}", cancellationToken).ConfigureAwait(false)).First();
        return [.. row.Select(sum => sum.Length == 0 ? null : sum)];
    }

    private static string Join(IEnumerable<string> expressions) => $"CONCAT_WS({SourceForm.Separator}, {string.Join(", ", expressions)})";

    private async Task<IEnumerable<string[]>> AskAsync(string sql, CancellationToken cancellationToken)
    {
        var text = new MemoryStream();
        var end = await session.StreamAsync(
            sql, table.Name, (piece, _) => { text.Write(piece.Span); return ValueTask.CompletedTask; }, cancellationToken).ConfigureAwait(false);
        if (end.Warnings.Contains(SourceStreamEnd.ResultTooLarge))
        {
            throw new EtlException(
                EtlErrorKind.Resource,
                "SourceValueTooLarge",
                $"A row of {table.Name} is larger than the source's max_allowed_packet, and cannot be compared there.",
                table.Name,
                "Raise max_allowed_packet of the source's server to more than the largest row.");
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length).Split('\n')[..^1].Select(line => line.Split('\t').Select(field => BatchField.Unescape(field)!).ToArray());
    }
}
