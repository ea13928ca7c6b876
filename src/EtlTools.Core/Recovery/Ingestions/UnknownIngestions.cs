using Dapper;
using Npgsql;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>What somebody asks for by name has to be there: a mistyped id must not look like good news.</summary>
internal static class UnknownIngestions
{
    /// <summary>One error for each of the ids and users that raw_ingestions does not have.</summary>
    public static async Task<IReadOnlyList<EtlException>> FindAsync(
        NpgsqlConnection connection,
        IngestionTable table,
        IReadOnlyList<Guid> ids,
        IReadOnlyList<Guid> users,
        CancellationToken cancellationToken)
    {
        var failures = new List<EtlException>();
        foreach (var id in await UnknownAsync("id", ids).ConfigureAwait(false))
        {
            failures.Add(new EtlException(
                EtlErrorKind.NotFound, "IngestionNotFound", $"{table.Name} has no ingestion {id}.", id.ToString(), "See Find-LostData."));
        }

        foreach (var user in await UnknownAsync("user_id", users).ConfigureAwait(false))
        {
            failures.Add(new EtlException(
                EtlErrorKind.NotFound,
                "IngestionUserNotFound",
                $"{table.Name} has no ingestion of user {user}.",
                user.ToString(),
                "Check the id; Find-LostData | Group-Object UserId shows whose ingestions have lost something."));
        }

        return failures;

        async Task<IEnumerable<Guid>> UnknownAsync(string column, IReadOnlyList<Guid> values) => values.Count == 0
            ? []
            : await connection.QueryAsync<Guid>(new CommandDefinition(
                IngestionSql.Unknown(table, column), new { values = values.ToArray() }, cancellationToken: cancellationToken)).ConfigureAwait(false);
    }
}
