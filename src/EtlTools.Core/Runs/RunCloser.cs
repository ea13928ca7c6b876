using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>Ends runs from outside. Nobody closes a run that lives: who closes it holds its lease while doing so.</summary>
internal sealed class RunCloser(EtlDatabase database)
{
    /// <summary>Also how the message is told from one that an earlier system wrote.</summary>
    public const string OwnerDied = "The run that was loading this file ended without closing it.";

    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks a live run to stop and waits for it; closes a dead one, or one that never gave a sign of life.</summary>
    public async Task StopAsync(Guid loadRunId, string reason, TimeSpan wait, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var run = await FindAsync(connection, loadRunId, cancellationToken).ConfigureAwait(false) ?? throw LedgerErrors.RunNotFound([loadRunId]);
            if (run.Status != "running")
            {
                throw NotRunning(loadRunId, run.Status);
            }

            var sign = run.LeaseKey is null ? "It gave no sign of life" : "Its session was gone";
            var closing = new Closing($"{sign}, and Stop-LoadRun closed it: {reason}", $"closed the run: {reason}", Wait: true);
            if (await CloseIfDeadAsync(connection, loadRunId, closing, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            await ExecuteAsync(
                connection, RunClosingSql.AskToStop, new { id = loadRunId, note = $"asked the run to stop: {reason}" }, cancellationToken).ConfigureAwait(false);
            await WaitForEndAsync(connection, loadRunId, closing, wait, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, $"run {loadRunId}");
        }
    }

    /// <summary>What <see cref="StopAsync"/> would do now. Changes nothing.</summary>
    public async Task<LoadRunStopPlan> PreviewStopAsync(Guid loadRunId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The lease is let go with the transaction, which writes nothing.
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var run = await FindAsync(connection, loadRunId, cancellationToken).ConfigureAwait(false) ?? throw LedgerErrors.RunNotFound([loadRunId]);
            if (run.Status != "running")
            {
                throw NotRunning(loadRunId, run.Status);
            }

            var (completed, unfinished) = await connection.QuerySingleAsync<(int Completed, int Unfinished)>(new CommandDefinition(
                RunClosingSql.CountFiles, new { id = loadRunId }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            return new LoadRunStopPlan
            {
                LoadRunId = loadRunId,
                Action = await LeaseIsFreeAsync(connection, run.LeaseKey, cancellationToken).ConfigureAwait(false) ? StopAction.Close : StopAction.Cancel,
                FilesCompleted = completed,
                FilesUnfinished = unfinished,
            };
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, $"run {loadRunId}");
        }
    }

    /// <summary>Closes every run that is proven dead. One that somebody else is closing at the moment is left to them.</summary>
    public async Task<IReadOnlyList<Guid>> CloseDeadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var closing = new Closing("Its session ended without closing the run.", Note: null, Wait: false);
            var closed = new List<Guid>();
            foreach (var run in (await RunLiveness.ReadAsync(connection, cancellationToken).ConfigureAwait(false)).Dead)
            {
                if (await CloseIfDeadAsync(connection, run, closing, cancellationToken).ConfigureAwait(false))
                {
                    closed.Add(run);
                }
            }

            return closed;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private static async Task WaitForEndAsync(
        NpgsqlConnection connection, Guid loadRunId, Closing closing, TimeSpan wait, CancellationToken cancellationToken)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var run = await FindAsync(connection, loadRunId, cancellationToken).ConfigureAwait(false);
            if (run?.Status != "running"
                || await CloseIfDeadAsync(connection, loadRunId, closing, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(deadline) >= wait)
            {
                throw await DoesNotStopAsync(connection, loadRunId, wait, cancellationToken).ConfigureAwait(false);
            }

            await Task.Delay(PollEvery, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One transaction, in which the run's lease is held: a run that lives does not let it go, and one that comes back to
    /// take it waits, and then finds itself closed.</summary>
    private static async Task<bool> CloseIfDeadAsync(
        NpgsqlConnection connection, Guid loadRunId, Closing closing, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        var run = await connection.QuerySingleOrDefaultAsync<Entry>(new CommandDefinition(
            closing.Wait ? RunClosingSql.Lock : RunClosingSql.LockUnlessBusy,
            new { id = loadRunId },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (run?.Status != "running" || !await LeaseIsFreeAsync(connection, run.LeaseKey, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        var parameters = new { id = loadRunId, ownerDied = OwnerDied, error = closing.Error, note = closing.Note };
        await ExecuteAsync(connection, RunClosingSql.CloseFiles, parameters, cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, RunClosingSql.CloseStaging, parameters, cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, RunClosingSql.CloseRun, parameters, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("close-dead.before-commit");
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static async Task<bool> LeaseIsFreeAsync(NpgsqlConnection connection, long? leaseKey, CancellationToken cancellationToken) =>
        leaseKey is null
        || await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            RunClosingSql.TakeLease, new { leaseKey }, cancellationToken: cancellationToken)).ConfigureAwait(false);

    private static Task<Entry?> FindAsync(NpgsqlConnection connection, Guid loadRunId, CancellationToken cancellationToken) =>
        connection.QuerySingleOrDefaultAsync<Entry>(new CommandDefinition(
            RunClosingSql.Find, new { id = loadRunId }, cancellationToken: cancellationToken));

    private static Task ExecuteAsync(NpgsqlConnection connection, string sql, object parameters, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));

    private static EtlException NotRunning(Guid loadRunId, string status) => new(
        EtlErrorKind.Conflict,
        "LoadRunNotRunning",
        $"The run {loadRunId} is not running: it is {(Enum.TryParse<LoadRunStatus>(status, ignoreCase: true, out _) ? status : "closed")}.",
        loadRunId.ToString(),
        "Nothing is to be done; Get-LoadRun shows how it ended.");

    private static async Task<EtlException> DoesNotStopAsync(
        NpgsqlConnection connection, Guid loadRunId, TimeSpan wait, CancellationToken cancellationToken)
    {
        var holder = await connection.QueryFirstOrDefaultAsync<int?>(new CommandDefinition(
            RunClosingSql.LeaseHolder, new { id = loadRunId }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return new EtlException(
            EtlErrorKind.Busy,
            "LoadRunDoesNotStop",
            $"The run {loadRunId} has not ended within {wait.TotalSeconds:0.#} s. It is alive, and has been asked to stop.",
            loadRunId.ToString(),
            holder is null
                ? "Look again with Get-LoadRun; the request stays."
                : $"Look again with Get-LoadRun; the request stays. To end it by force, SELECT pg_terminate_backend({holder}), then Stop-LoadRun again.",
            isTransient: true);
    }

    /// <param name="Error">For the run's error.</param>
    /// <param name="Note">Added to its notes; null: nothing.</param>
    /// <param name="Wait">Whether to wait for somebody else who changes the entry at the moment.</param>
    private sealed record Closing(string Error, string? Note, bool Wait);

    private sealed record Entry
    {
        public string Status { get; init; } = "";
        public long? LeaseKey { get; init; }
    }
}
