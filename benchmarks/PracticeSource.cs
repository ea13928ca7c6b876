using System.Globalization;
using EtlTools.Core.Tables.Sources;
using EtlTools.TestEnvironment;
using EtlTools.TestEnvironment.MariaDb;

namespace EtlTools.Benchmarks;

/// <summary>A database of a MariaDB server: a given one, or a private one with its own settings.</summary>
internal sealed class PracticeSource : IAsyncDisposable
{
    private readonly MariaDbServer? _server;

    private PracticeSource(MariaDbServer? server, int port) => (_server, Port) = (server, port);

    public int Port { get; }

    public string Name { get; } = "etl_bench_" + Guid.NewGuid().ToString("n")[..8];

    public SourceConnection Connection => new() { Name = "practice", Host = "127.0.0.1", Port = Port, Database = Name, UserName = MariaDbServer.AdminUser };

    /// <summary>The client with all that it needs but what it is to do.</summary>
    public string ClientCommand => string.Create(
        CultureInfo.InvariantCulture, $"{MariaDbBinaries.Find()!.Client} --no-defaults --host=127.0.0.1 --port={Port} --user={MariaDbServer.AdminUser} --default-character-set=utf8mb4 --quick --batch -N");

    public static async Task<PracticeSource> CreateAsync()
    {
        var given = GivenServers.MariaDbPort;
        var server = given is null ? await MariaDbServer.StartAsync(MariaDbBinaries.Find()!, []) : null;
        var source = new PracticeSource(server, given ?? server!.Port);
        await source.RunAsync("mysql", [$"CREATE DATABASE {source.Name}"]);
        return source;
    }

    public Task ExecuteAsync(IEnumerable<string> statements) => RunAsync(Name, statements);

    public async ValueTask DisposeAsync()
    {
        if (_server is null)
        {
            await RunAsync("mysql", [$"DROP DATABASE {Name}"]);
        }
        else
        {
            await _server.DisposeAsync();
        }
    }

    private async Task RunAsync(string database, IEnumerable<string> statements)
    {
        foreach (var statement in statements)
        {
            await Rivals.RunAsync(
                MariaDbBinaries.Find()!.Client,
                ["--no-defaults", "--host=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $"--port={Port}"), $"--user={MariaDbServer.AdminUser}", $"--database={database}", $"--execute=SET sql_mode=''; {statement}"],
                new Dictionary<string, string>());
        }
    }
}
