using Dapper;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>Whether the ledger knows the runs and files that somebody names.</summary>
internal static class LedgerIds
{
    /// <exception cref="EtlException">LoadRunNotFound.</exception>
    public static async Task RequireRunsAsync(NpgsqlConnection connection, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        if (await FindMissingAsync(connection, LedgerSql.MissingRuns, ids, cancellationToken).ConfigureAwait(false) is { Count: > 0 } missing)
        {
            throw LedgerErrors.RunNotFound(missing);
        }
    }

    /// <exception cref="EtlException">LoadFileNotFound.</exception>
    public static async Task RequireFilesAsync(NpgsqlConnection connection, IReadOnlyList<int> ids, CancellationToken cancellationToken)
    {
        if (await FindMissingAsync(connection, LedgerSql.MissingFiles, ids, cancellationToken).ConfigureAwait(false) is { Count: > 0 } missing)
        {
            throw LedgerErrors.FileNotFound(missing);
        }
    }

    private static async Task<IReadOnlyList<T>> FindMissingAsync<T>(
        NpgsqlConnection connection, string sql, IReadOnlyList<T> ids, CancellationToken cancellationToken) =>
        ids.Count == 0
            ? []
            : (await connection.QueryAsync<T>(new CommandDefinition(
                sql, new { ids = ids.Distinct().ToArray() }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
}
