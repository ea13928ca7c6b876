using EtlTools.Core.Tables.Comparison;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>A source whose columns change, under each contract.</summary>
public sealed class DriftTests
{
    private const string Rows = """
        CREATE TABLE fee (FeeNum int PRIMARY KEY, Amount decimal(6,2) NOT NULL, Code varchar(5), Edited datetime NOT NULL);
        INSERT INTO fee SELECT seq, seq, CONCAT('c', seq), '2024-01-01' FROM seq_1_to_10;
        """;

    private static readonly TableConfig Fee = new() { Name = "fee", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["Edited"] };

    [MariaDbTheory]
    [InlineData(SchemaContract.Evolve)]
    [InlineData(SchemaContract.Freeze)]
    [InlineData(SchemaContract.DiscardRow)]
    [InlineData(SchemaContract.DiscardValue)]
    public async Task A_new_column(SchemaContract contract)
    {
        await using var work = await StartAsync(contract);
        await work.Source.ExecuteAsync("ALTER TABLE fee ADD `New One` int; UPDATE fee SET `New One` = FeeNum * 2, Amount = 99, Edited = '2024-02-01' WHERE FeeNum <= 3; UPDATE fee SET Amount = 98, Edited = '2024-02-01' WHERE FeeNum = 4; UPDATE fee SET `New One` = 7 WHERE FeeNum = 10");
        if (contract == SchemaContract.Freeze)
        {
            await RefusedAsync(work, "SchemaDrift", "New One is new");
            return;
        }

        var sync = await work.SyncOneAsync();
        Assert.Equal(["New One is new"], sync.Drift);
        switch (contract)
        {
            case SchemaContract.Evolve:
                // Also rows whose date did not change have values now.
                Assert.Equal(SyncMode.Full, sync.Mode);
                await work.AssertEqualAsync("fee", null, null, "FeeNum", "Amount", "Code", "New One");
                Assert.Equal(SyncMode.Incremental, (await work.SyncOneAsync()).Mode);
                break;
            case SchemaContract.DiscardRow:
                Assert.Equal((4, 1, 0), (sync.RowsDiscarded, sync.RowsUpdated, sync.RowsDeleted));
                Assert.Equal("1,2,3,98,5,6,7,8,9,10", await AmountsAsync(work));
                break;
            case SchemaContract.DiscardValue:
                Assert.Equal((0, 4), (sync.RowsDiscarded, sync.RowsUpdated));
                Assert.Equal("99,99,99,98,5,6,7,8,9,10", await AmountsAsync(work));
                break;
        }
    }

    [MariaDbTheory]
    [InlineData(SchemaContract.Evolve)]
    [InlineData(SchemaContract.Freeze)]
    [InlineData(SchemaContract.DiscardRow)]
    [InlineData(SchemaContract.DiscardValue)]
    public async Task A_column_that_changes_its_type(SchemaContract contract)
    {
        await using var work = await StartAsync(contract);
        await work.Source.ExecuteAsync("ALTER TABLE fee MODIFY Amount decimal(10,4) NOT NULL, MODIFY Code varchar(20); UPDATE fee SET Amount = 1.2345, Edited = '2024-02-01' WHERE FeeNum = 1; UPDATE fee SET Code = 'longer than five', Edited = '2024-02-01' WHERE FeeNum = 2; UPDATE fee SET Amount = 77, Edited = '2024-02-01' WHERE FeeNum = 3");
        switch (contract)
        {
            case SchemaContract.Freeze:
                await RefusedAsync(work, "SchemaDrift", "Amount is numeric(10,4) and was numeric(6,2)");
                break;
            case SchemaContract.Evolve:
                await work.SyncOneAsync();
                Assert.Equal("numeric(10,4),character varying(20)", await work.Copy.ScalarAsync<string>(
                    "SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'raw.fee'::regclass AND attname IN ('Amount', 'Code')"));
                await work.AssertEqualAsync("fee", null, null, "FeeNum", "Amount", "Code");
                break;
            case SchemaContract.DiscardRow:
                var rows = await work.SyncOneAsync();
                Assert.Equal((2, 1), (rows.RowsDiscarded, rows.RowsUpdated));
                Assert.Equal("1,2,77,4,5,6,7,8,9,10", await AmountsAsync(work));

                // In full, too, rows that do not fit stay as they were.
                Assert.Equal((2, 0), await work.SyncOneAsync(new TableSyncOptions { IsFull = true }) is var full ? (full.RowsDiscarded, full.RowsDeleted) : default);
                break;
            case SchemaContract.DiscardValue:
                var values = await work.SyncOneAsync();
                Assert.Equal((2, 3), (values.ValuesDiscarded, values.RowsUpdated));
                Assert.Equal("-,2,77,4,5,6,7,8,9,10", await AmountsAsync(work));
                break;
        }
    }

