using System.Diagnostics;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Copies tables of a MySQL or MariaDB source, and keeps the copies up with it.</summary>
public sealed class TableSyncEngine
{
    private readonly EtlDatabase _database;
    private readonly ISourceDatabase _source;
    private readonly TableSyncConfig _config;
    private readonly TableSyncSettings _settings;

    public TableSyncEngine(EtlDatabase database, SourceConnection source, TableSyncConfig config, TableSyncSettings settings)
        : this(database, new ClientDatabase(source), config, settings)
    {
    }

    internal TableSyncEngine(EtlDatabase database, ISourceDatabase source, TableSyncConfig config, TableSyncSettings settings)
    {
        _database = database;
        _source = source;
        _config = config;
        _settings = settings;
    }

    /// <summary>What a sync would do, table by table in its order. Source and copy are read, nothing is changed.</summary>
    /// <exception cref="EtlException">TableNotConfigured, TargetTableTaken, SchemaMissing, those of connecting.</exception>
    public async Task<IReadOnlyList<TableSyncStep>> PlanAsync(TableSyncOptions options, CancellationToken cancellationToken)
    {
        var (groups, catalogue) = await PrepareAsync(options, cancellationToken).ConfigureAwait(false);
        await using var connection = await _database.OpenAsync(cancellationToken).ConfigureAwait(false);
        var steps = new List<TableSyncStep>();
        foreach (var config in groups.SelectMany(group => group))
        {
            var step = new TableSyncStep
            {
                Order = steps.Count + 1,
                Name = config.Name,
                Source = _source.Connection.Name,
                Schema = _settings.Schema,
                Importance = config.Importance,
                Strategy = config.Strategy,
                Reason = "",
            };
            try
            {
                var table = Require(catalogue, config);
                var decision = await TableDecision.MakeAsync(
                    connection, _source.Connection, _settings, config, table, options.IsFull, cancellationToken).ConfigureAwait(false);
                step = step with
                {
                    Mode = decision.Mode,
                    Reason = decision.Reason,
                    SourceRows = table.EstimatedRows,
                    Megabytes = table.Bytes / 1048576.0,
                    Alteration = decision.Plan.Alterations,
                    Drift = [.. decision.Plan.Drift.Select(drift => drift.Description)],
                    BecomesText = decision.BecomesText,
                    Warning = decision.Warnings,
                    LocksWriters = decision.LocksWriters,
                };
            }
            catch (EtlException failure)
            {
                step = step with { Error = failure.Message, Failure = failure };
            }
            catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
            {
                throw DatabaseErrors.Translate(error, config.Name);
            }

            steps.Add(step);
        }

        return steps;
    }

