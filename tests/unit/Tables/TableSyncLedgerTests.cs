using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Tables;

public sealed class TableSyncLedgerTests
{
    private const string Rows = """
        CREATE TABLE visit (VisitNum int PRIMARY KEY, Note varchar(50));
        INSERT INTO visit SELECT seq, 'note' FROM seq_1_to_20;
        CREATE TABLE fee (FeeNum int PRIMARY KEY);
        INSERT INTO fee VALUES (1);
        """;

    private static readonly TableConfig Visit = new() { Name = "visit" };

    [MariaDbFact]
    public async Task Every_sync_is_listed_with_what_it_did_and_whether_it_can_be_undone()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit, new TableConfig { Name = "fee" });
        var first = await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'a' WHERE VisitNum < 5; DELETE FROM visit WHERE VisitNum = 20; INSERT INTO visit VALUES (30, 'new'), (31, 'new')");
        var second = IdOf(await work.SyncAsync(new TableSyncOptions { Names = ["visit"], Reason = "by hand" }));
        await work.Copy.ExecuteAsync("""
            CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER stop BEFORE UPDATE ON raw.visit FOR EACH ROW EXECUTE FUNCTION stop();
            """);
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'b' WHERE VisitNum = 7");
        var failed = (await work.FailAsync(new TableSyncOptions { Names = ["visit"] })).TableSyncId!.Value;
        await work.Copy.ExecuteAsync("DROP FUNCTION stop CASCADE");
        var undo = IdOf(await UndoAsync(second));

        var syncs = await ReadAsync(new TableSyncQuery { Names = ["VISIT"] });
        Assert.Equal(
            [
                (undo, SyncMode.Undo, TableSyncStatus.Completed, true, null),
                (failed, SyncMode.Full, TableSyncStatus.Failed, false, undo),
                (second, SyncMode.Full, TableSyncStatus.Completed, false, undo),
                (IdOf(first), SyncMode.Full, TableSyncStatus.Completed, true, (long?)null),
            ],
            syncs.Select(sync => (sync.TableSyncId, sync.Mode, sync.Status, sync.CanUndo, sync.UndoneByTableSyncId)));
        Assert.Equal((21L, 2L, 4L, 1L, 7L, "by hand"), (syncs[2].RowsRead, syncs[2].RowsInserted, syncs[2].RowsUpdated, syncs[2].RowsDeleted, syncs[2].RowsChanged, syncs[2].Reason));
        Assert.Equal("TableVerificationFailed", syncs[1].ErrorCode);
        Assert.All(syncs, sync => Assert.True(sync.Duration >= TimeSpan.Zero && sync.RequestedBy.Length > 0));

        // What it says can be undone is what can be.
        foreach (var sync in syncs)
        {
            var isRefused = await Record.ExceptionAsync(() => Undo().PreviewAsync(new TableUndoTarget { TableSyncIds = [sync.TableSyncId] }, CancellationToken.None));
            Assert.Equal(sync.CanUndo, isRefused is null);
        }

        await UndoAsync(undo);
        Assert.Equal([true, false, false, true, true], (await ReadAsync(new TableSyncQuery { Names = ["visit"] })).Select(sync => sync.CanUndo));

        static long IdOf(IEnumerable<TableSync> done) => done.Single(sync => sync.Name == "visit").TableSyncId!.Value;

        TableUndoEngine Undo() => new(work.Database, work.Settings);

        Task<IReadOnlyList<TableSync>> UndoAsync(long id) => Undo().ExecuteAsync(new TableUndoTarget { TableSyncIds = [id] }, "wrong", CancellationToken.None);

        Task<List<RecordedTableSync>> ReadAsync(TableSyncQuery query) => TableSyncLedgerTests.ReadAsync(work, query);
    }

    [MariaDbFact]
    public async Task What_is_older_than_its_history_has_no_way_back()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit);
        await work.SyncAsync();
        await work.Copy.ExecuteAsync("UPDATE etl.table_syncs SET finished_at = now() - interval '31 days'");
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'a' WHERE VisitNum < 5");
        await work.SyncAsync();
        Assert.Equal([true, false], (await ReadAsync(work, new TableSyncQuery())).Select(sync => sync.CanUndo));

        await work.Copy.ExecuteAsync("DROP TABLE raw_history.visit");
        Assert.Equal([false, false], (await ReadAsync(work, new TableSyncQuery())).Select(sync => sync.CanUndo));
        await work.SyncAsync();
        Assert.Equal([true, false, false], (await ReadAsync(work, new TableSyncQuery())).Select(sync => sync.CanUndo));
        await work.Copy.ExecuteAsync("DROP TABLE raw.visit");
        Assert.Equal([false, false, false], (await ReadAsync(work, new TableSyncQuery())).Select(sync => sync.CanUndo));
    }

    [MariaDbFact]
    public async Task Only_what_is_asked_for_comes_and_what_is_not_known_is_an_error()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit, new TableConfig { Name = "fee" });
        var run = (await work.SyncAsync())[0].TableSyncRunId;
        await work.SyncAsync();
        await work.Copy.ExecuteAsync("UPDATE etl.table_syncs SET status = 'running', finished_at = NULL WHERE table_sync_id = 2");
        Assert.Equal(4, (await ReadAsync(work, new TableSyncQuery())).Count);
        var newest = Assert.Single(await ReadAsync(work, new TableSyncQuery { Names = ["visit"], First = 1 }));
        Assert.Equal(("visit", true), (newest.Name, newest.TableSyncRunId != run));
        Assert.Equal(2, (await ReadAsync(work, new TableSyncQuery { TableSyncRunIds = [run], Source = "practice" })).Count);
        Assert.Equal(2, Assert.Single(await ReadAsync(work, new TableSyncQuery { Status = [TableSyncStatus.Interrupted] })).TableSyncId);
        Assert.Empty(await ReadAsync(work, new TableSyncQuery { Mode = [SyncMode.Undo] }));
        Assert.Empty(await ReadAsync(work, new TableSyncQuery { Since = DateTimeOffset.UtcNow.AddDays(1) }));
        foreach (var query in new TableSyncQuery[] { new() { Names = ["visit", "nowhere"] }, new() { Source = "nowhere" }, new() { TableSyncRunIds = [run, Guid.NewGuid()] } })
        {
            Assert.Equal("TableSyncNotFound", (await Assert.ThrowsAsync<EtlException>(() => ReadAsync(work, query))).ErrorId);
        }
    }

    /// <summary>A monitoring user has the ledger, and none of the copies' rows.</summary>
    [MariaDbFact]
    public async Task Who_may_not_read_the_copies_may_know_how_they_stand()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit);
        await work.SyncAsync();
        var role = $"reader_{Guid.NewGuid():n}";
        await work.Copy.ExecuteAsync($"CREATE ROLE {role}; GRANT USAGE ON SCHEMA etl TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA etl TO {role}");
        try
        {
            await using var database = EtlDatabase.Connect(new ConnectionRequest
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(work.Copy.ConnectionString) { Options = $"-c role={role}" }.ConnectionString,
            });
            var syncs = new List<RecordedTableSync>();
            await foreach (var sync in new TableSyncLedger(database).GetSyncsAsync(new TableSyncQuery(), CancellationToken.None))
            {
                syncs.Add(sync);
            }

            Assert.True(Assert.Single(syncs).CanUndo);
            var status = await new TableStatusReader(database, "practice", work.Config, work.Settings).ReadAsync(new TableSyncOptions(), CancellationToken.None);
            Assert.Equal(TableCondition.Synced, Assert.Single(status).Condition);
        }
        finally
        {
            await work.Copy.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    private static async Task<List<RecordedTableSync>> ReadAsync(SyncWorkshop work, TableSyncQuery query)
    {
        var found = new List<RecordedTableSync>();
        await foreach (var sync in new TableSyncLedger(work.Database).GetSyncsAsync(query, CancellationToken.None))
        {
            found.Add(sync);
        }

        return found;
    }
}
