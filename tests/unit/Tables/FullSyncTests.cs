using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class FullSyncTests
{
    private static readonly TableConfig Patient = new() { Name = "patient" };

    private const string PatientRows = """
        CREATE TABLE patient (PatNum bigint AUTO_INCREMENT PRIMARY KEY, LName varchar(100) NOT NULL, Balance double NOT NULL, Birthdate date NOT NULL DEFAULT '0001-01-01');
        INSERT INTO patient (LName, Balance, Birthdate) SELECT CONCAT('name ', seq), seq / 3, IF(seq % 7, DATE('1980-01-01') + INTERVAL seq DAY, '0001-01-01') FROM seq_1_to_500;
        """;

    private const string SourceRow = "CONCAT_WS('|', PatNum, LName, IF(Birthdate > '0001-01-01', Birthdate, '-'))";
    private const string CopyRow = """concat_ws('|', "PatNum", "LName", coalesce("Birthdate"::text, '-'))""";

    [MariaDbFact]
    public async Task A_new_table_comes_over_whole()
    {
        await using var work = await SyncWorkshop.CreateAsync(PatientRows, Patient);
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, 500, 500, 71), (sync.Mode, sync.RowsRead, sync.RowsInserted, sync.ZeroDates));
        Assert.Equal(1, sync.Verified);
        await work.AssertEqualAsync("patient", SourceRow, CopyRow);
        Assert.Equal("PatNum", await work.Copy.ScalarAsync<string>(
            "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = 'raw.patient'::regclass AND i.indisprimary"));
    }

    [MariaDbFact]
    public async Task Updates_and_deletes_arrive_and_nothing_else_is_touched()
    {
        await using var work = await SyncWorkshop.CreateAsync(PatientRows, Patient);
        await work.SyncOneAsync();
        var before = await work.VersionsAsync("patient");
        var idle = await work.SyncOneAsync();
        Assert.Equal((500, 0, 0, 0), (idle.RowsUnchanged, idle.RowsInserted, idle.RowsUpdated, idle.RowsDeleted));
        Assert.Equal(before, await work.VersionsAsync("patient"));

        await work.Source.ExecuteAsync("UPDATE patient SET LName = 'changed' WHERE PatNum IN (3, 5); DELETE FROM patient WHERE PatNum > 490; INSERT INTO patient (LName, Balance) VALUES ('new', 1)");
        var sync = await work.SyncOneAsync();
        Assert.Equal((1, 2, 10), (sync.RowsInserted, sync.RowsUpdated, sync.RowsDeleted));
        await work.AssertEqualAsync("patient", SourceRow, CopyRow);
        Assert.Equal(488, before.Split('\n').Intersect((await work.VersionsAsync("patient")).Split('\n')).Count());
    }

    [MariaDbFact]
    public async Task A_table_without_a_key_comes_over_with_its_doubles()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE log (a int, b varchar(10)); INSERT INTO log VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL), (NULL, NULL), (NULL, NULL);",
            new TableConfig { Name = "log", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["a"] });
        Assert.Contains(Assert.Single((await work.SyncOneAsync()).Warning), "log has no key: its rows are told apart by all that they hold, and all of them are read.", StringComparison.Ordinal);
        var before = await work.VersionsAsync("log");
        await work.SyncOneAsync();
        Assert.Equal(before, await work.VersionsAsync("log"));
        await work.Source.ExecuteAsync("DELETE FROM log WHERE a = 1 LIMIT 2; INSERT INTO log VALUES (2, NULL), (3, 'y')");
        var sync = await work.SyncOneAsync();
        Assert.Equal((2, 0, 2), (sync.RowsInserted, sync.RowsUpdated, sync.RowsDeleted));
        await work.AssertEqualAsync("log", null, null, "a", "b");
    }

    [MariaDbFact]
    public async Task A_table_that_is_nothing_but_its_key_comes_over()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE link (x int, y int, at datetime, PRIMARY KEY (y, x, at)); INSERT INTO link SELECT seq % 5, seq, '2024-01-01' FROM seq_1_to_50;",
            new TableConfig { Name = "link", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["at"], Deletes = true });
        await work.SyncOneAsync();
        await work.Source.ExecuteAsync("INSERT INTO link VALUES (9, 9, '2024-01-02'); DELETE FROM link WHERE y < 4");
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 1, 0, 3), (sync.Mode, sync.RowsInserted, sync.RowsUpdated, sync.RowsDeleted));
        await work.AssertEqualAsync("link", null, null, "x", "y", "at");
    }

    [MariaDbFact]
    public async Task Readers_never_see_the_copy_empty_and_a_failure_leaves_it()
    {
        await using var work = await SyncWorkshop.CreateAsync(PatientRows, Patient);
        await work.SyncOneAsync();
        var before = await work.VersionsAsync("patient");

        // A value that the copy cannot hold, in the last of the rows.
        await work.Source.ExecuteAsync("UPDATE patient SET LName = CONCAT('x', CHAR(0)) WHERE PatNum = 500; UPDATE patient SET LName = 'changed' WHERE PatNum = 1");
        var failed = await work.FailAsync();
        Assert.Equal("TextNotStorable", failed.ErrorCode);
        Assert.Equal(before, await work.VersionsAsync("patient"));
        Assert.Equal("failed", await work.Copy.ScalarAsync<string>("SELECT load_status FROM raw.etl_load_status WHERE table_name = 'patient'"));
        Assert.Equal("failed", await work.Copy.ScalarAsync<string>("SELECT status FROM etl.table_syncs ORDER BY table_sync_id DESC LIMIT 1"));
    }
}