    /// <summary>
    /// Syncs the tables that are meant. A table that fails keeps its old rows and does not stop the others; it is in the result
    /// with its failure.
    /// </summary>
    /// <exception cref="EtlException">TableNotConfigured, TargetTableTaken, MaxConcurrencyInvalid, SchemaMissing, SourceUnreachable, those of connecting.</exception>
    /// <exception cref="OperationCanceledException">Tables that were committed before stay synced.</exception>
    public async Task<IReadOnlyList<TableSync>> SyncAsync(
        TableSyncOptions options, IProgress<TableSyncProgress>? progress, CancellationToken cancellationToken)
    {
        if (options.TimeLimit <= TimeSpan.Zero)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "TimeLimitInvalid", "The time limit of a table is not positive.", "TimeLimit", "Give a duration such as 30m.");
        }

        if (options.MaxConcurrency < 1)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "MaxConcurrencyInvalid", "The number of tables at a time is not positive.", "MaxConcurrency", "Give 1 or more.");
        }

        var (groups, catalogue) = await PrepareOrNoteAsync(options, cancellationToken).ConfigureAwait(false);
        var names = groups.SelectMany(group => group).Select(table => table.Name).ToList();
        var run = await StartRunAsync(options, names, cancellationToken).ConfigureAwait(false);
        var tally = new SyncTally(names.Count, catalogue.Where(table => names.Contains(table.Key)).Sum(table => table.Value.Bytes), progress);
        var lanes = new Pool<SyncLane>(_ => Task.FromResult(new SyncLane(_database, _source)));
        try
        {
            foreach (var group in groups)
            {
                await Parallel.ForEachAsync(
                    group,
                    new ParallelOptions { MaxDegreeOfParallelism = options.MaxConcurrency, CancellationToken = cancellationToken },
                    async (config, token) => tally.Note(
                        await lanes.UseAsync(lane => SyncTableAsync(lane, run, config, catalogue, options, tally, token), token).ConfigureAwait(false),
                        catalogue.GetValueOrDefault(config.Name)?.Bytes ?? 0)).ConfigureAwait(false);
            }
        }
        finally
        {
            await lanes.DisposeAsync().ConfigureAwait(false);
            await FinishRunAsync(run).ConfigureAwait(false);
        }

        return tally.Done;
    }

    private async Task<(IReadOnlyList<IReadOnlyList<TableConfig>> Groups, IReadOnlyDictionary<string, SourceTable> Catalogue)> PrepareAsync(
        TableSyncOptions options, CancellationToken cancellationToken)
    {
        var selected = SyncOrder.Select(_config, options);
        List<string> names = [.. selected.Select(table => table.Name)];
        await SchemaGuard.RequireCurrentAsync(_database, cancellationToken).ConfigureAwait(false);
        await RequireOwnAsync(names, cancellationToken).ConfigureAwait(false);
        await using var session = await _source.OpenAsync(cancellationToken).ConfigureAwait(false);
        var catalogue = await SourceCatalogue.ReadByNameAsync(session, names, cancellationToken).ConfigureAwait(false);
        return (SyncOrder.Group(selected), catalogue);
    }

    /// <summary>Before anything is noted: a failure of the one source would be told of the other's tables.</summary>
    private Task<bool> RequireOwnAsync(List<string> names, CancellationToken cancellationToken) => Transient.AskAsync(
        _database,
        _settings.Schema,
        async (connection, token) =>
        {
            await TrackingStore.RequireOwnAsync(connection, _settings.Schema, _source.Connection.Name, names, token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>A source that cannot be read is a failure of each table that was to be synced: else nobody would hear of it but the caller.</summary>
    private async Task<(IReadOnlyList<IReadOnlyList<TableConfig>> Groups, IReadOnlyDictionary<string, SourceTable> Catalogue)> PrepareOrNoteAsync(
        TableSyncOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await PrepareAsync(options, cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException failure) when (failure.ErrorId.StartsWith("Source", StringComparison.Ordinal))
        {
            var tables = SyncOrder.Select(_config, options);
            var run = await StartRunAsync(options, [.. tables.Select(table => table.Name)], cancellationToken).ConfigureAwait(false);
            await using (var lane = new SyncLane(_database, _source))
            {
                foreach (var table in tables)
                {
                    await new TableWork(lane, _source, _settings, table, Begin(run, table)).FailAsync(failure).ConfigureAwait(false);
                }
            }

            await FinishRunAsync(run).ConfigureAwait(false);
            throw;
        }
    }

    private TableSync Begin(Guid run, TableConfig config) => new()
    {
        TableSyncRunId = run,
        Name = config.Name,
        Source = _source.Connection.Name,
        Schema = _settings.Schema,
        Importance = config.Importance,
        Strategy = config.Strategy,
        StartedAt = DateTimeOffset.UtcNow,
    };

    private SourceTable Require(IReadOnlyDictionary<string, SourceTable> catalogue, TableConfig config) =>
        catalogue.GetValueOrDefault(config.Name) ?? throw SourceErrors.TableMissing(_source.Connection, config);

    private async Task<TableSync> SyncTableAsync(
        SyncLane lane,
        Guid run,
        TableConfig config,
        IReadOnlyDictionary<string, SourceTable> catalogue,
        TableSyncOptions options,
        SyncTally tally,
        CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var sync = Begin(run, config);
        tally.Begin(config.Name);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timeLimit = options.TimeLimit ?? config.Monitoring.TimeLimit;
        if (timeLimit is { } time)
        {
            limit.CancelAfter(time);
        }

        TableWork? work = null;
        try
        {
            return await Transient.Retry.ExecuteAsync(
                async _ =>
                {
                    work = new TableWork(lane, _source, _settings, config, sync);
                    return await AttemptAsync(work).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException failure)
        {
            return sync with
            {
                TableSyncId = work?.TableSyncId,
                Mode = work?.Mode ?? sync.Mode,
                Status = TableSyncStatus.Failed,
                Duration = clock.Elapsed,
                ErrorCode = failure.ErrorId,
                Error = failure.Message,
                Failure = failure,
            };
        }

        // A failure is noted before it is tried again.
        async Task<TableSync> AttemptAsync(TableWork attempt)
        {
            try
            {
                return await attempt.RunAsync(Require(catalogue, config), options.IsFull, tally.Add, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await attempt.FailAsync(new EtlException(
                    EtlErrorKind.Resource, "SyncCancelled", "The sync was stopped.", config.Name, "Run the command again.")).ConfigureAwait(false);
                throw;
            }
            catch (Exception error)
            {
                var failure = Translate(error, config, timeLimit);
                await attempt.FailAsync(failure).ConfigureAwait(false);
                throw failure;
            }
        }
    }

    private static EtlException Translate(Exception error, TableConfig config, TimeSpan? limit) => error switch
    {
        EtlException known => known,
        OperationCanceledException => new EtlException(
            EtlErrorKind.Resource,
            "TableTimeLimit",
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{config.Name} took longer than its time limit of {limit?.TotalMinutes:0.##} minutes, and was ended."),
            config.Name,
            "What was committed by ranges of the key stays; otherwise the copy is as it was. Raise max_extraction_time_minutes, or sync it by ranges (incremental_chunked)."),
        _ when DatabaseErrors.IsDatabaseError(error) => DatabaseErrors.Translate(error, config.Name),
        IOException => new EtlException(
            EtlErrorKind.Connection, "ConnectionLost", "A connection was lost.", config.Name, "Run the command again.", isTransient: true, inner: error),
        _ => throw new InvalidOperationException($"Unexpected while {config.Name} was synced.", error),
    };

    private async Task<Guid> StartRunAsync(TableSyncOptions options, List<string> names, CancellationToken cancellationToken)
    {
        return await Transient.AskAsync(
            _database,
            _settings.Schema,
            async (connection, token) =>
            {
                await TrackingStore.EnsureRecordsAsync(connection, _settings.Schema, _source.Connection.Name, _config, token).ConfigureAwait(false);
                return await TrackingStore.StartRunAsync(connection, "sync", _source.Connection.Name, options.Reason, names.Count, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task FinishRunAsync(Guid run)
    {
        using var patience = new CancellationTokenSource(_database.Patience.Failure);
        try
        {
            await using var connection = await _database.OpenAsync(patience.Token).ConfigureAwait(false);
            await TrackingStore.FinishRunAsync(connection, run, patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is EtlException or OperationCanceledException || DatabaseErrors.IsDatabaseError(error))
        {
            // The database is gone; that the run ended is seen by its tables.
        }
    }
}
