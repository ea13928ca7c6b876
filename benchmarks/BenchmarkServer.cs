using System.Globalization;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.TestEnvironment;
using EtlTools.TestEnvironment.Postgres;
using Npgsql;

namespace EtlTools.Benchmarks;

/// <summary>The PostgreSQL that both sides work on: a given one, or a private one with ordinary, durable settings.</summary>
internal sealed class BenchmarkServer : IAsyncDisposable
{
    /// <summary>The rest is as PostgreSQL ships: fsync, full_page_writes and synchronous_commit are on.</summary>
    public static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>
    {
        ["shared_buffers"] = "256MB",
        ["max_wal_size"] = "4GB",
    };

    private readonly PostgresCluster? _cluster;
    private readonly string _connection;

    private BenchmarkServer(PostgresCluster? cluster, string connection, string psql) =>
        (_cluster, _connection, Psql) = (cluster, connection, psql);

    /// <summary>The client program itself, not a distribution's wrapper, which takes time of its own.</summary>
    public string Psql { get; }

    public bool IsPrivate => _cluster is not null;

    public static async Task<BenchmarkServer> StartAsync(CancellationToken cancellationToken)
    {
        var binaries = await PostgresBinaries.FindOrGetAsync();
        var psql = binaries?.Program("psql") is { } own && File.Exists(own) ? own : Command.Find("psql");
        if (psql is null)
        {
            throw new InvalidOperationException("psql, the rival, is not there. Install PostgreSQL's client.");
        }

        if (GivenServers.Postgres is { } given)
        {
            return new BenchmarkServer(null, given, psql);
        }

        var cluster = await PostgresCluster.StartAsync(
            binaries ?? throw new InvalidOperationException("There is no PostgreSQL, and none to be had."), Settings, cancellationToken);
        return new BenchmarkServer(cluster, cluster.ConnectionString, psql);
    }

    public async Task<BenchmarkDatabase> CreateDatabaseAsync(PipelineConfig? pipeline = null)
    {
        var name = "etl_bench_" + Guid.NewGuid().ToString("n")[..8];
        await using (var server = NpgsqlDataSource.Create(_connection))
        {
            await using var command = server.CreateCommand($"CREATE DATABASE {name}");
            await command.ExecuteNonQueryAsync();
        }

        var database = new BenchmarkDatabase(_connection, name, Psql);
        if (pipeline is not null)
        {
            await using var etl = database.OpenEtl();
            await new SchemaManager(etl).ApplyAsync(pipeline, progress: null, CancellationToken.None);
        }

        return database;
    }

    public async Task<string> GetVersionAsync()
    {
        await using var server = NpgsqlDataSource.Create(_connection);
        await using var command = server.CreateCommand("SHOW server_version");
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        await Guard.CloseAsync();
    }
}
