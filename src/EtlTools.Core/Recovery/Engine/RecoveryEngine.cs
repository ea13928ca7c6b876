using System.Diagnostics;
using System.Threading.Channels;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Report;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Reprocessing;
using Npgsql;

namespace EtlTools.Core.Recovery.Engine;

/// <summary>Brings metrics that are in stored payloads and not in their tables into the tables.</summary>
public sealed class RecoveryEngine(EtlDatabase database, MetricMap map)
{
    /// <summary>
    /// The real work on one ingestion after another of a user in one transaction, rolled back: each sees what the ones before it
    /// wrote, so the totals are those of the run. Meanwhile these ingestions are locked, and other recoveries of the user wait.
    /// </summary>
    /// <exception cref="EtlException">As <see cref="ExecuteAsync"/>.</exception>
    public async Task<DataRecoveryReport> PreviewAsync(
        RecoveryOptions options, IProgress<RecoveryProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var startedAt = DateTimeOffset.UtcNow;
        Require(options);
        await using var session = await RecoverySession.OpenAsync(database, map, options, cancellationToken).ConfigureAwait(false);
        try
        {
            var tally = await StartAsync(session, progress, cancellationToken).ConfigureAwait(false);
            await PreviewAllAsync(session, tally, cancellationToken).ConfigureAwait(false);
            return DataRecoveryReport.Of(tally.Records, tally.Total) with
            {
                IsPreview = true,
                StartedAt = startedAt,
                Duration = clock.Elapsed,
                Reason = options.Reason,
            };
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>Each ingestion is a transaction of its own: it is recovered, or nothing of it is written.</summary>
    /// <exception cref="EtlException">SchemaMissing, IngestionTableMissing, IngestionTableAmbiguous, IngestionNotFound, IngestionUserNotFound,
    /// StatusUnknown, LegacyStatusFixed, ReasonEmpty, BatchSizeInvalid, MaxConcurrencyInvalid, ChunkSizeTooLarge, EnvironmentInvalid, those of connecting.</exception>
    /// <exception cref="OperationCanceledException">Ingestions committed before stay recovered.</exception>
    public async Task<DataRecoveryReport> ExecuteAsync(
        RecoveryOptions options, IProgress<RecoveryProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var startedAt = DateTimeOffset.UtcNow;
        Require(options);
        await using var session = await RecoverySession.OpenAsync(database, map, options, cancellationToken).ConfigureAwait(false);
        var run = Guid.NewGuid();
        var tally = await StartAsync(session, progress, cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var queue = Channel.CreateBounded<IngestionRef>(options.BatchSize);
        var workers = Enumerable.Range(0, options.MaxConcurrency)
            .Select(_ => Task.Run(() => WorkAsync(session, queue.Reader, run, tally, stop), CancellationToken.None))
            .ToList();
        await FillAsync(session, queue.Writer, stop).ConfigureAwait(false);
        await Task.WhenAll(workers).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return DataRecoveryReport.Of(tally.Records, tally.Total) with
        {
            RecoveryRunId = run,
            StartedAt = startedAt,
            Duration = clock.Elapsed,
            Reason = options.Reason,
        };
    }

    private static void Require(RecoveryOptions options)
    {
        if (options.BatchSize < 1)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "BatchSizeInvalid", "The batch size is not positive.", "BatchSize", "Give 1 or more.");
        }

        if (options.MaxConcurrency < 1)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "MaxConcurrencyInvalid", "The number of ingestions at a time is not positive.", "MaxConcurrency", "Give 1 or more.");
        }

        if (options.Reason is not null)
        {
            Reasons.Require(options.Reason);
        }

