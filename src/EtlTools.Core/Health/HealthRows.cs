using Dapper;
using Npgsql;

namespace EtlTools.Core.Health;

/// <summary>What a family's statements give.</summary>
internal static class HealthRows
{
    public static async Task<List<T>> ListAsync<T>(
        this NpgsqlConnection connection, string sql, object? parameters, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
}
