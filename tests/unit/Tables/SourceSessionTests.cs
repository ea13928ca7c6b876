using System.Text;
using EtlTools.Core;
using EtlTools.Core.Tables.Sources;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class SourceSessionTests
{
    [MariaDbFact]
    public async Task A_stream_is_what_the_server_sent_line_by_line()
    {
        await using var source = await MariaDbDatabase.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, s text); INSERT INTO t VALUES (1, 'a\\tb\\nc\\\\d\\re'), (2, NULL), (3, 'NULL'), (4, '😀');");
        await using var session = await OpenAsync(source);
        var (text, end) = await StreamAsync(session, "SELECT id, IFNULL(s, '\\0N') FROM t ORDER BY id");
        Assert.Equal("1\ta\\tb\\nc\\\\d\\re\n2\t\\0N\n3\tNULL\n4\t😀\n", text);
        Assert.Equal(4, end.Rows);
        Assert.Empty((await StreamAsync(session, "SELECT id FROM t WHERE id > 9")).Text);
    }

    [MariaDbFact]
    public async Task A_session_takes_one_statement_after_another_whatever_their_size()
    {
        await using var source = await MariaDbDatabase.CreateAsync(
            "CREATE TABLE t (id int PRIMARY KEY, s longtext); INSERT INTO t SELECT seq, REPEAT('x', seq * 37 % 3000) FROM seq_1_to_3000; INSERT INTO t VALUES (9999, REPEAT('y', 5000000));");
        await using var session = await OpenAsync(source);
        for (var repetition = 0; repetition < 3; repetition++)
        {
            var (text, end) = await StreamAsync(session, "SELECT id, s FROM t ORDER BY id");
            Assert.Equal(3001, end.Rows);
            Assert.Equal(3001, text.Count(character => character == '\n'));
            Assert.EndsWith(new string('y', 5_000_000) + "\n", text, StringComparison.Ordinal);
        }
    }

    [MariaDbFact]
    public async Task A_stream_that_ends_early_is_not_whole()
    {
        await using var source = await MariaDbDatabase.CreateAsync("CREATE TABLE t (id int); INSERT INTO t SELECT seq FROM seq_1_to_1000000;");
        await using var session = await OpenAsync(source);
        var pieces = 0;
        var error = await Assert.ThrowsAsync<EtlException>(() => session.StreamAsync(
            "SELECT id FROM t",
            "t",
            async (_, _) =>
            {
                if (++pieces == 1)
                {
                    await source.ExecuteAsync($"SELECT CONCAT('KILL ', id) INTO @k FROM information_schema.processlist WHERE info LIKE 'SELECT id FROM t%'; EXECUTE IMMEDIATE @k");
                }
            },
            CancellationToken.None));
        Assert.Contains(error.ErrorId, new[] { "SourceConnectionLost", "SourceStatementEnded" });
    }

    [MariaDbFact]
    public async Task A_value_that_a_function_drops_for_its_size_is_noticed()
    {
        await using var source = await MariaDbDatabase.CreateAsync("CREATE TABLE t (b longblob); INSERT INTO t VALUES (REPEAT('x', 9000000));");
        await using var session = await OpenAsync(source);
        var (_, end) = await StreamAsync(session, "SELECT IFNULL(CONCAT('\\\\x', HEX(b)), '\\0N') FROM t");
        Assert.Contains(SourceStreamEnd.ResultTooLarge, end.Warnings);
    }

    [MariaDbTheory]
    [InlineData("SELECT id FROM missing", "SourceTableMissing")]
    [InlineData("SELECT nothing FROM t", "SourceColumnMissing")]
    public async Task An_error_of_the_source_is_told_by_its_number(string sql, string errorId)
    {
        await using var source = await MariaDbDatabase.CreateAsync("CREATE TABLE t (id int);");
        await using var session = await OpenAsync(source);
        Assert.Equal(errorId, (await Assert.ThrowsAsync<EtlException>(() => StreamAsync(session, sql))).ErrorId);
    }

    [MariaDbFact]
    public async Task Wrong_credentials_and_addresses_are_refused_without_a_word_of_the_password()
    {
        await using var source = await MariaDbDatabase.CreateAsync();
        var connection = Connection(source) with { UserName = "nobody" };
        var refused = await Assert.ThrowsAsync<EtlException>(() => new ClientDatabase(connection.WithPassword("geheim")).OpenAsync(CancellationToken.None));
        Assert.Equal("SourceAuthenticationFailed", refused.ErrorId);
        Assert.DoesNotContain("geheim", refused.ToString(), StringComparison.Ordinal);
        await AssertOpenFailsAsync(Connection(source) with { Port = 1 }, "SourceUnreachable");
        await AssertOpenFailsAsync(Connection(source) with { Database = "nowhere" }, "SourceDatabaseNotFound");
        await AssertOpenFailsAsync(Connection(source) with { Client = "/nowhere/mariadb" }, "SourceClientMissing");
        await AssertOpenFailsAsync(Connection(source) with { Tls = SourceTls.Verify }, "SourceTlsFailed");
        await AssertOpenFailsAsync(Connection(source) with { TimeZone = "Nowhere/Nothing" }, "SourceTimeZoneUnknown");
    }

    [MariaDbFact]
    public async Task The_catalogue_has_whole_keys_and_columns()
    {
        await using var source = await MariaDbDatabase.CreateAsync("""
            CREATE TABLE plain (a int NOT NULL, `b c` varchar(20), n decimal(10,3) unsigned, PRIMARY KEY (a));
            CREATE TABLE pair (x int, y bigint, v text, PRIMARY KEY (y, x)) ENGINE=MyISAM;
            CREATE TABLE bare (x int);
            CREATE TABLE uniq (x int NOT NULL, y int, UNIQUE KEY k1 (y), UNIQUE KEY k2 (x));
            """);
        await using var session = await OpenAsync(source);
        var tables = (await SourceCatalogue.ReadAsync(session, [], CancellationToken.None)).ToDictionary(table => table.Name);
        Assert.Equal(["bare", "pair", "plain", "uniq"], tables.Keys.Order());
        Assert.Equal(["a"], tables["plain"].Key);
        Assert.Equal(["y", "x"], tables["pair"].Key);
        Assert.Empty(tables["bare"].Key);
        Assert.Equal(["x"], tables["uniq"].Key);
        Assert.True(tables["pair"].LocksWriters);
        Assert.Equal(["a", "b c", "n"], tables["plain"].Columns.Select(column => column.Name));
        Assert.True(tables["plain"].Columns[2] is { IsUnsigned: true, Precision: 10, Scale: 3 });
        Assert.Single(await SourceCatalogue.ReadAsync(session, ["pair"], CancellationToken.None));
    }

    private static SourceConnection Connection(MariaDbDatabase source) => new()
    {
        Name = "practice",
        Host = "127.0.0.1",
        Port = source.Port,
        Database = source.Name,
        UserName = "root",
    };

    private static Task<ISourceSession> OpenAsync(MariaDbDatabase source) => new ClientDatabase(Connection(source)).OpenAsync(CancellationToken.None);

    private static async Task AssertOpenFailsAsync(SourceConnection connection, string errorId) =>
        Assert.Equal(errorId, (await Assert.ThrowsAsync<EtlException>(() => new ClientDatabase(connection).OpenAsync(CancellationToken.None))).ErrorId);

    private static async Task<(string Text, SourceStreamEnd End)> StreamAsync(ISourceSession session, string sql)
    {
        var text = new MemoryStream();
        var end = await session.StreamAsync(
            sql, "t", (piece, _) => { text.Write(piece.Span); return ValueTask.CompletedTask; }, CancellationToken.None);
        return (Encoding.UTF8.GetString(text.ToArray()), end);
    }
}
