using Dapper;
using Npgsql;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>Finds raw_ingestions in the catalogue.</summary>
internal static class IngestionTableReader
{
    private static readonly string[] Needed = ["id", "user_id", "raw_payload", "created_at"];

    /// <summary>Null where there is none: not every database has this family.</summary>
    /// <param name="connection">Open.</param>
    /// <param name="schema">Where it is; null: the first on the search path, or the only one there is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="EtlException">IngestionTableAmbiguous.</exception>
    public static async Task<IngestionTable?> FindAsync(
        NpgsqlConnection connection, string? schema, CancellationToken cancellationToken)
    {
        var found = await FindAllAsync(connection, schema, cancellationToken).ConfigureAwait(false);
        var candidates = found.Any(candidate => candidate.IsVisible) ? found.Where(candidate => candidate.IsVisible).ToList() : found;
        return candidates.Count switch
        {
            0 => null,
            1 => await ReadAsync(connection, candidates[0], cancellationToken).ConfigureAwait(false),
            _ => throw new EtlException(
                EtlErrorKind.InvalidInput,
                "IngestionTableAmbiguous",
                $"There is a table {IngestionTable.TableName} in each of the schemas {string.Join(", ", candidates.Select(candidate => candidate.Schema))}.",
                IngestionTable.TableName,
                "Name the schema with -Schema."),
        };
    }

    /// <exception cref="EtlException">IngestionTableMissing, IngestionTableAmbiguous.</exception>
    public static async Task<IngestionTable> RequireAsync(
        NpgsqlConnection connection, string? schema, CancellationToken cancellationToken) =>
        await FindAsync(connection, schema, cancellationToken).ConfigureAwait(false)
        ?? throw new EtlException(
            EtlErrorKind.NotFound,
            "IngestionTableMissing",
            schema is null
                ? $"This database has no table {IngestionTable.TableName} with the columns {string.Join(", ", Needed)}."
                : $"The schema {schema} has no table {IngestionTable.TableName} with the columns {string.Join(", ", Needed)}.",
            schema is null ? IngestionTable.TableName : $"{schema}.{IngestionTable.TableName}",
            "Check that it is the Health Export database, and that this user may see the table; -Schema names its schema.");

    /// <summary>The schemas that have one.</summary>
    public static async Task<IReadOnlyList<string>> FindSchemasAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (await FindAllAsync(connection, null, cancellationToken).ConfigureAwait(false)).Select(candidate => candidate.Schema).ToList();

    private static async Task<List<Candidate>> FindAllAsync(NpgsqlConnection connection, string? schema, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<Candidate>(new CommandDefinition(
            IngestionSql.Tables, new { schema, table = IngestionTable.TableName, needed = Needed }, cancellationToken: cancellationToken))
            .ConfigureAwait(false)).AsList();

    private static async Task<IngestionTable> ReadAsync(
        NpgsqlConnection connection, Candidate candidate, CancellationToken cancellationToken)
    {
        var columns = await connection.QueryAsync<(string Name, string Type)>(new CommandDefinition(
            IngestionSql.Columns, new { oid = (long)candidate.Oid }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        var labels = (await connection.QueryAsync<string>(new CommandDefinition(
            IngestionSql.StatusLabels, new { oid = (long)candidate.Oid }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
        return new IngestionTable
        {
            Schema = candidate.Schema,
            Columns = columns.ToDictionary(column => column.Name, column => column.Type, StringComparer.Ordinal),
            StatusLabels = labels.Count > 0 ? labels : null,
            IsPartitioned = candidate.IsPartitioned,
        };
    }

    private sealed record Candidate
    {
        public long Oid { get; init; }
        public string Schema { get; init; } = "";
        public bool IsPartitioned { get; init; }
        public bool IsVisible { get; init; }
    }
}