    [MariaDbTheory]
    [InlineData(SchemaContract.Evolve)]
    [InlineData(SchemaContract.Freeze)]
    [InlineData(SchemaContract.DiscardRow)]
    [InlineData(SchemaContract.DiscardValue)]
    public async Task A_column_that_goes(SchemaContract contract)
    {
        await using var work = await StartAsync(contract);
        await work.Source.ExecuteAsync("ALTER TABLE fee DROP Code; INSERT INTO fee VALUES (11, 11, '2024-02-01')");
        if (contract == SchemaContract.Freeze)
        {
            await RefusedAsync(work, "SchemaDrift", "Code is gone");
            return;
        }

        Assert.Equal(["Code is gone"], (await work.SyncOneAsync()).Drift);
        Assert.Equal("c1,-", await work.Copy.ScalarAsync<string>("""SELECT string_agg(coalesce("Code", '-'), ',' ORDER BY "FeeNum") FROM raw.fee WHERE "FeeNum" IN (1, 11)"""));
    }

    [MariaDbFact]
    public async Task A_view_in_the_way_is_an_error_and_stays()
    {
        await using var work = await StartAsync(SchemaContract.Evolve);
        await work.Copy.ExecuteAsync("""CREATE VIEW raw.fees AS SELECT "Amount" FROM raw.fee""");
        await work.Source.ExecuteAsync("ALTER TABLE fee MODIFY Amount decimal(10,4) NOT NULL");
        await RefusedAsync(work, "SchemaDriftBlocked", "Nothing is ever dropped");
        Assert.Equal(10, await work.CountAsync("raw.fees"));
    }

    [MariaDbFact]
    public async Task Types_that_no_type_holds_are_refused()
    {
        await using var work = await StartAsync(SchemaContract.Evolve);
        await work.Source.ExecuteAsync("ALTER TABLE fee MODIFY Code varbinary(5)");
        await RefusedAsync(work, "SchemaDriftUnsafe", "no type holds the values of both");
    }

