using Dapper;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>Which runs say running while the session that held their lease is gone.</summary>
/// <param name="LeasesVisible">False on a standby server, where nobody sees the locks held on the primary.</param>
/// <param name="Dead">Runs proven dead.</param>
internal sealed record RunLiveness(bool LeasesVisible, Guid[] Dead)
{
    /// <param name="connection">In no transaction, for each statement needs a snapshot of its own.</param>
    /// <param name="cancellationToken">Stops the statements.</param>
    public static async Task<RunLiveness> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var isStandby = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            RunLivenessSql.IsStandby, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (isStandby)
        {
            return new RunLiveness(LeasesVisible: false, []);
        }

        var suspects = await QueryAsync(RunLivenessSql.WithoutLease, null).ConfigureAwait(false);

        // Locks are seen as they are, rows as they were when the statement began: a run that ended in between looks dead.
        // It closes its entry before it lets go of the lease, so one that still says running now is dead.
        var dead = suspects.Length == 0 ? [] : await QueryAsync(RunLivenessSql.StillRunning, new { suspects }).ConfigureAwait(false);
        return new RunLiveness(LeasesVisible: true, dead);

        async Task<Guid[]> QueryAsync(string sql, object? parameters) =>
            (await connection.QueryAsync<Guid>(new CommandDefinition(
                sql, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false)).ToArray();
    }
}
