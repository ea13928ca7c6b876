using System.Globalization;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Tables;

namespace EtlTools.Tests.Faults;

/// <summary>A syncing process, killed at every step: the copy is as it was or as it is to be, and the next sync puts it right.</summary>
public sealed class KilledSyncTests
{
    private const string Rows = """
        CREATE TABLE visit (VisitNum bigint AUTO_INCREMENT PRIMARY KEY, Note varchar(50) NOT NULL, Edited datetime NOT NULL);
        INSERT INTO visit SELECT seq, 'first', '2024-01-01' FROM seq_1_to_100;
        """;

    private const string Changes = """
        UPDATE visit SET Note = 'second', Edited = '2024-02-01' WHERE VisitNum <= 60;
        INSERT INTO visit SELECT seq, 'new', '2024-02-02' FROM seq_201_to_210
        """;

    /// <summary>What the process does: port and database of the source, and the strategy.</summary>
    internal static Task SyncAsync(EtlDatabase database, string[] rest) => Engine(database, rest).SyncAsync(new(), null, CancellationToken.None);

    /// <summary>The id of a sync.</summary>
    internal static Task UndoAsync(EtlDatabase database, string[] rest) => new TableUndoEngine(database, new TableSyncSettings()).ExecuteAsync(
        new TableUndoTarget { TableSyncIds = [long.Parse(rest[0], CultureInfo.InvariantCulture)] }, "killed", CancellationToken.None);

