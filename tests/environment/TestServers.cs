using System.Globalization;
using EtlTools.TestEnvironment.MariaDb;
using EtlTools.TestEnvironment.Postgres;
using EtlTools.TestEnvironment.S3;
using Npgsql;

namespace EtlTools.TestEnvironment;

/// <summary>A PostgreSQL, an S3 and a MariaDB server for one run of tests, demo or benchmarks: given ones, or private ones.</summary>
public sealed class TestServers : IAsyncDisposable
{
    private PostgresCluster? _postgres;
    private S3Process? _s3;
    private MariaDbServer? _mariaDb;
    private string? _connection;

    private TestServers()
    {
    }

    /// <summary>The variables that tell other programs of the servers.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public bool HasPostgres => _connection is not null;

    public bool HasMariaDb => Variables.ContainsKey(GivenServers.MariaDbVariable);

    public bool HasS3 => Variables.ContainsKey(GivenServers.S3Variable);

    /// <summary>Starts what the environment does not name; what cannot be had is left out, with a word on the console.</summary>
    public static async Task<TestServers> StartAsync(IReadOnlyDictionary<string, string> postgresSettings, bool withMariaDb)
    {
        var servers = new TestServers();
        await servers.StartPostgresAsync(postgresSettings);
        await servers.StartS3Async();
        if (withMariaDb)
        {
            await servers.StartMariaDbAsync();
        }

        return servers;
    }

    public async ValueTask DisposeAsync()
    {
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }

        if (_s3 is not null)
        {
            await _s3.DisposeAsync();
        }

        if (_mariaDb is not null)
        {
            await _mariaDb.DisposeAsync();
        }
    }

    private async Task StartPostgresAsync(IReadOnlyDictionary<string, string> settings)
    {
        _connection = GivenServers.Postgres;
        if (_connection is null && await PostgresBinaries.FindOrGetAsync() is { } binaries)
        {
            _postgres = await PostgresCluster.StartAsync(binaries, settings);
            _connection = _postgres.ConnectionString;
            Variables[PostgresBinaries.ChoiceVariable] = binaries.Folder;
        }

        if (_connection is null)
        {
            Console.WriteLine("PostgreSQL: none found, and none to be had. What needs it is skipped.");
            return;
        }

        Variables[GivenServers.PostgresVariable] = _connection;
        if (_postgres is not null)
        {
            var own = new NpgsqlConnectionStringBuilder(_connection);
            Variables["PGHOST"] = own.Host!;
            Variables["PGPORT"] = own.Port.ToString(CultureInfo.InvariantCulture);
            Variables["PGUSER"] = own.Username!;
            Variables["PGDATABASE"] = own.Database!;
        }

        await using var connection = new NpgsqlConnection(_connection);
        await connection.OpenAsync();
        Console.WriteLine($"PostgreSQL {connection.PostgreSqlVersion} on {connection.Host}:{connection.Port}");
    }

    private async Task StartS3Async()
    {
        if (GivenServers.S3 is { } given)
        {
            Variables[GivenServers.S3Variable] = given;
        }
        else if (await S3Program.FindOrGetAsync() is { } program)
        {
            _s3 = await S3Process.StartAsync(program);
            Variables[GivenServers.S3Variable] = _s3.Endpoint;
            Variables["AWS_ACCESS_KEY_ID"] = S3Process.Credential;
            Variables["AWS_SECRET_ACCESS_KEY"] = S3Process.Credential;
        }
        else
        {
            Console.WriteLine("S3: no server found, and none to be had. What needs it is skipped.");
            return;
        }

        Console.WriteLine($"S3 on {Variables[GivenServers.S3Variable]}");
    }

    private async Task StartMariaDbAsync()
    {
        if (GivenServers.MariaDbPort is { } given)
        {
            Variables[GivenServers.MariaDbVariable] = given.ToString(CultureInfo.InvariantCulture);
        }
        else if (await MariaDbBinaries.FindOrGetAsync() is { } binaries)
        {
            _mariaDb = await MariaDbServer.StartAsync(binaries, []);
            Variables[GivenServers.MariaDbVariable] = _mariaDb.Port.ToString(CultureInfo.InvariantCulture);
        }
        else
        {
            Console.WriteLine("MariaDB: none found, and none to be had. What needs it is skipped.");
            return;
        }

        Console.WriteLine($"MariaDB on 127.0.0.1:{Variables[GivenServers.MariaDbVariable]}");
    }
}
