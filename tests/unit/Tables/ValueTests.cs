using System.Globalization;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>Every value arrives as it is, each type as the facts of the deployment say.</summary>
public sealed class ValueTests
{
    /// <summary>Type and value at the source; type and text in the copy.</summary>
    private static readonly (string Type, string Value, string CopyType, string? Expected)[] Cases =
    [
        ("tinyint", "-128", "smallint", "-128"),
        ("tinyint unsigned", "255", "smallint", "255"),
        ("smallint unsigned", "65535", "integer", "65535"),
        ("mediumint unsigned", "16777215", "integer", "16777215"),
        ("int unsigned", "4294967295", "bigint", "4294967295"),
        ("bigint", "-9223372036854775808", "bigint", "-9223372036854775808"),
        ("bigint", "9007199254740993", "bigint", "9007199254740993"),
        ("bigint unsigned", "18446744073709551615", "numeric(20,0)", "18446744073709551615"),
        ("year", "2155", "smallint", "2155"),
        ("decimal(30,10)", "-12345678901234567890.0123456789", "numeric(30,10)", "-12345678901234567890.0123456789"),
        ("char(5)", "'ab '", "character varying(5)", "ab"),
        ("varchar(20)", "'NULL'", "character varying(20)", "NULL"),
        ("varchar(20)", "'\\\\N'", "character varying(20)", "\\N"),
        ("varchar(20)", "''", "character varying(20)", ""),
        ("text", "'a\\tb\\nc\\\\d\\re\\r\\n\\\\.'", "text", "a\tb\nc\\d\re\r\n\\."),
        ("varchar(20) CHARACTER SET latin1", "'é'", "character varying(20)", "é"),
        ("varchar(20) CHARACTER SET utf8mb4", "'😀'", "character varying(20)", "😀"),
        ("enum('a','b c')", "'b c'", "text", "b c"),
        ("set('a','b')", "'a,b'", "text", "a,b"),
        ("date", "'0009-12-04'", "date", "0009-12-04"),
        ("date", "'0000-00-00'", "date", null),
        ("date", "'0001-01-01'", "date", null),
        ("date", "'2025-00-10'", "date", null),
        ("datetime", "'0001-01-01 00:00:00'", "timestamp without time zone", null),
        ("datetime(6)", "'2025-07-18 23:59:59.123456'", "timestamp without time zone", "2025-07-18 23:59:59.123456"),
        ("timestamp NULL", "'2020-02-29 12:00:00'", "timestamp without time zone", "2020-02-29 12:00:00"),
        ("time", "'-101:00:00'", "interval", "-101:00:00"),
        ("time(3)", "'838:59:58.999'", "interval", "838:59:58.999"),
        ("time(3)", "'-00:00:01.5'", "interval", "-00:00:01.5"),
        ("bit(12)", "b'101'", "bit varying(12)", "000000000101"),
        ("bit(64)", "~0", "bit varying(64)", "1111111111111111111111111111111111111111111111111111111111111111"),
        ("varbinary(10)", "x'00FF5C0A'", "bytea", "\\x00ff5c0a"),
        ("blob", "''", "bytea", "\\x"),
        ("uuid", "'123e4567-e89b-12d3-a456-426614174000'", "uuid", "123e4567-e89b-12d3-a456-426614174000"),
        ("inet6", "'::1'", "text", "::1"),
        ("json", "'{\"a\": [1, null]}'", "text", "{\"a\": [1, null]}"),
    ];

    [MariaDbFact]
    public async Task Every_value_arrives_as_it_is()
    {
        var columns = Cases.Select((one, i) => $"`the value {i}` {one.Type}, `nothing {i}` {(one.Type.StartsWith("timestamp", StringComparison.Ordinal) ? "timestamp NULL" : one.Type)}");
        await using var work = await SyncWorkshop.CreateAsync(
            $"""
            SET sql_mode = '';
            CREATE TABLE t (id int PRIMARY KEY, {string.Join(", ", columns)});
            INSERT INTO t VALUES (1, {string.Join(", ", Cases.Select(one => $"{one.Value}, NULL"))})
            """,
            new TableConfig { Name = "t" });
        await work.SyncAsync();
        for (var i = 0; i < Cases.Length; i++)
        {
            var copy = (await work.Copy.QueryAsync<(string Value, string Type, string Nothing)>(
                $"""SELECT "the value {i}"::text, (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'raw.t'::regclass AND attname = 'the value {i}'), "nothing {i}"::text FROM raw.t"""))[0];
            Assert.Equal((Cases[i].Type, Cases[i].Expected, Cases[i].CopyType, null), (Cases[i].Type, copy.Value, copy.Type, (string?)copy.Nothing));
        }
    }

