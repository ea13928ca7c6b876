using System.Security.Cryptography;
using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>What a run is opened with.</summary>
internal sealed record RunStart
{
    public required LoadRunKind Kind { get; init; }
    public required string Pipeline { get; init; }
    public string TriggeredBy { get; init; } = "manual";
    public string? Reason { get; init; }
    public Guid? ParentRunId { get; init; }
}

/// <summary>
/// A run while it works. It proves that it lives by an advisory lock on a session of its own: whoever finds the lock free
/// knows that the run is dead, however young it is. A heartbeat on the same session shows the time, and hears a request to stop.
/// </summary>
internal sealed class RunSession : IAsyncDisposable
{
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(1);

    private readonly EtlDatabase _database;
    private readonly long _leaseKey;
    private readonly CancellationTokenSource _stopping;
    private readonly CancellationTokenSource _heartbeatEnd = new();
    private NpgsqlConnection _lease;
    private int _leaseSession;
    private Task _heartbeat = Task.CompletedTask;

    /// <summary>Or tried to: where that failed, the run will be found dead.</summary>
    private bool _closed;

    private RunSession(EtlDatabase database, Guid loadRunId, long leaseKey, NpgsqlConnection lease, CancellationToken cancellationToken)
    {
        _database = database;
        LoadRunId = loadRunId;
        _leaseKey = leaseKey;
        _lease = lease;
        _leaseSession = lease.ProcessID;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    public Guid LoadRunId { get; }

    /// <summary>Cancelled by the caller, by Stop-LoadRun, or when the lease is lost for good.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Somebody asked for the run to end.</summary>
    public bool StopRequested { get; private set; }

    public bool LeaseLost { get; private set; }

    public static async Task<RunSession> StartAsync(EtlDatabase database, RunStart start, CancellationToken cancellationToken)
    {
        var lease = await database.OpenUnpooledAsync(cancellationToken).ConfigureAwait(false);
        var started = false;
        try
        {
            var leaseKey = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)) & long.MaxValue;
            await lease.ExecuteAsync(new CommandDefinition(
                RunSql.TakeLease, new { leaseKey }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            var loadRunId = await InsertAsync(lease, start, leaseKey, cancellationToken).ConfigureAwait(false);
            var session = new RunSession(database, loadRunId, leaseKey, lease, cancellationToken);
            session._heartbeat = session.BeatAsync();
            started = true;
            return session;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
        finally
        {
            if (!started)
            {
                await lease.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>The run's ledger entry, without a lease: what a preview, which is rolled back, works under.</summary>
    public static Task<Guid> InsertAsync(NpgsqlConnection connection, RunStart start, long? leaseKey, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<Guid>(new CommandDefinition(
            RunSql.InsertRun,
            new
            {
                kind = start.Kind.ToString().ToLowerInvariant(),
                start.Pipeline,
                start.TriggeredBy,
                start.Reason,
                start.ParentRunId,
                leaseKey,
            },
            cancellationToken: cancellationToken));

    /// <summary>
    /// Ends the run with totals summed from its files. Completed becomes failed where a file of it failed, so a run that
    /// says completed is whole.
    /// </summary>
    public async Task<LoadRunStatus> CloseAsync(LoadRunStatus status, string? errorCode = null, string? error = null)
    {
        await StopHeartbeatAsync().ConfigureAwait(false);

        // Not the caller's token: a cancelled run still has to be closed.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        _closed = true;
        CrashPoint.Pass("run.before-close");
        var final = await Transient.AskAsync(
            _database,
            $"run {LoadRunId}",
            (connection, token) => connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
                RunSql.CloseRun,
                new { id = LoadRunId, status = status.ToString().ToLowerInvariant(), errorCode, error },
                cancellationToken: token)),
            patience.Token).ConfigureAwait(false);
        CrashPoint.Pass("run.after-close");

        // No row: somebody took the run for dead and closed it already, or the answer to the first closing was lost.
        return final is null ? LoadRunStatus.Failed : Enum.Parse<LoadRunStatus>(final, ignoreCase: true);
    }

    /// <summary>Closes a run whose <see cref="Stopping"/> was not the caller's doing; throws where its lease was lost.</summary>
    /// <exception cref="EtlException">RunLeaseLost.</exception>
    public async Task CloseStoppedAsync()
    {
        if (!LeaseLost)
        {
            await CloseAsync(LoadRunStatus.Cancelled, "StopRequested", "Ended by Stop-LoadRun.").ConfigureAwait(false);
            return;
        }

        var lost = new EtlException(
            EtlErrorKind.Connection,
            "RunLeaseLost",
            "The run lost the session that proves it alive, and was ended so that nobody works beside it.",
            LoadRunId.ToString(),
            "Look at the database server's log, then run the command again.");
        await CloseAsync(LoadRunStatus.Failed, lost.ErrorId, lost.Message).ConfigureAwait(false);
        throw lost;
    }

    public async ValueTask DisposeAsync()
    {
        await StopHeartbeatAsync().ConfigureAwait(false);
        if (!_closed)
        {
            try
            {
                await CloseAsync(
                    LoadRunStatus.Failed, "RunAborted", "The run ended on an error before it was closed.").ConfigureAwait(false);
            }
            catch (Exception error) when (error is EtlException or OperationCanceledException || DatabaseErrors.IsDatabaseError(error))
            {
                // The database is gone; the lease goes with this session, and the run will be found dead.
            }
        }

        await _lease.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
        _heartbeatEnd.Dispose();
    }

    private async Task StopHeartbeatAsync()
    {
        if (!_heartbeatEnd.IsCancellationRequested)
        {
            await _heartbeatEnd.CancelAsync().ConfigureAwait(false);
        }

        await _heartbeat.ConfigureAwait(false);
    }

    private async Task BeatAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(HeartbeatEvery, _heartbeatEnd.Token).ConfigureAwait(false);
                if (!await BeatOnceAsync().ConfigureAwait(false))
                {
                    await _stopping.CancelAsync().ConfigureAwait(false);
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>False: the run has to end.</summary>
    private async Task<bool> BeatOnceAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var beat = await _lease.QuerySingleAsync<(bool Running, bool Stop)>(new CommandDefinition(
                    RunSql.Heartbeat,
                    new { id = LoadRunId },
                    commandTimeout: (int)_database.Patience.Heartbeat.TotalSeconds,
                    cancellationToken: _heartbeatEnd.Token)).ConfigureAwait(false);
                StopRequested = beat.Stop;
                LeaseLost = !beat.Running;
                return beat.Running && !beat.Stop;
            }
            catch (Exception error) when (IsLoss(error) && attempt <= 5)
            {
                // The session is gone and the lock with it. Take it again, unless somebody has taken the run for dead.
                await RenewLeaseAsync(attempt).ConfigureAwait(false);
            }
            catch (Exception error) when (IsLoss(error))
            {
                LeaseLost = true;
                return false;
            }
        }
    }

    // A connection that could not be renewed is disposed of, and says so when it is used.
    private static bool IsLoss(Exception error) => error is NpgsqlException or InvalidOperationException;

    private async Task RenewLeaseAsync(int attempt)
    {
        await _lease.DisposeAsync().ConfigureAwait(false);
        await Task.Delay(TimeSpan.FromMilliseconds(200 * attempt), _heartbeatEnd.Token).ConfigureAwait(false);
        try
        {
            _lease = await _database.OpenUnpooledAsync(_heartbeatEnd.Token).ConfigureAwait(false);

            // Where the network between is gone, the server may hold the lock for the old session yet.
            await _lease.ExecuteAsync(new CommandDefinition(
                RunSql.EndLostLease,
                new { leaseKey = _leaseKey, session = _leaseSession },
                cancellationToken: _heartbeatEnd.Token)).ConfigureAwait(false);
            _leaseSession = _lease.ProcessID;
            await _lease.ExecuteAsync(new CommandDefinition(
                RunSql.TakeLease, new { leaseKey = _leaseKey }, cancellationToken: _heartbeatEnd.Token)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is EtlException || DatabaseErrors.IsDatabaseError(error))
        {
            // The next beat fails, and tries again until its patience ends.
        }
    }
}
