using EtlTools.Core;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class UndoTests
{
    private const string Reason = "wrong source";

    private const string Rows = """
        CREATE TABLE visit (VisitNum bigint AUTO_INCREMENT PRIMARY KEY, Note varchar(50), Edited datetime NOT NULL);
        INSERT INTO visit SELECT seq, CONCAT('note ', seq), '2024-01-01' FROM seq_1_to_20;
        CREATE TABLE bare (a int, b varchar(10));
        INSERT INTO bare VALUES (1, 'x'), (1, 'x'), (2, NULL);
        """;

    /// <summary>An incremental sync reads this row again, and no other.</summary>
    private const string Later = "INSERT INTO visit VALUES (21, 'later', '2024-01-02');";

    private static readonly TableConfig Visit = new()
    {
        Name = "visit",
        Strategy = SyncStrategy.Incremental,
        IncrementalColumns = ["Edited"],
        Deletes = true,
    };

    private static readonly TableConfig Bare = new() { Name = "bare" };

    [MariaDbFact]
    public async Task A_table_goes_back_to_before_any_sync_and_forth_again()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit, Bare);
        var syncs = new List<IReadOnlyList<TableSync>>();
        var states = new List<string>();
        await NextAsync("");
        await NextAsync("UPDATE visit SET Note = 'a', Edited = '2024-01-02' WHERE VisitNum < 5; INSERT INTO visit VALUES (30, 'new', '2024-01-02'); INSERT INTO bare VALUES (1, 'x'), (3, 'y')");
        await NextAsync("DELETE FROM visit WHERE VisitNum IN (2, 30); UPDATE visit SET Note = NULL, Edited = '2024-01-03' WHERE VisitNum < 5; DELETE FROM bare WHERE a = 1 LIMIT 2");
        await NextAsync("INSERT INTO visit VALUES (2, 'again', '2024-01-04'); DELETE FROM bare; INSERT INTO bare VALUES (2, NULL), (9, 'z')");

        for (var step = 3; step > 0; step--)
        {
            var undone = await UndoAsync(work, syncs[step]);
            Assert.All(undone, sync => Assert.Equal(SyncMode.Undo, sync.Mode));
            Assert.Equal(states[step - 1], await StateAsync(work));
        }

        // The next sync reads again what was taken back.
        var again = await work.SyncAsync();
        Assert.Equal(states[3], await StateAsync(work));

        // Over several syncs at once; and an undo is a sync that can be undone.
        var back = await UndoAsync(work, syncs[0]);
        Assert.Equal(0, await work.CountAsync("raw.visit") + await work.CountAsync("raw.bare"));
        Assert.All(await StatusAsync(), status => Assert.Equal(TableCondition.Undone, status.Condition));
        await UndoAsync(work, back);
        Assert.Equal(states[3], await StateAsync(work));

        // What came forth again is synced, and can be undone again.
        Assert.All(await StatusAsync(), status => Assert.Equal(TableCondition.Synced, status.Condition));
        await UndoAsync(work, again);
        Assert.Equal(states[0], await StateAsync(work));
        await UndoAsync(work, syncs[0]);
        Assert.Equal(0, await work.CountAsync("raw.visit") + await work.CountAsync("raw.bare"));

        Task<IReadOnlyList<TableStatus>> StatusAsync() =>
            new TableStatusReader(work.Database, "practice", work.Config, work.Settings).ReadAsync(new TableSyncOptions(), CancellationToken.None);

        async Task NextAsync(string sql)
        {
            await work.Source.ExecuteAsync(sql + ";");
            syncs.Add(await work.SyncAsync());
            states.Add(await StateAsync(work));
        }
    }

    [MariaDbFact]
    public async Task A_preview_tells_what_an_undo_would_do_and_does_nothing()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'a', Edited = '2024-01-02' WHERE VisitNum < 5; INSERT INTO visit VALUES (30, 'new', '2024-01-02'); DELETE FROM visit WHERE VisitNum = 9");
        var sync = await work.SyncOneAsync();
        var before = await work.VersionsAsync("visit");
        var target = new TableUndoTarget { TableSyncIds = [sync.TableSyncId!.Value] };
        var later = await work.SyncOneAsync();
        var found = await Undo(work).FindAsync(target, CancellationToken.None);
        Assert.Equal(
            [(sync.TableSyncId!.Value, "visit", SyncMode.Incremental, 1L, 4L, 1L), (later.TableSyncId!.Value, "visit", SyncMode.Incremental, 0L, 0L, 0L)],
            found.Select(one => (one.TableSyncId, one.Name, one.Mode, one.RowsInserted, one.RowsUpdated, one.RowsDeleted)));
        Assert.InRange(found[0].StartedAt, sync.StartedAt.AddMinutes(-1), sync.StartedAt.AddMinutes(1));
        Assert.Contains("6 rows changed", found[0].ToString());
        var preview = Assert.Single(await Undo(work).PreviewAsync(target, CancellationToken.None));
        Assert.Equal(found, preview.Undone);
        Assert.Equal(TableSyncStatus.Preview, preview.Status);
        Assert.Equal((1, 4, 1, null), (preview.RowsInserted, preview.RowsUpdated, preview.RowsDeleted, preview.TableSyncId));
        Assert.Equal(before, await work.VersionsAsync("visit"));
        var run = Assert.Single(await Undo(work).ExecuteAsync(new TableUndoTarget { TableSyncRunIds = [sync.TableSyncRunId] }, Reason, CancellationToken.None));
        Assert.Equal((1, 4, 1), (run.RowsInserted, run.RowsUpdated, run.RowsDeleted));
        Assert.Equal(found, run.Undone);

        // Nobody takes it for synced, and whoever pipes its status undoes no undo.
        var status = Assert.Single(await new TableStatusReader(work.Database, "practice", work.Config, work.Settings).ReadAsync(new TableSyncOptions(), CancellationToken.None));
        Assert.Equal((TableCondition.Undone, later.TableSyncId), (status.Condition, status.TableSyncId));
        await work.SyncAsync();
    }

    [MariaDbTheory]
    [InlineData(SyncStrategy.Incremental)]
    [InlineData(SyncStrategy.IncrementalChunked)]
    public async Task What_a_full_sync_had_read_is_read_again_after_its_undo(SyncStrategy strategy)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows + Later, Visit with { Strategy = strategy, Deletes = null, BatchSize = 6 });
        await work.SyncAsync();

        // No date tells of these changes; an incremental sync is none the wiser.
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'unstamped' WHERE VisitNum < 9; DELETE FROM visit WHERE VisitNum = 15");
        var incremental = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 0L), (incremental.Mode, incremental.RowsUpdated));
        var full = await work.SyncOneAsync(new TableSyncOptions { IsFull = true });
        Assert.Equal((8L, 1L), (full.RowsUpdated, full.RowsDeleted));

        // The undo of an undo returns to before it: what the full sync brought is there, and its watermark holds.
        var undone = await UndoAsync(work, [full]);
        await UndoAsync(work, undone);
        await AssertNextAsync(SyncMode.Incremental, "since Edited 2024-01-02 00:00:00");

        // Of several syncs one was full, and was undone once before by an undo that goes with them.
        await UndoAsync(work, [incremental]);
        await AssertNextAsync(SyncMode.Full, "an undo took back what a full sync had read");
        await AssertNextAsync(SyncMode.Incremental, "since Edited 2024-01-02 00:00:00");

        async Task AssertNextAsync(SyncMode mode, string reason)
        {
            var step = Assert.Single(await work.Engine.PlanAsync(new TableSyncOptions(), CancellationToken.None));
            Assert.Equal((mode, reason), (step.Mode, step.Reason));
            Assert.Equal(mode, (await work.SyncOneAsync()).Mode);
            await work.AssertEqualAsync("visit", null, null, "VisitNum", "Note", "Edited");
        }
    }

    [MariaDbFact]
    public async Task An_undo_that_goes_takes_nothing_away_from_what_is_to_be_read_again()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows + Later, Visit with { Deletes = null });
        await work.SyncAsync();
        var incremental = await work.SyncOneAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'unstamped' WHERE VisitNum < 9");
        await UndoAsync(work, [await work.SyncOneAsync(new TableSyncOptions { IsFull = true })]);
        await UndoAsync(work, [incremental]);
        Assert.Equal(SyncMode.Full, (await work.SyncOneAsync()).Mode);
        await work.AssertEqualAsync("visit", null, null, "VisitNum", "Note", "Edited");
    }

    [MariaDbFact]
    public async Task A_pass_by_ranges_that_was_undone_half_way_begins_anew()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows + Later, Visit with { Strategy = SyncStrategy.IncrementalChunked, Deletes = null, BatchSize = 6 });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'unstamped'");
        await work.Copy.ExecuteAsync("""
            CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW."VisitNum" > 10 THEN RETURN NULL; END IF; RETURN NEW; END';
            CREATE TRIGGER stop BEFORE UPDATE ON raw.visit FOR EACH ROW EXECUTE FUNCTION stop();
            """);
        await work.FailAsync(new TableSyncOptions { IsFull = true });
        await work.Copy.ExecuteAsync("DROP FUNCTION stop CASCADE");
        var rest = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, 15L), (rest.Mode, rest.RowsRead));
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'again'");

        // The rest is taken back. It went on where the first part had ended; whoever reads again does not.
        await UndoAsync(work, [rest]);
        var next = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, 21L), (next.Mode, next.RowsRead));
        await work.AssertEqualAsync("visit", null, null, "VisitNum", "Note", "Edited");
    }

    [MariaDbFact]
    public async Task A_column_that_came_with_an_undone_sync_is_filled_by_the_next()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows + Later, Visit);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("ALTER TABLE visit ADD Fee int NOT NULL DEFAULT 7");
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, 21L), (sync.Mode, sync.RowsUpdated));
        await UndoAsync(work, [sync]);
        Assert.Equal(21, await work.CountAsync("raw.visit WHERE \"Fee\" IS NULL"));
        await work.SyncAsync();
        await work.AssertEqualAsync("visit", null, null, "VisitNum", "Note", "Edited", "Fee");
    }

    [MariaDbTheory]
    [InlineData(false, SyncMode.Incremental)]
    [InlineData(true, SyncMode.Full)]
    public async Task What_incremental_syncs_had_read_is_found_by_the_watermark_but_for_a_window_that_moves(bool looksBack, SyncMode mode)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit with { Lookback = looksBack ? new LookbackWindow(30, ["Edited"]) : null });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'a', Edited = '2024-01-02' WHERE VisitNum < 5; DELETE FROM visit WHERE VisitNum IN (4, 9); INSERT INTO visit VALUES (30, 'new', '2024-01-02')");
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 1L, 3L, 2L), (sync.Mode, sync.RowsInserted, sync.RowsUpdated, sync.RowsDeleted));
        await UndoAsync(work, [sync]);
        Assert.Equal(mode, (await work.SyncOneAsync()).Mode);
        await work.AssertEqualAsync("visit", null, null, "VisitNum", "Note", "Edited");
        Assert.Equal(SyncMode.Incremental, (await work.SyncOneAsync()).Mode);
    }

    [MariaDbFact]
    public async Task A_run_that_changed_nothing_is_undone_whether_the_tables_have_a_key_or_a_history()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit, Bare);
        await work.SyncAsync();
        var before = await StateAsync(work);
        var syncs = await work.SyncAsync();
        Assert.All(await UndoAsync(work, syncs), undone => Assert.Equal(0, undone.RowsInserted + undone.RowsUpdated + undone.RowsDeleted));
        Assert.Equal(before, await StateAsync(work));
    }

    [MariaDbFact]
    public async Task What_cannot_be_undone_is_refused()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit with { Importance = TableImportance.Audit });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'a', Edited = '2024-01-02' WHERE VisitNum < 5");
        var sync = await work.SyncOneAsync();
        await RefusedAsync("AuditTableKept", new TableUndoTarget { TableSyncIds = [sync.TableSyncId!.Value] });
        await RefusedAsync("TableSyncNotFound", new TableUndoTarget { TableSyncIds = [999_999] });
        await Undo(work).ExecuteAsync(new TableUndoTarget { TableSyncIds = [sync.TableSyncId!.Value], IncludesAudit = true }, Reason, CancellationToken.None);
        await RefusedAsync("TableSyncUndone", new TableUndoTarget { TableSyncIds = [sync.TableSyncId!.Value], IncludesAudit = true });

        // History that is older than it is kept goes with the next sync.
        var next = await work.SyncOneAsync();
        await work.Copy.ExecuteAsync("UPDATE etl.table_syncs SET finished_at = now() - interval '31 days'");
        await work.Source.ExecuteAsync("INSERT INTO visit VALUES (40, 'new', '2024-01-05')");
        await work.SyncAsync();
        await RefusedAsync("TableHistoryGone", new TableUndoTarget { TableSyncIds = [next.TableSyncId!.Value], IncludesAudit = true });
        Assert.Equal(1, await work.CountAsync("raw_history.visit"));

        async Task RefusedAsync(string errorId, TableUndoTarget target)
        {
            var before = await work.VersionsAsync("visit");
            Assert.Equal(errorId, (await Assert.ThrowsAsync<EtlException>(() => Undo(work).ExecuteAsync(target, Reason, CancellationToken.None))).ErrorId);
            Assert.Equal(before, await work.VersionsAsync("visit"));
        }
    }

    /// <summary>With the history of earlier syncs there, what left none is not to be taken for what changed nothing.</summary>
    [MariaDbFact]
    public async Task What_kept_no_history_is_refused_also_where_it_did_not_come_to_its_end()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit with { Strategy = SyncStrategy.IncrementalChunked, BatchSize = 6 });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'kept', Edited = '2024-01-02'");
        var kept = await work.SyncOneAsync();
        work.Settings = work.Settings with { HistoryRetention = TimeSpan.Zero };
        var undone = Assert.Single(await UndoAsync(work, [kept]));
        await RefusedAsync(undone);

        // Some ranges were committed; what is done after a sync was not.
        await work.Copy.ExecuteAsync("""
            CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW."VisitNum" > 10 THEN RETURN NULL; END IF; RETURN NEW; END';
            CREATE TRIGGER stop BEFORE UPDATE ON raw.visit FOR EACH ROW EXECUTE FUNCTION stop();
            """);
        var failed = await work.FailAsync();
        Assert.Equal(6, await work.CountAsync("raw.visit WHERE \"Note\" = 'kept'"));
        await RefusedAsync(failed);

        async Task RefusedAsync(TableSync sync) => Assert.Equal(
            "TableHistoryGone", (await Assert.ThrowsAsync<EtlException>(() => UndoAsync(work, [sync]))).ErrorId);
    }

    private static TableUndoEngine Undo(SyncWorkshop work) => new(work.Database, work.Settings);

    private static Task<IReadOnlyList<TableSync>> UndoAsync(SyncWorkshop work, IReadOnlyList<TableSync> syncs) => Undo(work).ExecuteAsync(
        new TableUndoTarget { TableSyncIds = [.. syncs.Select(sync => sync.TableSyncId!.Value)] }, Reason, CancellationToken.None);

    private static async Task<string> StateAsync(SyncWorkshop work) => string.Join('\n', (await work.Copy.QueryAsync<string>("""
        SELECT 'visit ' || t::text FROM raw.visit t UNION ALL SELECT 'bare ' || t::text FROM raw.bare t
        """)).Order(StringComparer.Ordinal));
}
