using System.Diagnostics;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.History;

/// <summary>What to undo.</summary>
public sealed record TableUndoTarget
{
    /// <summary>Each table goes back to before the sync, and to before all that came after it.</summary>
    public IReadOnlyList<long> TableSyncIds { get; init; } = [];

    /// <summary>All tables of these runs.</summary>
    public IReadOnlyList<Guid> TableSyncRunIds { get; init; } = [];

    /// <summary>Also audit tables, which otherwise lose no row.</summary>
    public bool IncludesAudit { get; init; }
}

/// <summary>
/// Returns copies to what they were before a sync: rows and watermarks. The next sync reads again what was taken back: from the
/// watermark, or in full where a full sync went.
/// An undo is a sync too, with its own history, and can be undone.
/// </summary>
public sealed class TableUndoEngine(EtlDatabase database, TableSyncSettings settings)
{
    /// <summary>The syncs that would be taken back, table by table, the oldest of each first.</summary>
    /// <exception cref="EtlException">TableSyncNotFound, TableSyncUndone, TableSyncEmpty, TableHistoryGone, AuditTableKept.</exception>
    public async Task<IReadOnlyList<UndoneTableSync>> FindAsync(TableUndoTarget target, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var found = new List<UndoneTableSync>();
            foreach (var first in await FindFirstAsync(connection, target, cancellationToken).ConfigureAwait(false))
            {
                found.AddRange(await FindUndoneAsync(connection, first, cancellationToken).ConfigureAwait(false));
            }

            return found;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>The real work on each table, rolled back.</summary>
    /// <exception cref="EtlException">As <see cref="ExecuteAsync"/>.</exception>
    public Task<IReadOnlyList<TableSync>> PreviewAsync(TableUndoTarget target, CancellationToken cancellationToken) =>
        RunAsync(target, null, isPreview: true, cancellationToken);

    /// <summary>All tables in one transaction, or none.</summary>
    /// <exception cref="EtlException">TableSyncNotFound, TableSyncUndone, TableSyncEmpty, TableHistoryGone, AuditTableKept, TableBusy.</exception>
    public Task<IReadOnlyList<TableSync>> ExecuteAsync(TableUndoTarget target, string reason, CancellationToken cancellationToken) =>
        RunAsync(target, reason, isPreview: false, cancellationToken);

    private async Task<IReadOnlyList<TableSync>> RunAsync(TableUndoTarget target, string? reason, bool isPreview, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);

        // A session of its own: the leases of the tables end with it.
        await using var connection = await database.OpenUnpooledAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var syncs = await FindFirstAsync(connection, target, cancellationToken).ConfigureAwait(false);
            await connection.ExecuteAsync(new CommandDefinition(MergeSql.SessionSettings, cancellationToken: cancellationToken)).ConfigureAwait(false);
            foreach (var sync in syncs)
            {
                await TableLease.TakeAsync(connection, sync.Schema, sync.Table, cancellationToken).ConfigureAwait(false);
            }

            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var run = await TrackingStore.StartRunAsync(connection, "undo", syncs[0].Source, reason, syncs.Count, cancellationToken).ConfigureAwait(false);
            var done = new List<TableSync>();
            foreach (var sync in syncs)
            {
                done.Add(await UndoAsync(connection, run, sync, cancellationToken).ConfigureAwait(false));
            }

            await TrackingStore.FinishRunAsync(connection, run, cancellationToken).ConfigureAwait(false);
            if (isPreview)
            {
                await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
                return [.. done.Select(sync => sync with { TableSyncId = null, TableSyncRunId = Guid.Empty, Status = TableSyncStatus.Preview })];
            }

            CrashPoint.Pass("table.before-undo-commit");
            cancellationToken.ThrowIfCancellationRequested();
            await ConfirmedCommit.CommitAsync(
                database,
                transaction,
                syncs[0].Table,
                "Once the database answers, Get-TableStatus shows the table as Undone where it did.",
                (other, token) => other.ExecuteScalarAsync<bool>(new CommandDefinition(
                    TrackingSql.IsCommitted, new { id = done[0].TableSyncId, commits = 1 }, cancellationToken: token)),
                cancellationToken).ConfigureAwait(false);
            return done;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>The first sync of each table that is meant: what came later goes with it.</summary>
    private static async Task<IReadOnlyList<FirstSync>> FindFirstAsync(NpgsqlConnection connection, TableUndoTarget target, CancellationToken cancellationToken)
    {
        var found = (await connection.QueryAsync<FirstSync>(new CommandDefinition(
            UndoSql.FindSyncs,
            new { ids = target.TableSyncIds.ToArray(), runs = target.TableSyncRunIds.ToArray() },
            cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
        foreach (var missing in target.TableSyncIds.Where(id => !found.Exists(sync => sync.Id == id)).Select(id => id.ToString(System.Globalization.CultureInfo.InvariantCulture))
            .Concat(target.TableSyncRunIds.Where(run => !found.Exists(sync => sync.Run == run)).Select(run => run.ToString())))
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "TableSyncNotFound", $"There is no sync {missing}.", missing, "Get-TableSync lists the syncs that there were.");
        }

        var syncs = found
            .Where(sync => sync.Commits > 0 || target.TableSyncIds.Contains(sync.Id))
            .GroupBy(sync => (sync.Schema, sync.Table))
            .Select(group => group.First())
            .ToList();
        foreach (var sync in syncs)
        {
            Require(sync, target);
        }

        return syncs.Count > 0 ? syncs : throw Empty(target.TableSyncRunIds[0].ToString());
    }

    private static async Task<IReadOnlyList<UndoneTableSync>> FindUndoneAsync(NpgsqlConnection connection, FirstSync first, CancellationToken cancellationToken)
    {
        var undone = await connection.QueryAsync<UndoneTableSync>(new CommandDefinition(
            UndoSql.FindUndone, new { schema = first.Schema, table = first.Table, from = first.Id }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return undone.AsList();
    }

    private static void Require(FirstSync sync, TableUndoTarget target)
    {
        var id = sync.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (sync.IsUndone)
        {
            throw new EtlException(
                EtlErrorKind.Conflict, "TableSyncUndone", $"Sync {id} of {sync.Table} has been undone already.", id, "Nothing is to be done.");
        }

        if (sync.Commits == 0)
        {
            throw Empty(id);
        }

        if (sync.IsCleared)
        {
            throw Gone(sync);
        }

        if (sync.Importance == Words.Of(TableImportance.Audit) && !target.IncludesAudit)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "AuditTableKept",
                $"{sync.Table} is an audit table: to undo a sync would take rows out of it.",
                sync.Table,
                "Leave it out, or say -Force where the rows are wrong.");
        }
    }

    private static EtlException Empty(string target) => new(
        EtlErrorKind.InvalidInput, "TableSyncEmpty", "The sync committed nothing: there is nothing to undo.", target, "Nothing is to be done.");

    private static EtlException Gone(FirstSync sync) => new(
        EtlErrorKind.Conflict,
        "TableHistoryGone",
        $"The history of {sync.Table} does not reach back to before sync {sync.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)}.",
        sync.Table,
        "Undo a later sync, or sync the table in full. history of the source in etl.yaml says how long it is kept.");

    private async Task<TableSync> UndoAsync(NpgsqlConnection connection, Guid run, FirstSync undone, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var target = await TargetTable.ReadAsync(connection, undone.Schema, undone.Table, cancellationToken).ConfigureAwait(false);
        var before = await TrackingStore.ReadStateAsync(connection, undone.Schema, undone.Table, source: null, cancellationToken).ConfigureAwait(false);
        var plan = PlanOf(target, before.Key);
        var place = new { schema = undone.Schema, table = undone.Table, from = undone.Id };
        var hasHistory = await ScalarAsync<bool>(HistorySql.Exists, new { name = HistorySql.NameOf(target) }).ConfigureAwait(false);
        if (!target.Exists || await ScalarAsync<long>(
            UndoSql.CountWithoutHistory, new { place.schema, place.table, place.from, hasHistory }).ConfigureAwait(false) > 0)
        {
            throw Gone(undone);
        }

        var sync = new TableSync
        {
            TableSyncRunId = run,
            Name = undone.Table,
            Source = undone.Source,
            Schema = undone.Schema,
            Importance = Words.Parse<TableImportance>(undone.Importance),
            Mode = SyncMode.Undo,
            StartedAt = DateTimeOffset.UtcNow,
            Undone = await FindUndoneAsync(connection, undone, cancellationToken).ConfigureAwait(false),
        };
        var keepsHistory = settings.HistoryRetention > TimeSpan.Zero;
        var id = await TrackingStore.StartSyncAsync(connection, sync, isInitial: false, keepsHistory, "undo", before, cancellationToken).ConfigureAwait(false);
        var until = await ScalarAsync<long?>(UndoSql.FirstInitial, place).ConfigureAwait(false);
        await ExecuteAsync(MergeSql.Lock(plan), null).ConfigureAwait(false);
        var since = new { from = undone.Id, until };
        await FindDifferencesAsync().ConfigureAwait(false);
        var merge = await new TableMerge(connection, plan, id) { KeepsHistory = keepsHistory }
            .WriteAsync(cancellationToken).ConfigureAwait(false);
        if (merge.NotFound > 0)
        {
            throw new EtlException(
                EtlErrorKind.Data, "TableVerificationFailed", $"Not all rows of {undone.Table} could be put back. The copy is as it was.", undone.Table,
                "Look for triggers and rules on the copy.");
        }

        var takenBack = Enum.Parse<TakenBack>((await ScalarAsync<string>(UndoSql.FindTakenBack, place).ConfigureAwait(false))!);
        var state = StateAfter(TableState.Parse(undone.StateBefore), before, takenBack);
        await TrackingStore.WriteStateAsync(connection, undone.Schema, undone.Table, undone.Source, state, id, isLast: false, cancellationToken).ConfigureAwait(false);
        await TrackingStore.AddAsync(connection, id, undone.Table, new SyncProgressCounts(0, 0, merge, 0), isLast: true, cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(UndoSql.MarkUndone, new { place.schema, place.table, place.from, id }).ConfigureAwait(false);
        await ExecuteAsync(MergeSql.DropStage, null).ConfigureAwait(false);
        await ExecuteAsync($"DROP TABLE {MergeSql.Diff}", null).ConfigureAwait(false);
        return sync with
        {
            TableSyncId = id,
            Status = TableSyncStatus.Completed,
            Duration = clock.Elapsed,
            RowsInserted = merge.Inserted,
            RowsUpdated = merge.Updated,
            RowsDeleted = merge.Deleted,
            Verified = 1,
        };

        async Task FindDifferencesAsync()
        {
            await ExecuteAsync(MergeSql.DropStage, null).ConfigureAwait(false);
            await ExecuteAsync(MergeSql.CreateStage(plan), null).ConfigureAwait(false);
            if (!plan.HasKey)
            {
                if (hasHistory)
                {
                    await ExecuteAsync(UndoSql.StageOldByContent(plan), since).ConfigureAwait(false);
                }

                await ExecuteAsync(UndoSql.FindDifferencesByContent(plan, hasHistory, all: until is not null), since).ConfigureAwait(false);
                return;
            }

            await ExecuteAsync(MergeSql.CreateKeys(plan), null).ConfigureAwait(false);
            if (hasHistory)
            {
                await ExecuteAsync(UndoSql.StageOld(plan), since).ConfigureAwait(false);
                await ExecuteAsync(UndoSql.StageAdded(plan), since).ConfigureAwait(false);
            }

            await ExecuteAsync(MergeSql.AnalyzeStage(plan), null).ConfigureAwait(false);

            // Where the copy was filled anew since, everything that is not put back goes.
            await ExecuteAsync(MergeSql.FindDifferences(plan, deletes: until is not null, range: null), null).ConfigureAwait(false);
            if (until is null)
            {
                await ExecuteAsync(UndoSql.AddAdded(plan), null).ConfigureAwait(false);
            }
        }

        Task<int> ExecuteAsync(string sql, object? parameters) =>
            connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));

        Task<T?> ScalarAsync<T>(string sql, object parameters) =>
            connection.ExecuteScalarAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }

    /// <summary>
    /// Where the next sync begins: where it did, for the columns that are there now. The watermark leads to what incremental syncs
    /// had read. It does not lead to what a full one had, and a pass that was begun then would leave out what it has gone by.
    /// </summary>
    private static TableState StateAfter(TableState then, TableState now, TakenBack takenBack)
    {
        takenBack = takenBack > then.TakenBack ? takenBack : then.TakenBack;
        return then with
        {
            Columns = now.Columns,
            Key = now.Key,
            HasOddDates = now.HasOddDates,
            TakenBack = takenBack,
            Pass = takenBack == TakenBack.Full ? null : then.Pass,
        };
    }

    /// <summary>Every column of the copy, also those that are not the source's: rows come back as they were.</summary>
    private static TablePlan PlanOf(TargetTable target, IReadOnlyList<string> key) => new()
    {
        Target = target,
        Key = key,
        Contract = SchemaContract.Evolve,
        Columns = [.. target.Columns.Select(column => new LoadColumn(
            new ColumnMapping { Source = new SourceColumn { Name = column.Name, DataType = "", ColumnType = "" }, Type = column.Type }, column.Type, column.Type))],
    };

    /// <summary>The earliest sync of a table that goes; what came later goes with it.</summary>
    private sealed record FirstSync
    {
        public long Id { get; init; }
        public Guid Run { get; init; }
        public string Source { get; init; } = "";
        public string Schema { get; init; } = "";
        public string Table { get; init; } = "";
        public string Importance { get; init; } = "";
        public int Commits { get; init; }
        public string? StateBefore { get; init; }
        public bool IsUndone { get; init; }
        public bool IsCleared { get; init; }
    }
}
