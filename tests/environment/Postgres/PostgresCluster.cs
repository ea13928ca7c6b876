using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace EtlTools.TestEnvironment.Postgres;

/// <summary>A private PostgreSQL cluster on a free loopback port, deleted at the end.</summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    /// <summary>For clusters whose data need not survive a crash of the machine.</summary>
    public static readonly IReadOnlyDictionary<string, string> FastSettings = new Dictionary<string, string>
    {
        ["fsync"] = "off",
        ["synchronous_commit"] = "off",
        ["full_page_writes"] = "off",
        ["shared_buffers"] = "128MB",
        ["max_wal_size"] = "2GB",
    };

    private const int StartAttempts = 5;

    private readonly PostgresBinaries _binaries;
    private readonly List<string> _mounts = [];

    private PostgresCluster(PostgresBinaries binaries, string folder)
    {
        _binaries = binaries;
        Folder = folder;
    }

    /// <summary>The cluster's own temporary folder. It is given to the user the server runs as.</summary>
    public string Folder { get; }

    public int Port { get; private set; }

    /// <summary>Npgsql keywords for the superuser and the database postgres.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = "postgres",
        Database = "postgres",
    }.ConnectionString;

    private string DataFolder => DataFolderOf(Folder);

    private string LogFile => Path.Combine(Folder, "server.log");

    /// <param name="settings">Server settings by name, on top of the defaults of PostgreSQL.</param>
    public static async Task<PostgresCluster> StartAsync(
        PostgresBinaries binaries, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken = default)
    {
        var cluster = new PostgresCluster(binaries, TempFolder.Create());
        Guard.WatchPostgres(binaries.Folder, cluster.Folder);
        try
        {
            await Unprivileged.GiveAsync(cluster.Folder);
            await cluster.InitializeAsync(settings, cancellationToken);
            await cluster.StartServerAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>kill -9 of the whole server, as when the machine loses power.</summary>
    public void Kill()
    {
        var processId = int.Parse(File.ReadLines(Path.Combine(DataFolder, "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        using var server = Process.GetProcessById(processId);
        server.Kill(entireProcessTree: true);
        server.WaitForExit();
    }

    /// <summary>Starts the server again on the same port, after <see cref="Kill"/> or on top of a running one.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await StopAsync(_binaries, Folder, "fast");
        await StartServerAsync(cancellationToken, keepPort: true);
    }

    /// <summary>
    /// Makes a tablespace of a few megabytes, for tables that are created in it or moved there. See
    /// <see cref="SmallDisk.SkipReason"/>.
    /// </summary>
    public async Task CreateSmallTablespaceAsync(string name, int megabytes = 8)
    {
        var folder = Path.Combine(Folder, name);
        await SmallDisk.MountAsync(folder, megabytes);
        _mounts.Add(folder);
        await Unprivileged.GiveAsync(folder);
        await using var dataSource = NpgsqlDataSource.Create(ConnectionString);
        await using var command = dataSource.CreateCommand($"CREATE TABLESPACE \"{name}\" LOCATION '{folder}'");
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(_binaries, Folder, "immediate");
        foreach (var mount in _mounts)
        {
            await SmallDisk.UnmountAsync(mount);
        }

        TempFolder.Delete(Folder);
    }

    internal static async Task StopAsync(PostgresBinaries binaries, string folder, string mode)
    {
        if (File.Exists(Path.Combine(DataFolderOf(folder), "postmaster.pid")))
        {
            await Unprivileged.RunAsync(
                binaries.Program("pg_ctl"), ["stop", "-D", DataFolderOf(folder), "-m", mode, "-w", "-s"], folder, CancellationToken.None);
        }
    }

    private static string DataFolderOf(string folder) => Path.Combine(folder, "data");

    private async Task InitializeAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        // C.UTF-8 folds the case of all letters and sorts the same everywhere, but not every build knows it.
        foreach (var locale in new[] { "C.UTF-8", "C" })
        {
            var result = await Unprivileged.RunAsync(
                _binaries.Program("initdb"),
                ["-D", DataFolder, "-U", "postgres", "-A", "trust", "-E", "UTF8", $"--locale={locale}", "--no-sync", "--no-instructions"],
                Folder,
                cancellationToken);
            if (result.ExitCode == 0)
            {
                break;
            }

            if (locale == "C")
            {
                throw new InvalidOperationException($"initdb failed:{Environment.NewLine}{result.Output}");
            }
        }

        var all = new Dictionary<string, string>
        {
            ["listen_addresses"] = "127.0.0.1",
            ["unix_socket_directories"] = "",
            ["max_connections"] = "200",
            ["log_line_prefix"] = "%m [%p] ",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        await File.AppendAllLinesAsync(
            Path.Combine(DataFolder, "postgresql.conf"),
            all.Select(setting => $"{setting.Key} = '{setting.Value.Replace("'", "''", StringComparison.Ordinal)}'"),
            cancellationToken);
    }

    private async Task StartServerAsync(CancellationToken cancellationToken, bool keepPort = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = keepPort ? Port : LoopbackPort.FindFree();
            var exitCode = await RunPgCtlStartAsync(cancellationToken);
            if (exitCode == 0)
            {
                return;
            }

            if (attempt == StartAttempts)
            {
                var log = File.Exists(LogFile) ? await File.ReadAllTextAsync(LogFile, cancellationToken) : "";
                throw new InvalidOperationException($"PostgreSQL did not start:{Environment.NewLine}{log}");
            }

            // After a kill the memory of the old server may be in use for another moment.
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }

    private async Task<int> RunPgCtlStartAsync(CancellationToken cancellationToken)
    {
        string[] arguments = ["start", "-D", DataFolder, "-l", LogFile, "-o", $"-p {Port}", "-w", "-t", "60", "-s"];

        // On Windows the server would inherit redirected outputs, and reading them to their end would never end.
        var (file, all) = Unprivileged.Wrap(_binaries.Program("pg_ctl"), arguments);
        using var process = Process.Start(new ProcessStartInfo(file, all)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = !OperatingSystem.IsWindows(),
            RedirectStandardError = !OperatingSystem.IsWindows(),
        })!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode;
    }
}
