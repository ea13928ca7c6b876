using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class IncrementalSyncTests
{
    private const string Adjustment = """
        SET sql_mode = '';
        CREATE TABLE adjustment (AdjNum bigint AUTO_INCREMENT PRIMARY KEY, Amount double NOT NULL, AdjDate date, SecDateTEdit datetime);
        INSERT INTO adjustment (Amount, AdjDate, SecDateTEdit) SELECT seq, '2024-01-01', '2024-01-01 10:00:00' FROM seq_1_to_100;
        """;

    private static readonly TableConfig Config = new()
    {
        Name = "adjustment",
        Strategy = SyncStrategy.Incremental,
        IncrementalColumns = ["SecDateTEdit", "AdjDate"],
    };

    private static readonly string[] Columns = ["AdjNum", "Amount", "AdjDate", "SecDateTEdit"];

    [MariaDbFact]
    public async Task What_is_not_known_yet_is_not_told_as_if_it_were()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, Edited datetime); CREATE TABLE ranges LIKE t; INSERT INTO ranges SELECT seq, '2024-01-01' FROM seq_1_to_20; CREATE TABLE filled AS SELECT * FROM ranges; CREATE TABLE later LIKE t;",
            new TableConfig { Name = "t", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["Edited"] },
            new TableConfig { Name = "ranges", Strategy = SyncStrategy.IncrementalChunked, IncrementalColumns = ["Edited"] },
            new TableConfig { Name = "filled" },
            new TableConfig { Name = "later" });
        await work.SyncAsync(new TableSyncOptions { Names = ["t", "ranges", "filled"] });
        var plan = await work.Engine.PlanAsync(new TableSyncOptions { Names = ["t"] }, CancellationToken.None);
        Assert.Equal((SyncMode.Incremental, "there is no watermark yet"), (plan[0].Mode, plan[0].Reason));

        // The server has looked at the one that was filled, and not at the one that came by ranges; the empty one needs no look.
        var status = await new TableStatusReader(work.Database, "practice", work.Config, work.Settings).ReadAsync(new TableSyncOptions(), CancellationToken.None);
        Assert.Equal([("t", 0L), ("ranges", null), ("filled", 20L), ("later", (long?)null)], status.Select(one => (one.Name, one.Rows)));
    }

    [MariaDbFact]
    public async Task Only_what_may_have_changed_is_read_and_only_what_has_is_written()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("""
            UPDATE adjustment SET Amount = -1, SecDateTEdit = '2024-02-01 08:00:00' WHERE AdjNum = 7;
            INSERT INTO adjustment (Amount, AdjDate, SecDateTEdit) VALUES (200, '2024-02-02', '2024-02-02 09:00:00')
            """);
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 1, 1), (sync.Mode, sync.RowsInserted, sync.RowsUpdated));
        await AssertEqualAsync(work);

        // Everything is older than the last second that was read, but for the one row of it.
        var versions = await work.VersionsAsync("adjustment");
        Assert.Equal((1, 0), ((await work.SyncOneAsync()) is var idle ? (idle.RowsRead, idle.RowsUpdated + idle.RowsInserted) : default));
        Assert.Equal(versions, await work.VersionsAsync("adjustment"));
        Assert.Equal($"success|2024-02-02 09:00:00|{await work.Source.ScalarAsync("SELECT MAX(AdjNum) FROM adjustment")}|AdjNum", await work.Copy.ScalarAsync<string>(
            "SELECT concat_ws('|', load_status, last_loaded, last_primary_value, primary_column_name) FROM raw.etl_load_status WHERE table_name = 'adjustment'"));
    }

    [MariaDbFact]
    public async Task A_few_changes_are_looked_up_in_the_copy_and_not_all_of_it_read()
    {
        const int Rows = 100_000;
        await using var work = await SyncWorkshop.CreateAsync(
            $"""
            CREATE TABLE adjustment (AdjNum bigint AUTO_INCREMENT PRIMARY KEY, Amount double NOT NULL, AdjDate date, SecDateTEdit datetime);
            INSERT INTO adjustment (Amount, AdjDate, SecDateTEdit) SELECT seq, '2024-01-01', '2023-01-01' + INTERVAL seq SECOND FROM seq_1_to_{Rows};
            """,
            Config with { IncrementalColumns = ["SecDateTEdit"] });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE adjustment SET Amount = -1, SecDateTEdit = '2024-02-01' WHERE AdjNum % 300 = 1");
        var before = await ReadOfCopyAsync(work);
        Assert.Equal(334, (await work.SyncOneAsync()).RowsUpdated);
        Assert.InRange(await ReadOfCopyAsync(work) - before, 0, Rows / 10);
    }

    [MariaDbFact]
    public async Task Rows_of_the_same_second_are_not_lost()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config with { IncrementalColumns = ["SecDateTEdit"] });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE adjustment SET Amount = Amount + 1000 WHERE AdjNum IN (1, 50)");
        Assert.Equal(2, (await work.SyncOneAsync()).RowsUpdated);
        await AssertEqualAsync(work);
    }

    [MariaDbTheory]
    [InlineData(IncrementalLogic.Or, 3)]
    [InlineData(IncrementalLogic.And, 1)]
    [InlineData(IncrementalLogic.SingleColumn, 2)]
    public async Task Columns_decide_together(IncrementalLogic logic, int expected)
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config with { IncrementalLogic = logic });
        await work.SyncAsync();

        // The third of updates that logic by AND never saw: one column of two is new.
        await work.Source.ExecuteAsync("""
            UPDATE adjustment SET AdjDate = '2023-01-01', SecDateTEdit = '2023-01-01';
            UPDATE adjustment SET Amount = -1, SecDateTEdit = '2024-03-01' WHERE AdjNum = 1;
            UPDATE adjustment SET Amount = -1, AdjDate = '2024-03-01' WHERE AdjNum = 2;
            UPDATE adjustment SET Amount = -1, AdjDate = '2024-03-01', SecDateTEdit = '2024-03-01' WHERE AdjNum = 3;
            """);
        Assert.Equal(expected, (await work.SyncOneAsync()).RowsRead);
    }

    [MariaDbTheory]
    [InlineData(IncrementalLogic.Or)]
    [InlineData(IncrementalLogic.And)]
    [InlineData(IncrementalLogic.SingleColumn)]
    public async Task Rows_whose_dates_tell_nothing_come_each_time(IncrementalLogic logic)
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config with { IncrementalLogic = logic });
        await work.Source.ExecuteAsync("""
            SET sql_mode = '';
            UPDATE adjustment SET AdjDate = NULL, SecDateTEdit = NULL WHERE AdjNum = 1;
            UPDATE adjustment SET AdjDate = '1902-07-31', SecDateTEdit = '0000-00-00' WHERE AdjNum = 2;
            UPDATE adjustment SET AdjDate = '2999-01-01', SecDateTEdit = '2999-01-01' WHERE AdjNum = 3;
            """);
        await work.SyncAsync();
        Assert.Equal("2024-01-01 10:00:00", await work.Copy.ScalarAsync<string>(
            "SELECT state->'watermarks'->>'SecDateTEdit' FROM etl.table_states"));
        await work.Source.ExecuteAsync("UPDATE adjustment SET Amount = -7 WHERE AdjNum <= 3");
        Assert.Equal(3, (await work.SyncOneAsync()).RowsUpdated);
        Assert.Equal(0, (await work.SyncOneAsync()).RowsUpdated);
    }

    [MariaDbFact]
    public async Task A_row_with_an_old_date_and_a_new_key_comes()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("INSERT INTO adjustment (Amount, AdjDate, SecDateTEdit) VALUES (1, '2010-01-01', '2010-01-01')");
        Assert.Equal(1, (await work.SyncOneAsync()).RowsInserted);
    }

    [MariaDbFact]
    public async Task The_overlap_brings_what_was_committed_late_and_the_lookback_what_was_not_stamped()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config with { IncrementalColumns = ["SecDateTEdit"], Lookback = new LookbackWindow(30, ["AdjDate"]) });
        work.Settings = work.Settings with { Overlap = TimeSpan.FromMinutes(10) };
        await work.Source.ExecuteAsync("UPDATE adjustment SET SecDateTEdit = '2024-01-01 09:00:00', AdjDate = UTC_DATE() - INTERVAL 5 DAY WHERE AdjNum = 4; UPDATE adjustment SET SecDateTEdit = '2024-01-01 09:00:00' WHERE AdjNum IN (1, 2)");
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE adjustment SET Amount = -1, SecDateTEdit = '2024-01-01 09:55:00' WHERE AdjNum = 1; UPDATE adjustment SET Amount = -1, SecDateTEdit = '2024-01-01 09:45:00' WHERE AdjNum = 2; UPDATE adjustment SET Amount = -1 WHERE AdjNum = 4");
        Assert.Equal(2, (await work.SyncOneAsync()).RowsUpdated);
    }

    [MariaDbFact]
    public async Task Rows_that_overlap_with_those_there_do_no_harm()
    {
        // Seed 004: 86,870 rows of securitylog came again, and the insert failed on the first.
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE securitylog (SecurityLogNum bigint AUTO_INCREMENT PRIMARY KEY, LogText text, LogDateTime datetime NOT NULL) ENGINE=MyISAM; INSERT INTO securitylog SELECT seq, CONCAT('text ', seq), '2025-01-01' + INTERVAL seq DIV 50000 DAY FROM seq_1_to_100000;",
            new TableConfig { Name = "securitylog", Importance = TableImportance.Audit, Strategy = SyncStrategy.Incremental, IncrementalColumns = ["LogDateTime"] });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE securitylog SET LogDateTime = '2025-02-01' WHERE SecurityLogNum > 100000 - 86870; UPDATE securitylog SET LogText = 'changed' WHERE SecurityLogNum = 99999");
        var sync = await work.SyncOneAsync();
        Assert.Equal((86_870, 86_870, 0), (sync.RowsRead, sync.RowsUpdated, sync.RowsInserted));
        Assert.Equal(
            await work.Source.ScalarAsync("SELECT CONCAT(COUNT(*), '|', SUM(CONV(LEFT(MD5(LogText), 8), 16, 10))) FROM securitylog"),
            await work.Copy.ScalarAsync<string>("""SELECT count(*) || '|' || sum(('x' || left(md5("LogText"), 8))::bit(32)::bigint) FROM raw.securitylog"""));
    }

    [MariaDbFact]
    public async Task Deletes_arrive_where_they_are_asked_for()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config with { Deletes = true });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("DELETE FROM adjustment WHERE AdjNum BETWEEN 10 AND 19");
        Assert.Equal(10, (await work.SyncOneAsync()).RowsDeleted);
        await AssertEqualAsync(work);
        work.Config = new TableSyncConfig { Tables = [Config] };
        await work.Source.ExecuteAsync("DELETE FROM adjustment WHERE AdjNum = 30");
        Assert.Equal(0, (await work.SyncOneAsync()).RowsDeleted);
        Assert.Equal(1, (await work.SyncOneAsync(new TableSyncOptions { IsFull = true })).RowsDeleted);
    }

    [MariaDbFact]
    public async Task An_audit_table_keeps_what_the_source_has_no_more()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, new TableConfig { Name = "adjustment", Importance = TableImportance.Audit });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("DELETE FROM adjustment WHERE AdjNum > 10");
        Assert.Equal(0, (await work.SyncOneAsync()).RowsDeleted);

        // Whoever asks for everything anew is told.
        var full = await work.SyncOneAsync(new TableSyncOptions { IsFull = true });
        Assert.Equal((0, "adjustment keeps the rows that the source no longer has, as audit tables do: deletes: yes in its configuration takes them out."), (full.RowsDeleted, Assert.Single(full.Warning)));
        Assert.Equal(100, await work.CountAsync("raw.adjustment"));
    }

    [MariaDbFact]
    public async Task A_deployment_s_own_tracking_and_rows_are_adopted()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config);
        await work.Copy.ExecuteAsync("""
            CREATE SCHEMA raw;
            CREATE TABLE raw.etl_load_status (
                id serial PRIMARY KEY, table_name varchar(255) NOT NULL UNIQUE, last_loaded timestamp NOT NULL DEFAULT '1970-01-01',
                rows_loaded integer DEFAULT 0, load_status varchar(50) DEFAULT 'pending', _loaded_at timestamp DEFAULT now());
            INSERT INTO raw.etl_load_status (table_name, last_loaded, load_status) VALUES ('adjustment', '2025-01-01', 'success');
            CREATE TABLE raw.adjustment ("AdjNum" bigint, "Amount" double precision, "AdjDate" date, "SecDateTEdit" timestamp, _loaded_at timestamp DEFAULT '2020-01-01');
            INSERT INTO raw.adjustment VALUES (1, 1, '2024-01-01', '2024-01-01 10:00:00'), (2, -5, '2024-01-01', '2024-01-01 10:00:00');
            """);
        var sync = await work.SyncOneAsync();

        // Its date is not to be trusted: everything is read once, and what is right already is not touched.
        Assert.Equal((SyncMode.Full, 98, 1), (sync.Mode, sync.RowsInserted, sync.RowsUpdated));
        await AssertEqualAsync(work);
        Assert.Equal("success|100", await work.Copy.ScalarAsync<string>("SELECT load_status || '|' || rows_loaded FROM raw.etl_load_status"));
        Assert.Equal(SyncMode.Incremental, (await work.SyncOneAsync()).Mode);
    }

    [MariaDbFact]
    public async Task A_table_comes_by_ranges_of_its_key()
    {
        var chunked = Config with { Strategy = SyncStrategy.IncrementalChunked, BatchSize = 30 };
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, chunked);
        Assert.Equal((SyncMode.Full, 100, 100), await work.SyncOneAsync() is var first ? (first.Mode, first.RowsRead, first.RowsInserted) : default);
        Assert.Equal(4, await work.Copy.ScalarAsync<int>("SELECT commits FROM etl.table_syncs"));
        await AssertEqualAsync(work);
        await work.Source.ExecuteAsync("UPDATE adjustment SET Amount = 0, SecDateTEdit = '2024-05-01' WHERE AdjNum % 2 = 0; DELETE FROM adjustment WHERE AdjNum = 51");
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 50, 0), (sync.Mode, sync.RowsUpdated, sync.RowsDeleted));
        Assert.Equal(1, (await work.SyncOneAsync(new TableSyncOptions { IsFull = true })).RowsDeleted);
        await AssertEqualAsync(work);
        Assert.Equal(0, (await work.SyncOneAsync()).RowsUpdated);
    }

    [MariaDbFact]
    public async Task Zero_dates_of_a_column_that_may_be_null_are_counted_by_ranges_too()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "SET sql_mode = ''; CREATE TABLE adjustment (AdjNum bigint PRIMARY KEY, AdjDate date, SecDateTEdit datetime NOT NULL);"
            + "INSERT INTO adjustment SELECT seq, CASE seq % 10 WHEN 0 THEN '0000-00-00' WHEN 1 THEN NULL ELSE '2024-01-01' END, '2024-01-01' + INTERVAL seq SECOND FROM seq_1_to_100",
            Config with { Strategy = SyncStrategy.IncrementalChunked, BatchSize = 30 });
        Assert.Equal(10, (await work.SyncOneAsync()).ZeroDates);
        await work.Source.ExecuteAsync("UPDATE adjustment SET AdjDate = '0000-00-00', SecDateTEdit = '2024-06-01' WHERE AdjNum % 10 IN (2, 3)");

        // With them comes the row at the watermark.
        Assert.Equal(20 + 1, (await work.SyncOneAsync()).ZeroDates);
        Assert.Equal(30, (await work.SyncOneAsync(new TableSyncOptions { IsFull = true })).ZeroDates);
    }

    [MariaDbFact]
    public async Task A_first_load_by_ranges_never_goes_through_what_has_come_already()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "SET sql_mode = ''; CREATE TABLE adjustment (AdjNum bigint PRIMARY KEY, AdjDate date NOT NULL, SecDateTEdit datetime NOT NULL);"
            + "INSERT INTO adjustment SELECT seq, IF(seq % 10, '2024-01-01', '0000-00-00'), '2024-01-01' + INTERVAL seq SECOND FROM seq_1_to_100",
            Config with { Strategy = SyncStrategy.IncrementalChunked, BatchSize = 30 });
        var sync = await work.SyncOneAsync();

        Assert.Equal((100, 100, 10), (sync.RowsRead, sync.RowsInserted, sync.ZeroDates));

        // The first range was all that there was: it is looked at for its zero dates and its watermarks.
        Assert.InRange(await ReadOfCopyAsync(work), 0, 2 * 30);
        Assert.Equal(SyncMode.Incremental, (await work.SyncOneAsync()).Mode);
    }

    [MariaDbFact]
    public async Task A_configured_column_that_is_not_there_is_an_error_and_changes_nothing()
    {
        await using var work = await SyncWorkshop.CreateAsync(Adjustment, Config with { IncrementalColumns = ["SecDateTEdt"] });
        var failed = await work.FailAsync();
        Assert.Equal("TableConfigColumnMissing", failed.ErrorCode);
        Assert.Contains("SecDateTEdit", failed.Failure!.NextStep, StringComparison.Ordinal);
        Assert.Null(await work.Copy.ScalarAsync<string>("SELECT to_regclass('raw.adjustment')::text"));
        work.Config = new TableSyncConfig { Tables = [new TableConfig { Name = "nothing" }] };
        Assert.Equal("SourceTableMissing", (await work.FailAsync()).ErrorCode);
    }

    /// <summary>Rows of the copy that were read by going through it.</summary>
    private static async Task<long> ReadOfCopyAsync(SyncWorkshop work)
    {
        await work.Copy.EndSessionsAsync();
        return await work.Copy.ScalarAsync<long>("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relid = 'raw.adjustment'::regclass");
    }

    private static Task AssertEqualAsync(SyncWorkshop work) => work.AssertEqualAsync("adjustment", null, null, Columns);
}
