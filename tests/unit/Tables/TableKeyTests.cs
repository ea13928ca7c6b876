using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>A key that was set by hand loses no row and doubles none.</summary>
public sealed class TableKeyTests
{
    private const string Rows = """
        CREATE TABLE visit (VisitNum bigint AUTO_INCREMENT PRIMARY KEY, Code varchar(10) NOT NULL UNIQUE, PatNum int NOT NULL, Edited datetime NOT NULL);
        INSERT INTO visit SELECT seq, CONCAT('c', seq), seq % 5, '2024-01-01' FROM seq_1_to_20;
        CREATE TABLE bare (a int, b varchar(10));
        INSERT INTO bare VALUES (1, 'x'), (2, 'y');
        """;

    private static readonly TableConfig Visit = new() { Name = "visit", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["Edited"] };

    [MariaDbFact]
    public async Task Another_unique_key_of_the_source_does()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit with { PrimaryKey = ["code"] });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET PatNum = 9, Edited = '2024-01-02' WHERE VisitNum < 4; INSERT INTO visit VALUES (30, 'c30', 1, '2024-01-02')");
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 1, 3), (sync.Mode, sync.RowsInserted, sync.RowsUpdated));
        await work.AssertEqualAsync("visit", columns: ["VisitNum", "Code", "PatNum"]);
    }

    [MariaDbFact]
    public async Task A_part_of_a_key_and_more_than_a_key_are_refused_and_change_nothing()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE visit SET PatNum = 9, Edited = '2024-01-02'");
        var before = await work.VersionsAsync("visit");
        foreach (var key in new[] { new[] { "PatNum" }, ["VisitNum", "PatNum"] })
        {
            work.Config = new TableSyncConfig { Tables = [Visit with { PrimaryKey = key }] };
            Assert.Equal("TableConfigPrimaryKeyDiffers", (await work.FailAsync()).ErrorCode);
            Assert.Equal(before, await work.VersionsAsync("visit"));
        }
    }

    [MariaDbFact]
    public async Task A_key_that_the_source_does_not_keep_unique_is_looked_at_each_time()
    {
        var bare = new TableConfig { Name = "bare", PrimaryKey = ["a"], Strategy = SyncStrategy.Incremental, IncrementalColumns = ["a"] };
        await using var work = await SyncWorkshop.CreateAsync(Rows, bare);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE bare SET b = 'z' WHERE a = 1");
        Assert.Equal((SyncMode.Full, 1), await work.SyncOneAsync() is var sync ? (sync.Mode, sync.RowsUpdated) : default);
        var before = await work.VersionsAsync("bare");
        await RefusedAsync("INSERT INTO bare VALUES (1, 'doubled')");
        await RefusedAsync("DELETE FROM bare WHERE b = 'doubled'; INSERT INTO bare VALUES (NULL, 'none')");

        // Neither would a copy without a key of its own take them.
        await work.Copy.ExecuteAsync("ALTER TABLE raw.bare DROP CONSTRAINT bare_pkey");
        work.Config = new TableSyncConfig { Tables = [bare with { Contract = SchemaContract.Freeze }] };
        await RefusedAsync("INSERT INTO bare VALUES (2, 'doubled')");

        async Task RefusedAsync(string sql)
        {
            await work.Source.ExecuteAsync(sql + ";");
            Assert.Equal("TableKeyNotUnique", (await work.FailAsync()).ErrorCode);
            Assert.Equal(before, await work.VersionsAsync("bare"));
        }
    }

    [MariaDbFact]
    public async Task With_another_key_than_before_every_row_is_read_once()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Visit);
        await work.SyncAsync();
        work.Config = new TableSyncConfig { Tables = [Visit with { PrimaryKey = ["Code"] }] };
        Assert.Equal((SyncMode.Full, 20, 0), await NextAsync());
        Assert.Equal((SyncMode.Incremental, 20, 0), await NextAsync());

        async Task<(SyncMode, long, long)> NextAsync() =>
            await work.SyncOneAsync() is var sync ? (sync.Mode, sync.RowsRead, sync.RowsInserted + sync.RowsUpdated) : default;
    }
}
