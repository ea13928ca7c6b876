using System.Diagnostics;
using System.Globalization;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Benchmarks;

/// <summary>A database of its own for one benchmark, dropped at the end.</summary>
internal sealed class BenchmarkDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlConnectionStringBuilder _settings;
    private readonly string _server;
    private readonly string _psql;

    public BenchmarkDatabase(string server, string name, string psql)
    {
        _server = server;
        _settings = new NpgsqlConnectionStringBuilder(server) { Database = name };
        _psql = psql;
        _source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_settings.ConnectionString) { CommandTimeout = 0 });
    }

    /// <summary>The variables that tell psql, pgloader and the loader of it.</summary>
    public IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string>
    {
        ["PGHOST"] = _settings.Host!,
        ["PGPORT"] = _settings.Port.ToString(CultureInfo.InvariantCulture),
        ["PGUSER"] = _settings.Username!,
        ["PGPASSWORD"] = _settings.Password ?? "",
        ["PGDATABASE"] = _settings.Database!,
        ["PSQL"] = _psql,
    };

    /// <summary>The client program.</summary>
    public string Psql => _psql;

    public string Uri => string.Create(
        CultureInfo.InvariantCulture,
        $"postgresql://{_settings.Username}{(_settings.Password is { } password ? ":" + System.Uri.EscapeDataString(password) : "")}@{_settings.Host}:{_settings.Port}/{_settings.Database}");

    public EtlDatabase OpenEtl() => EtlDatabase.Connect(new ConnectionRequest { ConnectionString = _settings.ConnectionString });

    public async Task ExecuteAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<long> CountAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    public async Task<string> TextAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    public async Task RequireAsync(long expected, string countSql)
    {
        var found = await CountAsync(countSql);
        if (found != expected)
        {
            throw new InvalidOperationException($"Expected {expected}, found {found}: {countSql}");
        }
    }

    /// <summary>Seconds of some work that starts with nothing left to write from before.</summary>
    public async Task<double> TimeAsync(Func<Task> work)
    {
        await ExecuteAsync("CHECKPOINT");
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>psql's copy of a file, the whole process.</summary>
    public Task<double> TimePsqlCopyAsync(string table, string file, string copyOptions) =>
        TimeAsync(() => Rivals.RunAsync(_psql, ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", $"\\copy {table} from '{file}' with ({copyOptions})"], Variables));

    /// <summary>SQL in one psql process and one transaction.</summary>
    public Task<double> TimePsqlAsync(string sql) =>
        TimeAsync(() => Rivals.RunAsync(_psql, ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-c", sql], Variables));

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await using var server = NpgsqlDataSource.Create(_server);
        await using var command = server.CreateCommand($"DROP DATABASE IF EXISTS {_settings.Database} WITH (FORCE)");
        await command.ExecuteNonQueryAsync();
    }
}
