using Dapper;
using Npgsql;

namespace EtlTools.Tests.Infrastructure;

public sealed class TcpProxyTests
{
    [PostgresFact]
    public async Task Passes_everything_when_no_fault_is_planned()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await using var proxy = ProxyTo(database);
        await using var connection = await ConnectAsync(database, proxy);

        Assert.Equal(1_000_000, (await connection.ExecuteScalarAsync<string>("SELECT repeat('x', 1000000)"))!.Length);
    }

    [PostgresTheory]
    [InlineData(ProxyFault.CutBefore, 0)]
    [InlineData(ProxyFault.CutAfter, 1)]
    public async Task Cuts_a_commit_before_or_after_the_server_has_done_it(ProxyFault fault, int rowsKept)
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE kept (id int)");
        await using var proxy = ProxyTo(database).At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, fault);

        await using (var connection = await ConnectAsync(database, proxy))
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await connection.ExecuteAsync("INSERT INTO kept VALUES (1)");
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => transaction.CommitAsync());
        }

        await proxy.Tripped;
        Assert.Equal(rowsKept, await database.ScalarAsync<int>("SELECT count(*) FROM kept"));

        await using var next = await ConnectAsync(database, proxy);
        Assert.Equal(1, await next.ExecuteScalarAsync<int>("SELECT 1"));
    }

    [PostgresFact]
    public async Task Cuts_after_so_many_bytes()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE kept (text text)");
        await using var proxy = ProxyTo(database).After(ProxyDirection.ToServer, 500_000, ProxyFault.CutBefore);
        await using var connection = await ConnectAsync(database, proxy);

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using var copy = await connection.BeginTextImportAsync("COPY kept FROM STDIN");
            for (var row = 0; row < 20_000; row++)
            {
                await copy.WriteAsync(new string('x', 100) + "\n");
            }
        });

        await proxy.Tripped;
        Assert.Equal(0, await database.ScalarAsync<int>("SELECT count(*) FROM kept"));
    }

    [PostgresFact]
    public async Task Stalls_until_the_client_gives_up()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await using var proxy = ProxyTo(database).At(ProxyDirection.ToServer, "SELECT 42"u8, ProxyFault.Stall);
        await using var connection = await ConnectAsync(database, proxy);
        using var impatience = new CancellationTokenSource();

        var query = connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT 42", cancellationToken: impatience.Token));
        await proxy.Tripped;
        Assert.False(query.IsCompleted);
        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => query);
    }

    private static TcpProxy ProxyTo(PostgresDatabase database)
    {
        var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        return TcpProxy.Start(server.Host!, server.Port);
    }

    private static async Task<NpgsqlConnection> ConnectAsync(PostgresDatabase database, TcpProxy proxy)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Host = "127.0.0.1",
            Port = proxy.Port,
            Pooling = false,
            SslMode = SslMode.Disable,
            CancellationTimeout = 500,
        }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}
