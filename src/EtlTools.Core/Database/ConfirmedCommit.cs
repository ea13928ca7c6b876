using System.Diagnostics;
using Dapper;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>Commits; where the answer to COMMIT is lost, finds out how it ended.</summary>
internal static class ConfirmedCommit
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns once the transaction is known to be committed.</summary>
    /// <param name="database">To ask, on another connection.</param>
    /// <param name="transaction">Has written something.</param>
    /// <param name="target">What an error is about.</param>
    /// <param name="sign">By what somebody sees later that it was committed: a sentence.</param>
    /// <param name="isRecorded">Whether the database has what the transaction wrote. Asked when the transaction has ended.</param>
    /// <param name="cancellationToken">Ends the asking, not the COMMIT.</param>
    /// <exception cref="EtlException">CommitLost, or the server's own refusal: nothing was changed. CommitUnknown: nobody knows.</exception>
    public static async Task CommitAsync(
        EtlDatabase database,
        NpgsqlTransaction transaction,
        string target,
        string sign,
        Func<NpgsqlConnection, CancellationToken, Task<bool>> isRecorded,
        CancellationToken cancellationToken)
    {
        var transactionId = await transaction.Connection!.QuerySingleAsync<string>(ConnectionSql.TransactionId).ConfigureAwait(false);
        try
        {
            // Not the caller's token: past this point the work is in or out, whatever the caller wants now.
            using var patience = new CancellationTokenSource(database.Patience.Commit);
            await transaction.CommitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception lost) when (lost is OperationCanceledException || DatabaseErrors.IsDatabaseError(lost))
        {
            if (await WasCommittedAsync(database, transactionId, target, sign, isRecorded, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            throw lost is PostgresException ? DatabaseErrors.Translate(lost, target) : Lost(target);
        }
    }

    private static async Task<bool> WasCommittedAsync(
        EtlDatabase database,
        string transactionId,
        string target,
        string sign,
        Func<NpgsqlConnection, CancellationToken, Task<bool>> isRecorded,
        CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(database.Patience.Outcome);
        try
        {
            while (true)
            {
                try
                {
                    await using var connection = await database.OpenAsync(patience.Token).ConfigureAwait(false);
                    await WaitForEndAsync(connection, transactionId, clock, database.Patience.LostSession, patience.Token).ConfigureAwait(false);
                    return await isRecorded(connection, patience.Token).ConfigureAwait(false);
                }
                catch (Exception passing) when (passing is EtlException { IsTransient: true } || DatabaseErrors.IsDatabaseError(passing))
                {
                    // The server may be starting again.
                    await Task.Delay(10 * PollEvery, patience.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or EtlException)
        {
            throw Unknown(target, sign);
        }
    }

    /// <summary>
    /// The transaction may still be open in a session that the server has not given up: the network between is gone, and only
    /// we know it. Its locks would stay for as long as the server believes in it, so it is ended.
    /// </summary>
    private static async Task WaitForEndAsync(
        NpgsqlConnection connection, string transactionId, Stopwatch clock, TimeSpan limit, CancellationToken cancellationToken)
    {
        while (await connection.QueryFirstOrDefaultAsync<int?>(new CommandDefinition(
            ConnectionSql.TransactionHolder, new { transactionId }, cancellationToken: cancellationToken)).ConfigureAwait(false) is { } session)
        {
            if (clock.Elapsed > limit)
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    ConnectionSql.EndSession, new { session }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            }

            await Task.Delay(PollEvery, cancellationToken).ConfigureAwait(false);
        }
    }

    private static EtlException Lost(string target) => new(
        EtlErrorKind.Connection,
        "CommitLost",
        "The connection was lost at the commit, and the ledger shows that the commit did not take effect.",
        target,
        "Nothing was changed; run the command again.",
        isTransient: true);

    private static EtlException Unknown(string target, string sign) => new(
        EtlErrorKind.Connection,
        "CommitUnknown",
        "The connection was lost at the commit, and the database has not told since whether the commit took effect. Either all of it did or nothing.",
        target,
        $"{sign} Then nothing is left to do; otherwise run the command again.");
}
