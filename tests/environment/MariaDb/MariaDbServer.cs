using System.Diagnostics;

namespace EtlTools.TestEnvironment.MariaDb;

/// <summary>A private MariaDB server on a free loopback port, deleted at the end.</summary>
public sealed class MariaDbServer : IAsyncDisposable
{
    public const string AdminUser = "root";

    private const int StartAttempts = 5;

    private readonly MariaDbBinaries _binaries;
    private Process? _process;

    private MariaDbServer(MariaDbBinaries binaries, string folder)
    {
        _binaries = binaries;
        Folder = folder;
    }

    /// <summary>The server's own temporary folder. It is given to the user the server runs as.</summary>
    public string Folder { get; }

    public int Port { get; private set; }

    private string DataFolder => Path.Combine(Folder, "data");

    // A server that starts deletes the temporary tables that it finds: in a folder of all it would be those of others.
    private string TemporaryOption => $"--tmpdir={Folder}";

    private string LogFile => Path.Combine(Folder, "server.log");

    /// <param name="settings">Options of the server, such as --max-allowed-packet=1M.</param>
    public static async Task<MariaDbServer> StartAsync(
        MariaDbBinaries binaries, IReadOnlyList<string> settings, CancellationToken cancellationToken = default)
    {
        var server = new MariaDbServer(binaries, TempFolder.Create());
        try
        {
            await Unprivileged.GiveAsync(server.Folder);
            await server.InitializeAsync(cancellationToken);
            await server.StartServerAsync(settings, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process!.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        TempFolder.Delete(Folder);
    }

    private async Task InitializeAsync(CancellationToken cancellationToken)
    {
        var result = await Unprivileged.RunAsync(
            _binaries.Install,
            ["--no-defaults", $"--datadir={DataFolder}", TemporaryOption, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"],
            Folder,
            cancellationToken);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"mariadb-install-db failed:{Environment.NewLine}{result.Output}");
        }
    }

    private async Task StartServerAsync(IReadOnlyList<string> settings, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = LoopbackPort.FindFree();
            var (file, arguments) = Unprivileged.Wrap(
                _binaries.Server,
                [
                    "--no-defaults", $"--datadir={DataFolder}", TemporaryOption, "--bind-address=127.0.0.1", $"--port={Port}",
                    $"--socket={Path.Combine(Folder, "s")}", $"--pid-file={Path.Combine(Folder, "pid")}", $"--log-error={LogFile}",
                    "--skip-name-resolve", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=128M",
                    "--innodb-log-file-size=32M", "--performance-schema=OFF", "--character-set-server=utf8mb4", "--sql-mode=",
                    .. settings,
                ]);
            _process = Process.Start(new ProcessStartInfo(file, arguments) { WorkingDirectory = Folder, RedirectStandardError = true })!;
            _process.BeginErrorReadLine();
            Guard.WatchProcess(_process.Id, Folder);
            while (!_process.HasExited)
            {
                if (await LoopbackPort.AnswersAsync(Port, cancellationToken))
                {
                    return;
                }

                await Task.Delay(50, cancellationToken);
            }

            if (attempt == StartAttempts)
            {
                var log = File.Exists(LogFile) ? await File.ReadAllTextAsync(LogFile, cancellationToken) : "";
                throw new InvalidOperationException($"MariaDB did not start:{Environment.NewLine}{log}");
            }
        }
    }
}
