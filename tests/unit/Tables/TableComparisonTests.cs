using System.Globalization;
using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Comparison;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class TableComparisonTests
{
    private const string Patients = """
        CREATE TABLE patient (PatNum bigint AUTO_INCREMENT PRIMARY KEY, LName varchar(100), Balance double NOT NULL, Birthdate date NOT NULL DEFAULT '0001-01-01');
        INSERT INTO patient (LName, Balance, Birthdate) SELECT IF(seq % 3, CONCAT('name ', seq), NULL), seq / 3, IF(seq % 7, DATE('1980-01-01') + INTERVAL seq % 9000 DAY, '0001-01-01') FROM seq_1_to_40000;
        ANALYZE TABLE patient;
        """;

    [MariaDbFact]
    public async Task What_was_synced_is_equal_and_every_difference_is_found_by_its_key()
    {
        await using var work = await SyncWorkshop.CreateAsync(Patients, new TableConfig { Name = "patient" });
        await work.SyncAsync();
        var equal = await CompareOneAsync(work);
        Assert.True(equal.IsEqual);
        Assert.Equal((40_000, 40_000, 2, 0), (equal.SourceRows, equal.CopyRows, equal.Chunks, equal.ChunksDifferent));

        await work.Copy.ExecuteAsync("""
            DELETE FROM raw.patient WHERE "PatNum" IN (1, 40000);
            INSERT INTO raw.patient VALUES (70000, 'x', 1, NULL), (-5, 'x', 1, NULL);
            UPDATE raw.patient SET "LName" = '' WHERE "PatNum" = 3;
            UPDATE raw.patient SET "Balance" = "Balance" + 1e-9 WHERE "PatNum" = 30000;
            UPDATE raw.patient SET "Balance" = NULL WHERE "PatNum" = 31000;
            UPDATE raw.patient SET "Birthdate" = NULL WHERE "PatNum" = 32000
            """);
        var different = await CompareOneAsync(work);
        Assert.Equal((2, 2, 4, 40_000, 40_000), (different.Missing, different.Extra, different.Different, different.SourceRows, different.CopyRows));
        Assert.Equal(
            ["Different 3", "Different 30000", "Different 31000", "Different 32000", "Extra -5", "Extra 70000", "Missing 1", "Missing 40000"],
            different.Difference.Select(one => $"{one.Kind} {one.Key["PatNum"]}").Order(StringComparer.Ordinal));
        Assert.True(different.IsComplete);
        Assert.False(different.IsAccepted);
        Assert.True((await CompareOneAsync(work, new TableComparisonOptions { Tolerance = 0.001 })).IsAccepted);

        var cut = await CompareOneAsync(work, new TableComparisonOptions { MaxDifference = 2, Tolerance = 0.5 });
        Assert.Equal(2, cut.Difference.Count);
        Assert.False(cut.IsComplete);
        Assert.False(cut.IsAccepted);
    }

    [MariaDbFact]
    public async Task Every_type_has_one_text_on_both_sides()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            """
            CREATE TABLE v (id int PRIMARY KEY, ti tinyint, tu tinyint unsigned, si smallint, mi mediumint unsigned, i int unsigned, b bigint, bu bigint unsigned, z int(6) zerofill, y year,
                f float, d double, n decimal(12,4), nb decimal(65,30), c char(5), v varchar(50), latin varchar(50) CHARACTER SET latin1, three varchar(50) CHARACTER SET utf8mb3, tx text, lt longtext,
                e enum('a','b c'), s set('x','y'), bl blob, bi binary(4), vb varbinary(9), da date, dt datetime, d3 datetime(3), d6 datetime(6), ts timestamp NULL, t time, t3 time(3), bit1 bit(1), bit9 bit(9), flag tinyint);
            INSERT INTO v (id) VALUES (1);
            INSERT INTO v VALUES (2, -128, 255, -32768, 16777215, 4294967295, -9223372036854775808, 18446744073709551615, 42, 2024,
                0.1, 1/3, -12345678.9, 1.000000000000000000000000000001, 'ab', 'x\ty\nz\\q\re', 'Ünïcode ÿ', 'Māori', REPEAT('long ', 9000), REPEAT('longer ', 90000),
                'b c', 'x,y', X'00FF0A0D5C', X'01', X'', '2024-02-29', '2024-02-29 23:59:59', '2024-02-29 23:59:59.5', '2024-02-29 23:59:59.000001', '2024-02-29 12:00:00', '-101:02:03', '838:59:59', b'1', b'101', 1);
            INSERT INTO v VALUES (3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                3.4028235e38, 1.7976931348623157e308, 0, -0.5, '', '', '', '', '', '',
                'a', '', '', X'00000000', X'5C', '0001-01-01', '0009-12-04 00:00:00', '0000-00-00', '2024-01-01', NULL, '00:00:00', '-00:00:00.25', b'0', b'0', 0);
            INSERT INTO v (id, f, d, v, tx) VALUES (4, 1e-38, 5e-324, '😀 NULL \\N', 'NULL'), (5, 16777217, 9007199254740993, "it's | \"quoted\"", '\\.'), (6, -1.5e15, 1e15, ' lead', 'trail '), (7, 123456.7, 123456789012345.6, 'a', 'b');
            """,
            new TableConfig { Name = "v", BooleanColumns = ["flag"] });
        await work.SyncAsync();
        var comparison = await CompareOneAsync(work);
        Assert.True(comparison.IsEqual, string.Join(", ", comparison.Difference.Select(one => one.Key["id"])) + comparison.Error);
        Assert.Equal((7, 7), (comparison.SourceRows, comparison.CopyRows));
    }

    [MariaDbFact]
    public async Task Amounts_add_up_on_both_sides_whatever_their_type()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            """
            CREATE TABLE pay (id int PRIMARY KEY, amount double NOT NULL, small float, exact decimal(20,4), wide decimal(60,20), units bigint unsigned, year year, note varchar(5));
            INSERT INTO pay SELECT seq, seq / 7, seq / 3, seq / 8, seq / 11, seq * 1000000000000000, 2000 + seq % 30, 'x' FROM seq_1_to_3000;
            INSERT INTO pay VALUES (4000, 1.7e308, NULL, NULL, NULL, NULL, NULL, NULL), (4001, -1e15, 1e-30, -0.0001, 1e39, 18446744073709551615, 1999, NULL);
            CREATE TABLE none (id int PRIMARY KEY, amount double);
            """,
            new TableConfig { Name = "pay" },
            new TableConfig { Name = "none" });
        await work.SyncAsync();
        var options = new TableComparisonOptions { IncludeSum = true };
        var equal = (await CompareAsync(work, options)).ToDictionary(comparison => comparison.Name);
        Assert.All(equal.Values, comparison => Assert.True(comparison.IsEqual, comparison.Error));
        Assert.Equal(["amount", "small", "exact", "wide", "units", "year"], equal["pay"].Sum.Select(sum => sum.Column));
        Assert.All(equal.Values.SelectMany(comparison => comparison.Sum), sum => Assert.True(sum.IsEqual, $"{sum.Column} {sum.Source} {sum.Copy}"));
        Assert.Equal(562_687.4999m, equal["pay"].Sum[2].Source);
        Assert.Equal(((decimal?)null, (decimal?)null), (equal["none"].Sum[0].Source, equal["none"].Sum[0].Copy));
        Assert.Null(equal["pay"].Sum[3].Source);

        await work.Copy.ExecuteAsync("""UPDATE raw.pay SET amount = amount + 0.01, exact = exact - 0.0001 WHERE id = 7""");
        var different = (await CompareAsync(work, options)).Single(comparison => comparison.Name == "pay").Sum;
        Assert.Equal(["amount", "exact"], different.Where(sum => !sum.IsEqual).Select(sum => sum.Column));
        Assert.Equal((0.01m, -0.0001m), (different[0].Copy - different[0].Source, different[2].Copy - different[2].Source));
        Assert.All(await CompareAsync(work, new TableComparisonOptions()), comparison => Assert.Empty(comparison.Sum));
    }

    [MariaDbFact]
    public async Task Numbers_of_every_size_have_one_text_on_both_sides()
    {
        var random = new Random(4711);
        var rows = Enumerable.Range(1, 3000).Select(i =>
        {
            var number = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-40, 38));
            return string.Create(CultureInfo.InvariantCulture, $"({i}, {number:R}, {(float)number:R})");
        });
        var powers = Enumerable.Range(-30, 60).SelectMany((power, i) => new[]
        {
            string.Create(CultureInfo.InvariantCulture, $"({5000 + (2 * i)}, 1e{power}, 1e{power})"),
            string.Create(CultureInfo.InvariantCulture, $"({5001 + (2 * i)}, -9.99e{power}, 1.5e{power})"),
        });
        await using var work = await SyncWorkshop.CreateAsync(
            $"CREATE TABLE n (id int PRIMARY KEY, d double, f float); INSERT INTO n VALUES {string.Join(", ", rows.Concat(powers))};", new TableConfig { Name = "n" });
        await work.SyncAsync();
        var comparison = await CompareOneAsync(work);
        Assert.True(comparison.IsEqual, $"{comparison.Different}: {string.Join(", ", comparison.Difference.Take(5).Select(one => one.Key["id"]))}{comparison.Error}");
        Assert.Equal(3120, comparison.SourceRows);
    }

    [MariaDbFact]
    public async Task Keys_of_several_columns_and_of_texts_are_told_whole_and_tables_without_one_are_counted()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            """
            CREATE TABLE link (a int, b varchar(20), c datetime, v int, PRIMARY KEY (b, a, c));
            INSERT INTO link SELECT seq % 7, CONCAT('k\t', seq), '2024-01-01', seq FROM seq_1_to_500;
            CREATE TABLE bare (x int, y varchar(5));
            INSERT INTO bare VALUES (1, 'a'), (1, 'a'), (1, 'a'), (2, NULL), (NULL, NULL);
            CREATE TABLE token (id binary(4), t mediumtext NOT NULL, PRIMARY KEY (id, t(10)));
            INSERT INTO token VALUES (X'00FF0A', 'x'), (X'09', 'x');
            """,
            new TableConfig { Name = "token", PrimaryKey = ["id", "t"] },
            new TableConfig { Name = "link" },
            new TableConfig { Name = "bare" });
        await work.SyncAsync();
        Assert.All(await CompareAsync(work, new TableComparisonOptions()), comparison => Assert.True(comparison.IsEqual, comparison.Error));

        await work.Copy.ExecuteAsync("""
            DELETE FROM raw.link WHERE v = 9;
            DELETE FROM raw.token WHERE id = '\x00ff0a00';
            DELETE FROM raw.bare WHERE ctid IN (SELECT ctid FROM raw.bare WHERE x = 1 LIMIT 2);
            INSERT INTO raw.bare VALUES (7, 'z')
            """);
        var both = (await CompareAsync(work, new TableComparisonOptions())).ToDictionary(comparison => comparison.Name);
        Assert.Equal((1, 0, 0), (both["link"].Missing, both["link"].Extra, both["link"].Different));
        Assert.Equal([("b", "k\t9"), ("a", "2"), ("c", "2024-01-01 00:00:00")], both["link"].Difference[0].Key.Select(pair => (pair.Key, pair.Value!)));
        Assert.Equal([("id", "00ff0a00"), ("t", "x")], both["token"].Difference.Single().Key.Select(pair => (pair.Key, pair.Value!)));
        Assert.Equal((2, 1, 0), (both["bare"].Missing, both["bare"].Extra, both["bare"].Different));
        Assert.All(both["bare"].Difference, difference => Assert.Empty(difference.Key));
    }

    [MariaDbFact]
    public async Task A_table_that_cannot_be_compared_does_not_stop_the_others()
    {
        await using var work = await SyncWorkshop.CreateAsync("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, more int); CREATE TABLE c (id int PRIMARY KEY);", new TableConfig { Name = "b" });
        await work.SyncAsync();
        work.Config = new TableSyncConfig { Tables = [new TableConfig { Name = "a" }, new TableConfig { Name = "b" }, new TableConfig { Name = "gone" }] };
        await work.Copy.ExecuteAsync("ALTER TABLE raw.b DROP COLUMN more, ADD COLUMN ours int");
        var done = (await CompareAsync(work, new TableComparisonOptions())).ToDictionary(comparison => comparison.Name);
        Assert.Equal(("CopyMissing", "SourceTableMissing"), (done["a"].ErrorCode, done["gone"].ErrorCode));
        Assert.Equal(["more"], done["b"].MissingColumn);
        Assert.Equal(["ours"], done["b"].ExtraColumn);
        Assert.False(done["b"].IsEqual);
        Assert.False(done["a"].IsAccepted);

        // What was not counted is no zero.
        Assert.Equal(((long?)null, (long?)null, (long?)null, (int?)null), (done["a"].SourceRows, done["a"].Missing, done["a"].Kept, done["a"].Chunks));
        Assert.Equal(0, done["b"].SourceRows);
    }

    [MariaDbFact]
    public async Task Rows_that_a_copy_keeps_by_design_are_told_apart_from_differences()
    {
        var log = new TableConfig { Name = "log", Importance = TableImportance.Audit };
        await using var work = await SyncWorkshop.CreateAsync(
            """
            CREATE TABLE log (id int PRIMARY KEY, entry varchar(20)); INSERT INTO log SELECT seq, CONCAT('e', seq) FROM seq_1_to_3000;
            CREATE TABLE bare (entry varchar(20)); INSERT INTO bare VALUES ('a'), ('a'), ('b');
            """,
            log,
            new TableConfig { Name = "bare", Deletes = false });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("DELETE FROM log WHERE id <= 2000; DELETE FROM bare WHERE entry = 'a' LIMIT 1;");
        await work.SyncAsync();
        var kept = (await CompareAsync(work, new TableComparisonOptions { MaxDifference = 10 })).ToDictionary(one => one.Name);
        Assert.Equal((2000, 0, 0, 0), (kept["log"].Kept, kept["log"].Missing, kept["log"].Extra, kept["log"].Different));
        Assert.Equal((1, 0, 0), (kept["bare"].Kept, kept["bare"].Missing, kept["bare"].Extra));
        Assert.All(kept.Values, one => Assert.Equal((false, true, true, 0), (one.IsEqual, one.IsAccepted, one.IsComplete, one.Difference.Count)));

        // What it should have and has not is a difference all the same, and so is what another table has too much.
        await work.Copy.ExecuteAsync("DELETE FROM raw.log WHERE id = 2500");
        work.Config = new TableSyncConfig { Tables = [log] };
        Assert.Equal((2000, 1, false), await CompareOneAsync(work) is var missing ? (missing.Kept, missing.Missing, missing.IsAccepted) : default);
        work.Config = new TableSyncConfig { Tables = [log with { Deletes = true }] };
        Assert.Equal((0, 1, 2000, false), await CompareOneAsync(work, new TableComparisonOptions { MaxDifference = 5000 }) is var extra ? (extra.Kept, extra.Missing, extra.Extra, extra.IsAccepted) : default);
    }

    [MariaDbFact]
    public async Task Json_is_compared_as_the_text_that_it_is_and_by_presence_where_the_copy_has_it_as_jsonb()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            """CREATE TABLE t (id int PRIMARY KEY, doc json); INSERT INTO t VALUES (1, '{"b": 1,  "a": [1.0, "x"]}'), (2, NULL), (3, '[]');""", new TableConfig { Name = "t" });
        await work.SyncAsync();
        Assert.Equal((true, 0), await CompareOneAsync(work) is var text ? (text.IsEqual, text.UncomparedColumn.Count) : default);
        await work.Copy.ExecuteAsync("""UPDATE raw.t SET doc = '{"b": 1, "a": [1.0, "x"]}' WHERE id = 1""");
        Assert.Equal(1, (await CompareOneAsync(work)).Different);
        await work.Copy.ExecuteAsync("CREATE SCHEMA old; CREATE TABLE old.t AS SELECT id, doc::json FROM raw.t; ALTER TABLE raw.t ALTER doc TYPE jsonb USING doc::jsonb");
        Assert.Equal((true, "doc"), await CompareOneAsync(work) is var json ? (json.IsEqual, json.UncomparedColumn[0]) : default);
        await work.Copy.ExecuteAsync("UPDATE raw.t SET doc = NULL WHERE id = 3");
        Assert.Equal(1, (await CompareOneAsync(work)).Different);

        // Two copies say the same in two ways, or not.
        var copies = await CompareCopiesAsync(work, "old");
        Assert.Equal((1, 0), (copies.Different, copies.UncomparedColumn.Count));
        await work.Copy.ExecuteAsync("ALTER TABLE old.t ALTER doc TYPE text");
        Assert.Equal((1, "doc"), await CompareCopiesAsync(work, "old") is var uncompared ? (uncompared.Different, uncompared.UncomparedColumn[0]) : default);
    }

    [Theory]
    [InlineData("text", nameof(CanonicalKind.LongText))]
    [InlineData("json", nameof(CanonicalKind.LongText))]
    [InlineData("jsonb", nameof(CanonicalKind.Presence))]
    public void Json_of_MySQL_is_a_text_where_the_copy_keeps_it_as_one(string copyType, string kind) =>
        Assert.Equal(kind, CanonicalColumn.Of(new SourceColumn { Name = "doc", DataType = "json", ColumnType = "json" }, copyType).Kind.ToString());

    [PostgresFact]
    public async Task Two_copies_are_compared_whatever_types_they_chose()
    {
        await using var copy = await PostgresDatabase.CreateWithSchemaAsync();
        await copy.ExecuteAsync("""
            CREATE SCHEMA IF NOT EXISTS raw; CREATE SCHEMA old;
            CREATE TABLE raw.t (id bigint PRIMARY KEY, flag smallint, amount numeric(10,2), name varchar(20), at timestamp, day date);
            CREATE TABLE old.t (id integer, flag boolean, amount numeric, name text, at timestamp, day timestamp, loaded_at timestamptz);
            INSERT INTO raw.t SELECT i, i % 2, i / 4.0, 'n' || i, '2024-01-01 10:00', '2024-01-01' FROM generate_series(1, 5000) i;
            INSERT INTO old.t SELECT i, i % 2 = 1, i / 4.0, 'n' || i, '2024-01-01 10:00', '2024-01-01', now() FROM generate_series(1, 5000) i;
            """);
        await using var database = copy.OpenEtl();
        var engine = new TableComparisonEngine(database, new TableSyncConfig { Tables = [new TableConfig { Name = "t", EstimatedRows = 5000 }] }, new TableSyncSettings());
        var equal = Assert.Single(await engine.CompareWithCopyAsync(database, "old", new TableComparisonOptions(), null, CancellationToken.None));
        Assert.True(equal.IsEqual, $"{equal.Different} {equal.Error}");
        Assert.Equal(["loaded_at"], equal.ExtraColumn);
        await copy.ExecuteAsync("UPDATE old.t SET amount = amount + 0.001 WHERE id = 77; DELETE FROM old.t WHERE id = 5");
        var different = Assert.Single(await engine.CompareWithCopyAsync(database, "old", new TableComparisonOptions(), null, CancellationToken.None));
        Assert.Equal(["Missing 5", "Different 77"], different.Difference.Select(one => $"{one.Kind} {one.Key["id"]}"));
    }

    /// <summary>An older pipeline's database: another one, in another encoding, that no EtlTools has prepared.</summary>
    [PostgresFact]
    public async Task A_copy_in_another_database_is_compared_whatever_its_encoding()
    {
        const string Rows = """
            CREATE SCHEMA IF NOT EXISTS raw;
            CREATE TABLE raw.t (code varchar(20) PRIMARY KEY, name text);
            INSERT INTO raw.t SELECT 'ä' || i, 'Müller' || i FROM generate_series(1, 3000) i;
            """;
        await using var copy = await PostgresDatabase.CreateWithSchemaAsync();
        await using var old = await PostgresDatabase.CreateAsync(options: "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
        await copy.ExecuteAsync(Rows);
        await old.ExecuteAsync(Rows);
        await using var database = copy.OpenEtl();
        await using var other = old.OpenEtl();
        var engine = new TableComparisonEngine(database, new TableSyncConfig { Tables = [new TableConfig { Name = "t" }] }, new TableSyncSettings());
        Assert.True((await CompareAsync()).IsEqual);
        await old.ExecuteAsync("UPDATE raw.t SET name = 'Müllér' WHERE code = 'ä7'; DELETE FROM raw.t WHERE code = 'ä8'");
        Assert.Equal(["Different ä7", "Missing ä8"], (await CompareAsync()).Difference.Select(one => $"{one.Kind} {one.Key["code"]}"));
        await old.ExecuteAsync("DROP TABLE raw.t");
        Assert.Equal($"There is no table raw.t to compare in {other.Description}.", (await CompareAsync()).Error);

        async Task<TableComparison> CompareAsync() => Assert.Single(await engine.CompareWithCopyAsync(other, "raw", new TableComparisonOptions(), null, CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_copy_is_not_compared_with_itself_by_another_name()
    {
        await using var copy = await PostgresDatabase.CreateWithSchemaAsync();
        await copy.ExecuteAsync("CREATE SCHEMA IF NOT EXISTS raw; CREATE TABLE raw.t (id int PRIMARY KEY)");
        await using var database = copy.OpenEtl();
        await using var again = EtlDatabase.Connect(new ConnectionRequest { ConnectionString = $"{copy.ConnectionString};Application Name=again" });
        var engine = new TableComparisonEngine(database, new TableSyncConfig { Tables = [new TableConfig { Name = "t" }] }, new TableSyncSettings());
        var refused = await Assert.ThrowsAsync<EtlException>(() => engine.CompareWithCopyAsync(again, "raw", new TableComparisonOptions(), null, CancellationToken.None));
        Assert.Equal("ComparedWithItself", refused.ErrorId);
    }

    private static async Task<TableComparison> CompareOneAsync(SyncWorkshop work, TableComparisonOptions? options = null) =>
        Assert.Single(await CompareAsync(work, options ?? new TableComparisonOptions()));

    private static async Task<TableComparison> CompareCopiesAsync(SyncWorkshop work, string schema) => Assert.Single(
        await new TableComparisonEngine(work.Database, work.Config, work.Settings).CompareWithCopyAsync(work.Database, schema, new TableComparisonOptions(), null, CancellationToken.None));

    private static Task<IReadOnlyList<TableComparison>> CompareAsync(SyncWorkshop work, TableComparisonOptions options) =>
        new TableComparisonEngine(work.Database, work.Config, work.Settings).CompareAsync(work.Connection, options, null, CancellationToken.None);
}