    [MariaDbFact]
    public async Task A_number_that_becomes_a_text_and_a_wider_number()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, a tinyint, b int, c int unsigned); INSERT INTO t VALUES (1, 1, 2, 3);", new TableConfig { Name = "t" });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("ALTER TABLE t MODIFY a bigint, MODIFY b varchar(10), MODIFY c bigint unsigned; INSERT INTO t VALUES (2, 9223372036854775807, 'x', 18446744073709551615)");
        await work.SyncAsync();
        await work.AssertEqualAsync("t", null, null, "id", "a", "b", "c");
    }

    [MariaDbFact]
    public async Task A_float_that_becomes_a_decimal_is_a_number_still_and_read_again()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE fee (FeeNum int PRIMARY KEY, Amount double, Part float, Edited datetime NOT NULL); INSERT INTO fee VALUES (1, 0.1234567891, 0.3, '2024-01-01'), (2, NULL, 7, '2024-01-01'), (3, 1e9 / 7, 2, '2024-01-02');", Fee);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("ALTER TABLE fee MODIFY Amount decimal(20,6), MODIFY Part decimal(5,1)");
        Assert.Equal("columns of the source have other types", Assert.Single(await work.Engine.PlanAsync(new TableSyncOptions(), CancellationToken.None)).Reason);
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, 0), (sync.Mode, sync.BecomesText.Count));
        Assert.Equal("numeric,numeric", await work.Copy.ScalarAsync<string>(
            "SELECT string_agg(format_type(atttypid, atttypmod), ',') FROM pg_attribute WHERE attrelid = 'raw.fee'::regclass AND attname IN ('Amount', 'Part')"));
        await work.AssertEqualAsync("fee", "CONCAT_WS('|', FeeNum, IFNULL(Amount, '-'), Part)", """concat_ws('|', "FeeNum", coalesce(round("Amount", 6)::text, '-'), round("Part", 1))""");
        Assert.True(Assert.Single(await new TableComparisonEngine(work.Database, work.Config, work.Settings)
            .CompareAsync(work.Connection, new TableComparisonOptions(), null, CancellationToken.None)).IsEqual);
        sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Incremental, 0), (sync.Mode, sync.Drift.Count));
    }

    [MariaDbFact]
    public async Task A_column_that_becomes_text_says_so()
    {
        await using var work = await StartAsync(SchemaContract.Evolve);
        await work.Source.ExecuteAsync("ALTER TABLE fee MODIFY Amount varchar(20), MODIFY Code text");
        var step = Assert.Single(await work.Engine.PlanAsync(new TableSyncOptions(), CancellationToken.None));
        Assert.Equal(["Amount"], step.BecomesText);
        Assert.Equal("Amount is character varying(20) and was numeric(6,2): it becomes text, Code is text and was character varying(5)", string.Join(", ", step.Drift));
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, "Amount"), (sync.Mode, Assert.Single(sync.BecomesText)));
        Assert.Empty((await work.SyncOneAsync()).BecomesText);
    }

    [MariaDbFact]
    public async Task Too_many_rows_that_do_not_fit_fail_the_table()
    {
        await using var work = await StartAsync(SchemaContract.DiscardRow);
        work.Config = new TableSyncConfig { Tables = [Fee with { Contract = SchemaContract.DiscardRow }] };
        await work.Source.ExecuteAsync("ALTER TABLE fee ADD extra int NOT NULL DEFAULT 1");
        await RefusedAsync(work, "TableVerificationFailed", "10 do not fit it; the table's threshold is 0.95", new TableSyncOptions { IsFull = true });
    }

    [MariaDbFact]
    public async Task A_trigger_that_swallows_rows_is_noticed()
    {
        await using var work = await StartAsync(SchemaContract.Evolve);
        await work.Copy.ExecuteAsync("""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE INSERT OR UPDATE ON raw.fee FOR EACH ROW EXECUTE FUNCTION swallow();
            """);

        // One row of many is too much.
        await work.Source.ExecuteAsync("UPDATE fee SET Amount = 5, Edited = '2024-02-01' WHERE FeeNum = 3");
        await RefusedAsync(work, "TableVerificationFailed", "1 did not arrive in the copy and 0 do not fit it; one that does not arrive is too much", new TableSyncOptions { IsFull = true });
    }

    private static async Task<SyncWorkshop> StartAsync(SchemaContract contract)
    {
        var work = await SyncWorkshop.CreateAsync(Rows, Fee with { Contract = contract, Monitoring = new TableMonitoring { Threshold = 0.1 } });
        await work.SyncAsync();
        return work;
    }

    private static async Task RefusedAsync(SyncWorkshop work, string errorId, string words, TableSyncOptions? options = null)
    {
        var before = await work.VersionsAsync("fee");
        var failed = await work.FailAsync(options);
        Assert.Equal(errorId, failed.ErrorCode);
        Assert.Contains(words, failed.Error, StringComparison.Ordinal);
        Assert.Equal(before, await work.VersionsAsync("fee"));
    }

    private static Task<string?> AmountsAsync(SyncWorkshop work) =>
        work.Copy.ScalarAsync<string>("""SELECT string_agg(coalesce(trunc("Amount")::text, '-'), ',' ORDER BY "FeeNum") FROM raw.fee""");
}
