using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Tests.Infrastructure;

/// <summary>One database for one test or one test class, dropped when disposed.</summary>
public sealed class PostgresDatabase : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> Template = new(CreateTemplateAsync);

    private readonly string _server;

    private PostgresDatabase(string server, string name)
    {
        // Not from a pool: a server that was killed meanwhile leaves dead connections there.
        _server = new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString;
        Name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name, IncludeErrorDetail = true }.ConnectionString;
    }

    public string Name { get; }

    /// <summary>Npgsql keywords.</summary>
    public string ConnectionString { get; }

    /// <summary>An empty database on the shared server, or on a private cluster.</summary>
    public static async Task<PostgresDatabase> CreateAsync(string? server = null, string options = "") =>
        await CreateFromAsync(server ?? await PostgresServer.ConnectionStringAsync(), options);

    /// <summary>A database on the shared server where the etl schema is current: a copy of one that was made once.</summary>
    public static async Task<PostgresDatabase> CreateWithSchemaAsync() =>
        await CreateFromAsync(await PostgresServer.ConnectionStringAsync(), $"TEMPLATE \"{await Template.Value}\"");

    /// <summary>A database on the shared server with the etl schema and a pipeline's raw and staging tables.</summary>
    public static async Task<PostgresDatabase> CreateWithPipelineAsync(PipelineConfig pipeline)
    {
        var database = await CreateWithSchemaAsync();
        await using var etl = database.OpenEtl();
        await new SchemaManager(etl).ApplyAsync(pipeline, progress: null, CancellationToken.None);
        return database;
    }

    /// <summary>The engine's view of this database; dispose it before the database.</summary>
    public EtlDatabase OpenEtl() => EtlDatabase.Connect(new ConnectionRequest { ConnectionString = ConnectionString });

    /// <summary>An open connection of the test's own.</summary>
    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await OpenAsync();
        await connection.ExecuteAsync(sql, parameters);
    }

    public async Task<T?> ScalarAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await OpenAsync();
        return await connection.ExecuteScalarAsync<T>(sql, parameters);
    }

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await OpenAsync();
        return (await connection.QueryAsync<T>(sql, parameters)).AsList();
    }

    /// <summary>pg_terminate_backend on every other session of this database. Returns how many there were.</summary>
    public async Task<int> TerminateSessionsAsync(string queryPattern = "%")
    {
        await using var connection = await OpenAsync();
        return await connection.ExecuteScalarAsync<int>(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE @queryPattern
            """,
            new { queryPattern });
    }

    /// <summary>Ends all other sessions of this database: only then the server's statistics hold all that they did.</summary>
    public async Task EndSessionsAsync()
    {
        await TerminateSessionsAsync();
        await using var connection = await OpenAsync();
        for (var attempt = 1; await connection.ExecuteScalarAsync<bool>(
                 "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend')"); attempt++)
        {
            Assert.True(attempt < 600, "A session of the database does not end.");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await using (var pool = new NpgsqlConnection(ConnectionString))
        {
            NpgsqlConnection.ClearPool(pool);
        }

        try
        {
            await using var connection = new NpgsqlConnection(_server);
            await connection.OpenAsync();
            await connection.ExecuteAsync($"DROP DATABASE IF EXISTS \"{Name}\" WITH (FORCE)");
        }
        catch (NpgsqlException exception) when (exception is not PostgresException)
        {
            // A test that killed its private cluster leaves no server to drop anything on.
        }
    }

    private static async Task<PostgresDatabase> CreateFromAsync(string server, string options)
    {
        var database = new PostgresDatabase(server, "etl_test_" + Guid.NewGuid().ToString("n")[..16]);
        await using var connection = new NpgsqlConnection(database._server);
        await connection.OpenAsync();
        await connection.ExecuteAsync($"CREATE DATABASE \"{database.Name}\" {options}");
        return database;
    }

    private static async Task<string> CreateTemplateAsync()
    {
        var database = await CreateAsync();
        await using (var etl = database.OpenEtl())
        {
            await new SchemaManager(etl).ApplyAsync(pipeline: null, progress: null, CancellationToken.None);
        }

        // A template must have no session; the pool would keep one.
        await using (var pool = new NpgsqlConnection(database.ConnectionString))
        {
            NpgsqlConnection.ClearPool(pool);
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => database.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(5));
        return database.Name;
    }
}