    [MariaDbFact]
    public async Task Floats_arrive_to_the_last_digit()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, f float, d double); INSERT INTO t VALUES (1, 3.4028235e38, 1.7976931348623157e308), (2, 1e-45, 4.9e-324), (3, -0.1, -2.2250738585072014e-308), (4, 16777217, 0.1);",
            new TableConfig { Name = "t" });
        var random = new Random(1);
        var values = Enumerable.Range(5, 300).Select(id => (
            Id: id,
            F: BitConverter.Int32BitsToSingle(random.Next(0x00800000, 0x7f000000)),
            D: BitConverter.Int64BitsToDouble(random.NextInt64(0x0010000000000000, 0x7fe0000000000000)))).ToList();
        await work.Source.ExecuteAsync("INSERT INTO t VALUES " + string.Join(", ", values.Select(row =>
            string.Create(CultureInfo.InvariantCulture, $"({row.Id}, {(double)row.F:R}, {row.D:R})"))));
        await work.SyncAsync();
        var copies = await work.Copy.QueryAsync<(int Id, float F, double D)>("SELECT id, f, d FROM raw.t");
        Assert.Equal(values, copies.Where(row => row.Id >= 5).OrderBy(row => row.Id));
        Assert.Equal((3.4028235e38f, double.MaxValue), copies.Where(row => row.Id == 1).Select(row => (row.F, row.D)).Single());
        Assert.Equal((1e-45f, double.Epsilon), copies.Where(row => row.Id == 2).Select(row => (row.F, row.D)).Single());
    }

    [MariaDbFact]
    public async Task Large_values_arrive_whole()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, s longtext, b longblob); INSERT INTO t VALUES (1, CONCAT(REPEAT('äb\\n', 1500000), 'end'), REPEAT(x'00FF0A', 700000));",
            new TableConfig { Name = "t" });
        await work.SyncAsync();
        var source = await work.Source.ScalarAsync("SELECT CONCAT(MD5(s), MD5(b)) FROM t");
        Assert.Equal(source, await work.Copy.ScalarAsync<string>("SELECT md5(s) || md5(b) FROM raw.t"));

        // Its hexadecimal form is larger than the server's limit.
        await work.Source.ExecuteAsync("INSERT INTO t VALUES (2, NULL, REPEAT('x', 9000000))");
        Assert.Equal("SourceValueTooLarge", (await work.FailAsync()).ErrorCode);
        Assert.Equal(1, await work.CountAsync("raw.t"));
    }

    [MariaDbFact]
    public async Task A_tinyint_becomes_boolean_only_where_it_is_said_so()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, flag tinyint NOT NULL, other tinyint NOT NULL); INSERT INTO t VALUES (1, 1, 1), (2, 0, 0);",
            new TableConfig { Name = "t", BooleanColumns = ["flag"] });
        await work.SyncAsync();
        Assert.Equal("true|1,false|0", await work.Copy.ScalarAsync<string>("SELECT string_agg(flag::text || '|' || other, ',' ORDER BY id) FROM raw.t"));
        await work.Source.ExecuteAsync("INSERT INTO t VALUES (3, 2, 2)");
        Assert.Equal("ValueInvalid", (await work.FailAsync()).ErrorCode);
        Assert.Equal(2, await work.CountAsync("raw.t"));
    }

    [MariaDbFact]
    public async Task Zero_dates_are_counted_and_stay_in_keys()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "SET sql_mode = ''; CREATE TABLE t (d date, n datetime, m datetime NOT NULL, PRIMARY KEY (d)); INSERT INTO t VALUES ('0001-01-01', NULL, '0000-00-00'), ('2024-01-01', '0001-01-01', '0001-01-01'), ('2024-01-02', '2024-01-01', '0009-12-04');",
            new TableConfig { Name = "t" });
        Assert.Equal(3, (await work.SyncOneAsync()).ZeroDates);
        Assert.Equal("0001-01-01,-,-;2024-01-01,-,-;2024-01-02,2024-01-01 00:00:00,0009-12-04 00:00:00", await work.Copy.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(',', d, coalesce(n::text, '-'), coalesce(m::text, '-')), ';' ORDER BY d) FROM raw.t"));
        Assert.Equal(3, (await work.SyncOneAsync()).ZeroDates);
    }

    [MariaDbFact]
    public async Task Timestamps_are_written_in_the_zone_of_the_source()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, ts timestamp NOT NULL, dt datetime NOT NULL); INSERT INTO t VALUES (1, '2024-06-01 12:00:00', '2024-06-01 12:00:00');",
            new TableConfig { Name = "t", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["ts"] });
        var engine = new EtlTools.Core.Tables.Sync.TableSyncEngine(work.Database, work.Connection with { TimeZone = "+12:00" }, work.Config, work.Settings);
        await engine.SyncAsync(new(), null, CancellationToken.None);
        Assert.Equal("2024-06-02 00:00:00|2024-06-01 12:00:00", await work.Copy.ScalarAsync<string>("SELECT ts || '|' || dt FROM raw.t"));
        await work.Source.ExecuteAsync("INSERT INTO t VALUES (2, '2024-06-01 11:30:00', '2024-06-01 12:00:00'), (3, '2024-06-01 12:00:01', '2024-06-01 12:00:00')");
        var sync = Assert.Single(await engine.SyncAsync(new(), null, CancellationToken.None));
        Assert.Equal(2, sync.RowsInserted);
    }
}