        if (options is { IsLegacy: true, Status.Count: > 0 })
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "LegacyStatusFixed",
                "The simple reprocessor takes ingestions with status error and a recorded parameter-limit error; another status cannot be asked for.",
                "Status",
                "Leave out -Status, or -Legacy.");
        }
    }

    /// <summary>
    /// A user's ingestions in one transaction, for their metrics may be the same, and those of several users side by side.
    /// </summary>
    private async Task PreviewAllAsync(RecoverySession session, Tally tally, CancellationToken cancellationToken)
    {
        var ingestions = await ListAsync(session, cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
        await Parallel.ForEachAsync(
            ingestions.GroupBy(ingestion => ingestion.UserId),
            new ParallelOptions { MaxDegreeOfParallelism = session.Options.MaxConcurrency, CancellationToken = cancellationToken },
            async (ofUser, token) => await session.Lanes.UseAsync(
                lane => PreviewUserAsync(session, lane, ofUser, tally, token), token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task<bool> PreviewUserAsync(
        RecoverySession session, Lane lane, IEnumerable<IngestionRef> ingestions, Tally tally, CancellationToken cancellationToken)
    {
        await using var transaction = await lane.Working.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        foreach (var ingestion in ingestions)
        {
            tally.Note(await PreviewOneAsync(session, lane, ingestion, cancellationToken).ConfigureAwait(false), ingestion.PayloadBytes);
        }

        await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
        lane.Stage.ForgetTables();
        return true;
    }

    private static IngestionPager Pager(RecoverySession session) =>
        new(session.Ingestions, session.Filter, newestFirst: false, session.Options.BatchSize);

    private async Task<Tally> StartAsync(
        RecoverySession session, IProgress<RecoveryProgress>? progress, CancellationToken cancellationToken)
    {
        var total = await Transient.AskAsync(database, session.Ingestions.Name, Pager(session).CountAsync, cancellationToken).ConfigureAwait(false);
        return new Tally(total, progress);
    }

    private async IAsyncEnumerable<IngestionRef> ListAsync(
        RecoverySession session, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pager = Pager(session);
        while (await Transient.AskAsync(database, session.Ingestions.Name, pager.NextAsync, cancellationToken).ConfigureAwait(false) is { Count: > 0 } page)
        {
            foreach (var ingestion in page)
            {
                yield return ingestion;
            }
        }
    }

    private async Task FillAsync(RecoverySession session, ChannelWriter<IngestionRef> queue, CancellationTokenSource stop)
    {
        Exception? fault = null;
        try
        {
            await foreach (var ingestion in ListAsync(session, stop.Token).ConfigureAwait(false))
            {
                await queue.WriteAsync(ingestion, stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (EtlException error)
        {
            fault = error;
        }
        finally
        {
            queue.Complete(fault);
        }
    }

    /// <summary>Takes ingestions until there are no more; what concerns all of them ends all workers.</summary>
    private async Task WorkAsync(
        RecoverySession session, ChannelReader<IngestionRef> queue, Guid run, Tally tally, CancellationTokenSource stop)
    {
        try
        {
            await foreach (var ingestion in queue.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                tally.Note(await RecoverAsync(session, ingestion, run, stop.Token).ConfigureAwait(false), ingestion.PayloadBytes);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ctrl+C, or another worker met what concerns all; that one reports it.
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<DataRecovery> RecoverAsync(
        RecoverySession session, IngestionRef ingestion, Guid run, CancellationToken cancellationToken)
    {
        try
        {
            return await Transient.AskAsync(
                $"ingestion {ingestion.Id}", token => RecoverOnceAsync(session, ingestion.Id, run, token), cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException failure) when (!ConcernsAll(failure.Kind))
        {
            return await FailAsync(session, ingestion, run, failure, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Keeps that it failed; where the database does not even take that, it is only told.</summary>
    private async Task<DataRecovery> FailAsync(
        RecoverySession session, IngestionRef ingestion, Guid run, EtlException failure, CancellationToken cancellationToken)
    {
        try
        {
            return await Transient.AskAsync(
                $"ingestion {ingestion.Id}",
                token => RecordFailureAsync(session, ingestion.Id, run, failure, token),
                cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException passing) when (passing.IsTransient && !ConcernsAll(passing.Kind))
        {
            return Failed(ingestion, failure);
        }
    }

    private static DataRecovery Failed(IngestionRef ingestion, EtlException failure) => new()
    {
        RawIngestionId = ingestion.Id,
        UserId = ingestion.UserId,
        Outcome = RecoveryOutcome.Failed,
        Cause = ingestion.RecordedCause ?? LossCause.None,
        OriginalStatus = ingestion.Status,
        Status = ingestion.Status,
        PayloadBytes = ingestion.PayloadBytes,
        ErrorCode = failure.ErrorId,
        Error = failure.Message,
    };

    private Task<DataRecovery> RecoverOnceAsync(RecoverySession session, Guid id, Guid run, CancellationToken cancellationToken) =>
        session.Lanes.UseAsync(
            async lane =>
            {
                var transaction = await lane.Working.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                await using var ending = transaction.ConfigureAwait(false);
                var recovery = await new IngestionRecovery(session, lane, run).RunAsync(id, cancellationToken).ConfigureAwait(false);
                CrashPoint.Pass("recovery.before-commit");
                cancellationToken.ThrowIfCancellationRequested();
                await CommitAsync(transaction, recovery, cancellationToken).ConfigureAwait(false);
                CrashPoint.Pass("recovery.after-commit");
                return recovery;
            },
            cancellationToken);

    private Task CommitAsync(NpgsqlTransaction transaction, DataRecovery recovery, CancellationToken cancellationToken) =>
        recovery.DataRecoveryId is { } id
            ? ConfirmedCommit.CommitAsync(
                database,
                transaction,
                $"ingestion {recovery.RawIngestionId}",
                $"Once the database answers, etl.data_recoveries has a row {id} where it did.",
                (connection, token) => connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                    RecoverySql.IsRecorded, new { id }, cancellationToken: token)),
                cancellationToken)

            // It was skipped: there is no outcome to lose.
            : transaction.CommitAsync(cancellationToken);

    private Task<DataRecovery> RecordFailureAsync(
        RecoverySession session, Guid id, Guid run, EtlException failure, CancellationToken cancellationToken) =>
        session.Lanes.UseAsync(
            async lane =>
            {
                await using var transaction = await lane.Working.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                var recovery = await new IngestionRecovery(session, lane, run).RecordFailureAsync(id, failure, cancellationToken).ConfigureAwait(false);
                CrashPoint.Pass("recovery.before-fail-commit");
                await CommitAsync(transaction, recovery, cancellationToken).ConfigureAwait(false);
                return recovery;
            },
            cancellationToken);

    /// <summary>One ingestion of a preview: what fails is undone by itself, and the next one goes on from what the others wrote.</summary>
    private static async Task<DataRecovery> PreviewOneAsync(
        RecoverySession session, Lane lane, IngestionRef ingestion, CancellationToken cancellationToken)
    {
        const string savepoint = "etl_ingestion";
        await lane.Working.ExecuteAsync(new CommandDefinition($"SAVEPOINT {savepoint}", cancellationToken: cancellationToken)).ConfigureAwait(false);
        try
        {
            var recovery = await new IngestionRecovery(session, lane, Guid.Empty).RunAsync(ingestion.Id, cancellationToken).ConfigureAwait(false);
            await lane.Stage.EmptyAsync(cancellationToken).ConfigureAwait(false);
            await lane.Working.ExecuteAsync(new CommandDefinition($"RELEASE SAVEPOINT {savepoint}", cancellationToken: cancellationToken)).ConfigureAwait(false);
            return recovery with { DataRecoveryId = null };
        }
        catch (Exception error) when (error is PostgresException or EtlException)
        {
            var failure = error as EtlException ?? DatabaseErrors.Translate(error, $"ingestion {ingestion.Id}");
            if (ConcernsAll(failure.Kind))
            {
                throw failure;
            }

            await lane.Working.ExecuteAsync(new CommandDefinition(
                $"ROLLBACK TO SAVEPOINT {savepoint}", cancellationToken: cancellationToken)).ConfigureAwait(false);
            lane.Stage.ForgetTables();
            return Failed(ingestion, failure);
        }
    }

    // It would fail for every other ingestion too, and says nothing about this one.
    private static bool ConcernsAll(EtlErrorKind kind) =>
        kind is EtlErrorKind.Connection or EtlErrorKind.Permission or EtlErrorKind.Configuration or EtlErrorKind.Schema or EtlErrorKind.Resource;

    /// <summary>What is done, in the order in which it was.</summary>
    private sealed class Tally((long Count, long Bytes) total, IProgress<RecoveryProgress>? progress)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private readonly Lock _lock = new();
        private readonly List<DataRecovery> _records = [];
        private long _bytes;
        private long _metrics;
        private long _failed;

        public IReadOnlyList<DataRecovery> Records => _records;

        public long Total => total.Count;

        public void Note(DataRecovery record, long bytes)
        {
            lock (_lock)
            {
                _records.Add(record);
                _bytes += bytes;
                _metrics += record.Recovered;
                _failed += record.Outcome is RecoveryOutcome.Failed or RecoveryOutcome.Unrecoverable ? 1 : 0;
                var seconds = Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
                progress?.Report(new RecoveryProgress
                {
                    RecordsDone = _records.Count,
                    RecordsTotal = total.Count,
                    RecordsFailed = _failed,
                    MetricsRecovered = _metrics,
                    MetricsPerSecond = _metrics / seconds,
                    BytesDone = _bytes,
                    BytesTotal = total.Bytes,
                    TimeLeft = Pace.TimeLeft(seconds, _bytes, total.Bytes),
                    FinishedRecord = record,
                });
            }
        }
    }
}
