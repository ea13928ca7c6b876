using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>Commits work that a receipt stands for. Where the answer to COMMIT is lost, the receipt tells how it ended.</summary>
internal static class ReceiptCommit
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    /// <param name="database">To ask, on another connection.</param>
    /// <param name="transaction">Has written the receipt.</param>
    /// <param name="receipt">Its id.</param>
    /// <exception cref="EtlException">CommitLost, or the server's own refusal; then nothing was changed.</exception>
    public static async Task CommitAsync(EtlDatabase database, NpgsqlTransaction transaction, Guid receipt)
    {
        var transactionId = await transaction.Connection!.QuerySingleAsync<string>(ReprocessSql.TransactionId).ConfigureAwait(false);
        try
        {
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (NpgsqlException error)
        {
            if (await WasCommittedAsync(database, transactionId, receipt).ConfigureAwait(false))
            {
                return;
            }

            if (error is PostgresException)
            {
                throw DatabaseErrors.Translate(error, $"receipt {receipt}");
            }

            throw new EtlException(
                EtlErrorKind.Connection,
                "CommitLost",
                "The connection was lost at the commit, and the ledger shows that the commit did not take effect.",
                $"receipt {receipt}",
                "Nothing was changed; run the command again.",
                isTransient: true);
        }
    }

    private static Task<bool> WasCommittedAsync(EtlDatabase database, string transactionId, Guid receipt) => Transient.AskAsync(
        $"receipt {receipt}",
        async token =>
        {
            await using var connection = await database.OpenAsync(token).ConfigureAwait(false);

            // The commit may still be under way in a session that the server has not given up.
            while (await connection.QuerySingleAsync<bool>(new CommandDefinition(
                ReprocessSql.IsUnderWay, new { transactionId }, cancellationToken: token)).ConfigureAwait(false))
            {
                await Task.Delay(PollEvery, token).ConfigureAwait(false);
            }

            return await connection.QuerySingleAsync<bool>(new CommandDefinition(
                ReprocessSql.HasReceipt, new { receipt }, cancellationToken: token)).ConfigureAwait(false);
        },
        CancellationToken.None);
}
