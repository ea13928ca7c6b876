using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EtlTools.Core.Database;
using Npgsql;
using Xunit;

namespace EtlTools.Tests.Database;

/// <summary>
/// A PostgreSQL server of its own that asks for passwords and can speak TLS, reached as this machine's host name as well,
/// which counts as a remote host.
/// </summary>
public sealed class SecuredServer : IAsyncLifetime
{
    public const string Password = "s3cret of the tests";
    private readonly string _folder = Directory.CreateTempSubdirectory("etltools-secured-").FullName;
    private string _binaries = "";

    public int Port { get; private set; }

    public string RemoteName { get; } = Dns.GetHostName();

    /// <summary>The certificate of the authority that signed the server's.</summary>
    public string AuthorityFile => Path.Combine(_folder, "authority.crt");

    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Database=postgres;Username=postgres;Password={Password}";

    internal static string? NoEnvironment(string name) => null;

    public EtlDatabase Connect(string connectionString) =>
        EtlDatabase.Connect(new ConnectionRequest { ConnectionString = connectionString }, NoEnvironment);

    public async Task InitializeAsync()
    {
        _binaries = FindBinaries();
        Port = FreePort();
        var data = Path.Combine(_folder, "data");
        var passwordFile = Path.Combine(_folder, "pw");
        await File.WriteAllTextAsync(passwordFile, Password);
        await GiveToServerAsync();
        await RunAsync("initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale=C", "-N");

        WriteCertificates(data);
        await File.AppendAllTextAsync(
            Path.Combine(data, "postgresql.conf"),
            $"port = {Port}\nlisten_addresses = 'localhost, {RemoteName}'\nunix_socket_directories = ''\nfsync = off\nmax_connections = 40\n");
        await File.AppendAllTextAsync(Path.Combine(data, "pg_hba.conf"), "host all all all scram-sha-256\n");
        await GiveToServerAsync();
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>Switches TLS on or off and lets the server read its configuration again.</summary>
    public async Task UseTlsAsync(bool on)
    {
        await ExecuteAsync($"ALTER SYSTEM SET ssl = {(on ? "on" : "off")}");
        await ExecuteAsync("SELECT pg_reload_conf()");
        // The reload reaches the postmaster by a signal.
        for (var i = 0; i < 200; i++)
        {
            NpgsqlConnection.ClearAllPools();
            if (await ScalarAsync("SHOW ssl") is string state && state == (on ? "on" : "off"))
            {
                return;
            }

            await Task.Delay(50);
        }

        throw new InvalidOperationException("The server did not take the new configuration.");
    }

    public async Task ExecuteAsync(string sql) => await ScalarAsync(sql);

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private Task StartAsync() => RunAsync(
        "pg_ctl", "-D", Path.Combine(_folder, "data"), "-l", Path.Combine(_folder, "log"), "-w", "-s", "start");

    private Task StopAsync() => RunAsync("pg_ctl", "-D", Path.Combine(_folder, "data"), "-m", "fast", "-w", "-s", "stop");

    private void WriteCertificates(string data)
    {
        var from = DateTimeOffset.UtcNow.AddDays(-1);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=EtlTools tests", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = authorityRequest.CreateSelfSigned(from, from.AddDays(30));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={RemoteName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(RemoteName);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, from, from.AddDays(20), RandomNumberGenerator.GetBytes(8));

        File.WriteAllText(AuthorityFile, authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(data, "server.crt"), certificate.ExportCertificatePem());
        var keyFile = Path.Combine(data, "server.key");
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    /// <summary>The server refuses to run as root: there its files belong to the user postgres.</summary>
    private Task GiveToServerAsync() =>
        Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
            ? StartProcessAsync("chown", ["-R", "postgres", _folder])
            : Task.CompletedTask;

    private Task RunAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(_binaries, program);
        return Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
            ? StartProcessAsync("runuser", ["-u", "postgres", "--", path, .. arguments])
            : StartProcessAsync(path, arguments);
    }

    private async Task StartProcessAsync(string program, IEnumerable<string> arguments)
    {
        // Output is not redirected: the server would keep the pipe open.
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder })!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Path.GetFileName(program)} {arguments.First()} ended with {process.ExitCode}.");
        }
    }

    private static string FindBinaries()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Concat([Environment.GetEnvironmentVariable("PGBIN") ?? ""]);
        if (Directory.Exists("/usr/lib/postgresql"))
        {
            folders = folders.Concat(
                Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(folder => Path.Combine(folder, "bin")));
        }

        var file = OperatingSystem.IsWindows() ? "initdb.exe" : "initdb";
        return folders.FirstOrDefault(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, file)))
            ?? throw new InvalidOperationException("PostgreSQL's initdb was not found: install the server, or name its folder in PGBIN.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
