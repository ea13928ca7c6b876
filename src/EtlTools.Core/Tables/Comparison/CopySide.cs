using System.Globalization;
using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>A table of PostgreSQL.</summary>
/// <param name="connection">In a transaction that sees one state.</param>
/// <param name="qualified">The table.</param>
/// <param name="columns">The canonical texts of the columns that are compared, as SQL.</param>
/// <param name="key">Those of the key.</param>
/// <param name="sums">The sums that are compared.</param>
internal sealed class CopySide(NpgsqlConnection connection, string qualified, IReadOnlyList<string> columns, IReadOnlyList<string> key, IReadOnlyList<string> sums) : IComparisonSide
{
    /// <summary>Whether the database keeps texts in UTF-8.</summary>
    public static bool IsUtf8(NpgsqlConnection connection) => connection.PostgresParameters["server_encoding"] == "UTF8";

    private string Row => Digest(columns);

    public async Task<(long Lowest, long Highest)?> ReadRangeAsync(string column, CancellationToken cancellationToken)
    {
        var name = SqlIdentifier.Quote(column);
        var (lowest, highest) = await connection.QuerySingleAsync<(long?, long?)>(new CommandDefinition(
            $"SELECT min({name})::bigint, max({name})::bigint FROM {qualified}", cancellationToken: cancellationToken)).ConfigureAwait(false);
        return lowest is null || highest is null ? null : (lowest.Value, highest.Value);
    }

    public async Task<IReadOnlyDictionary<string, ChunkDigest>> ReadChunksAsync(Chunking chunking, CancellationToken cancellationToken)
    {
        var chunk = chunking.Column is { } column
            ? $"({SqlIdentifier.Quote(column)}::bigint - @first) / @size"
            : $"left({(key.Count > 0 ? Digest(key) : Row)}, {chunking.Digits})";
        var rows = await connection.QueryAsync<(string, long, decimal)>(new CommandDefinition(
            $"SELECT c::text, count(*), sum(('x' || left(d, 15))::bit(60)::bigint) FROM (SELECT {chunk} AS c, {Row} AS d FROM {qualified}) r GROUP BY c",
            new { first = chunking.First, size = chunking.Size },
            commandTimeout: 0,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return rows.ToDictionary(row => row.Item1, row => new ChunkDigest(row.Item2, row.Item3), StringComparer.Ordinal);
    }

    public async Task<IReadOnlyDictionary<string, RowDigest>> ReadRowsAsync(Chunking chunking, IReadOnlyList<string> chunks, CancellationToken cancellationToken)
    {
        string where;
        if (chunking.Column is { } column)
        {
            where = string.Join(" OR ", chunking.Ranges(chunks).Select(range =>
                $"{SqlIdentifier.Quote(column)} BETWEEN {Chunking.Number(range.From)} AND {Chunking.Number(range.To)}"));
        }
        else
        {
            var digest = key.Count > 0 ? Digest(key) : Row;
            where = $"left({digest}, {chunking.Digits.ToString(CultureInfo.InvariantCulture)}) = ANY (@chunks)";
        }

        await using var command = new NpgsqlCommand($"SELECT {string.Join(", ", key.Append(Row).Select(value => $"({value})::text"))} FROM {qualified} WHERE {where}", connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("chunks", chunks.ToArray());
        var found = new Dictionary<string, RowDigest>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var row = new string[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.GetString(i);
            }

            found.Add(row);
        }

        return found;
    }

    public async Task<IReadOnlyList<string?>> ReadSumsAsync(CancellationToken cancellationToken) =>
        await connection.QuerySingleAsync<string?[]>(new CommandDefinition(
            $"SELECT ARRAY[{string.Join(", ", sums.Select(sum => $"({sum})::text"))}] FROM {qualified}", commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);

    private string Digest(IEnumerable<string> expressions) =>
        CopyForm.Digest($"concat_ws({CopyForm.Separator}, {string.Join(", ", expressions)})", IsUtf8(connection));
}
