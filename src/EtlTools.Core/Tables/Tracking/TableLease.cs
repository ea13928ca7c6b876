using System.Diagnostics;
using Dapper;
using Npgsql;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>
/// The right to change one copy, held by the session that writes it: whoever loses the one has lost the other.
/// </summary>
internal static class TableLease
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Waits a moment: the session of a sync that has just ended may still be ending.</summary>
    /// <exception cref="EtlException">TableBusy.</exception>
    public static async Task TakeAsync(NpgsqlConnection connection, string schema, string table, CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew();
            !await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                TrackingSql.TakeLease, new { schema, table }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            await Task.Delay(50, cancellationToken).ConfigureAwait(false))
        {
            if (clock.Elapsed > Patience)
            {
                throw new EtlException(
                    EtlErrorKind.Busy,
                    "TableBusy",
                    $"{schema}.{table} is being synced by somebody else.",
                    table,
                    "Wait for the other sync to end; Get-TableStatus shows it.");
            }
        }
    }

    public static Task EndAsync(NpgsqlConnection connection, string schema, string table) =>
        connection.ExecuteAsync(new CommandDefinition(TrackingSql.EndLease, new { schema, table }));
}