    [MariaDbTheory]
    [MemberData(nameof(CrashPoints.Sync), MemberType = typeof(CrashPoints))]
    public async Task Syncing(string crashPoint, bool isKept)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Table(SyncStrategy.Incremental));
        await work.SyncAsync();
        await work.Copy.ExecuteAsync("UPDATE etl.table_syncs SET finished_at = now() - interval '1 year'");
        var before = await work.VersionsAsync("visit");
        await work.Source.ExecuteAsync(Changes);
        await KillAsync(work, crashPoint, SyncStrategy.Incremental);
        Assert.Equal(isKept, before != await work.VersionsAsync("visit"));
        await AssertRightAfterNextSyncAsync(work);
        Assert.Equal(isKept || crashPoint == "table.after-lease" ? 0 : 1, await work.CountAsync("etl.table_syncs WHERE error_code = 'SyncInterrupted'"));
    }

    [MariaDbTheory]
    [InlineData("table.after-copy")]
    [InlineData("table.before-commit")]
    public async Task Making_a_new_copy(string crashPoint)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Table(SyncStrategy.FullTable));
        await KillAsync(work, crashPoint, SyncStrategy.FullTable);
        await Steps.Until(async () => await work.Copy.ScalarAsync<string>("SELECT to_regclass('raw.visit')::text") is null);
        await AssertRightAfterNextSyncAsync(work);
    }

    [MariaDbTheory]
    [InlineData("table.after-copy:3", 40)]
    [InlineData("table.before-commit:2", 20)]
    [InlineData("table.after-commit:4", 80)]
    public async Task Reading_by_ranges_goes_on_at_the_last_that_was_committed(string crashPoint, int committed)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Table(SyncStrategy.IncrementalChunked));
        await KillAsync(work, crashPoint, SyncStrategy.IncrementalChunked);
        Assert.Equal(committed, await work.CountAsync("raw.visit"));

        // A row that is done already is changed before the rest is read.
        await work.Source.ExecuteAsync("UPDATE visit SET Note = 'meanwhile', Edited = UTC_TIMESTAMP() WHERE VisitNum = 1");
        await Steps.Until(async () => (await work.Engine.SyncAsync(new(), null, CancellationToken.None))[0] is { ErrorCode: not "TableBusy" });
        Assert.Equal(100 - committed, await work.Copy.ScalarAsync<long>("SELECT rows_read FROM etl.table_syncs ORDER BY table_sync_id DESC LIMIT 1"));
        await AssertRightAfterNextSyncAsync(work);
    }

    [MariaDbTheory]
    [InlineData("table.after-copy:2", 20)]
    [InlineData("table.after-differences:3", 40)]
    [InlineData("table.before-commit:2", 20)]
    [InlineData("table.after-commit:3", 60)]
    public async Task Merging_changes_by_ranges_goes_on_at_the_last_that_was_committed(string crashPoint, int committed)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Table(SyncStrategy.IncrementalChunked));
        await work.SyncAsync();
        await work.Source.ExecuteAsync(Changes);
        await KillAsync(work, crashPoint, SyncStrategy.IncrementalChunked);
        Assert.Equal(committed, await work.CountAsync("raw.visit WHERE \"Note\" = 'second'"));
        await AssertRightAfterNextSyncAsync(work);

        // The rows that are as old as the watermark are read too.
        Assert.Equal(110 - committed, await work.Copy.ScalarAsync<long>("SELECT rows_read FROM etl.table_syncs ORDER BY table_sync_id DESC LIMIT 1"));
    }

    [MariaDbFact]
    public async Task What_somebody_wrote_into_a_copy_that_was_not_done_gives_way()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Table(SyncStrategy.IncrementalChunked));
        await KillAsync(work, "table.after-commit:2", SyncStrategy.IncrementalChunked);
        await Steps.Until(async () =>
            await work.Copy.ScalarAsync<bool>("SELECT NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'raw.visit'::regclass)"));
        await work.Copy.ExecuteAsync("INSERT INTO raw.visit VALUES (50, 'foreign', '2030-01-01'), (95, 'foreign', '2030-01-01'), (500, 'foreign', '2030-01-01')");
        await AssertRightAfterNextSyncAsync(work);
    }

    [MariaDbFact]
    public async Task Undoing()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Table(SyncStrategy.Incremental));
        await work.SyncAsync();
        await work.Source.ExecuteAsync(Changes);
        var sync = await work.SyncOneAsync();
        var before = await work.VersionsAsync("visit");
        Assert.True(await EngineProcess.RunToAsync(
            work.Copy.ConnectionString, Path.GetTempPath(), CrashPoints.UndoneSync, "undo-sync", sync.TableSyncId!.Value.ToString(CultureInfo.InvariantCulture)));
        Assert.Equal(before, await work.VersionsAsync("visit"));
        await Steps.Until(async () =>
        {
            try
            {
                return (await new TableUndoEngine(work.Database, work.Settings).ExecuteAsync(
                    new TableUndoTarget { TableSyncIds = [sync.TableSyncId!.Value] }, "again", CancellationToken.None))[0].RowsDeleted == 10;
            }
            catch (Core.EtlException busy) when (busy.ErrorId == "TableBusy")
            {
                return false;
            }
        });
        Assert.Equal(100, await work.CountAsync("raw.visit WHERE \"Note\" = 'first'"));
    }

    private static TableConfig Table(SyncStrategy strategy) => new()
    {
        Name = "visit",
        Strategy = strategy,
        IncrementalColumns = ["Edited"],
        BatchSize = 20,
    };

    private static TableSyncEngine Engine(EtlDatabase database, string[] rest) => new(
        database,
        SyncWorkshop.ConnectionTo(int.Parse(rest[0], CultureInfo.InvariantCulture), rest[1]),
        new TableSyncConfig { Tables = [Table(Enum.Parse<SyncStrategy>(rest[2]))] },
        new TableSyncSettings());

    private static async Task KillAsync(SyncWorkshop work, string crashPoint, SyncStrategy strategy) => Assert.True(
        await EngineProcess.RunToAsync(
            work.Copy.ConnectionString,
            Path.GetTempPath(),
            crashPoint,
            "sync",
            work.Source.Port.ToString(CultureInfo.InvariantCulture),
            work.Source.Name,
            strategy.ToString()),
        $"the sync was not killed at {crashPoint}");

    private static async Task AssertRightAfterNextSyncAsync(SyncWorkshop work)
    {
        // The server may take a moment to notice that the lease's owner is gone.
        await Steps.Until(async () => (await work.Engine.SyncAsync(new(), null, CancellationToken.None))[0].Status == TableSyncStatus.Completed);
        await work.AssertEqualAsync("visit", null, null, "VisitNum", "Note", "Edited");
        Assert.Equal(0, await work.CountAsync("etl.table_syncs WHERE status = 'running'"));
    }
}
