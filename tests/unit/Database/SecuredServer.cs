using System.Net;
using EtlTools.Core.Database;
using EtlTools.TestEnvironment.Postgres;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Database;

/// <summary>
/// A PostgreSQL server of its own that asks for passwords and can speak TLS, reached as this machine's host name as well,
/// which counts as a remote host.
/// </summary>
public sealed class SecuredServer : IAsyncLifetime
{
    public const string Password = "s3cret of the tests";
    private PostgresCluster? _cluster;

    public int Port => Cluster.Port;

    public string RemoteName { get; } = Dns.GetHostName();

    /// <summary>The certificate of the authority that signed the server's.</summary>
    public string AuthorityFile => Path.Combine(Cluster.Folder, "authority.crt");

    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Database=postgres;Username=postgres;Password={Password}";

    private PostgresCluster Cluster => _cluster ?? throw new InvalidOperationException(PostgresServer.PrivateSkipReason);

    private string DataFolder => Path.Combine(Cluster.Folder, "data");

    public async Task InitializeAsync()
    {
        if (PostgresServer.PrivateSkipReason is not null)
        {
            return;
        }

        _cluster = await PostgresServer.StartPrivateAsync(
            ("listen_addresses", $"127.0.0.1, {RemoteName}"), ("max_connections", "40"), ("fsync", "off"));
        await WriteCertificatesAsync();
        await ExecuteAsync($"ALTER ROLE postgres PASSWORD '{Password}'");
        await File.WriteAllTextAsync(Path.Combine(DataFolder, "pg_hba.conf"), "host all all all scram-sha-256\n");
        await ReloadAsync();
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    public EtlDatabase Connect(string connectionString) =>
        EtlDatabase.Connect(new ConnectionRequest { ConnectionString = connectionString }, _ => null);

    public Task RestartAsync() => Cluster.RestartAsync();

    /// <summary>Switches TLS on or off and waits until the server has taken it up.</summary>
    public async Task UseTlsAsync(bool on)
    {
        var expected = on ? "on" : "off";
        await ExecuteAsync($"ALTER SYSTEM SET ssl = {expected}");
        await ReloadAsync();
        for (var i = 0; (string?)await ScalarAsync("SHOW ssl") != expected; i++)
        {
            Assert.True(i < 200, "The server did not take up the new configuration.");
            await Task.Delay(50);
        }
    }

    public Task ExecuteAsync(string sql) => ScalarAsync(sql);

    private Task ReloadAsync() => ExecuteAsync("SELECT pg_reload_conf()");

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private async Task WriteCertificatesAsync()
    {
        using var authority = new CertificateAuthority();
        await authority.WriteAsync(AuthorityFile);
        await authority.IssueAsync(RemoteName, Path.Combine(DataFolder, "server.crt"), Path.Combine(DataFolder, "server.key"));
        await Unprivileged.GiveAsync(Cluster.Folder);
        if (!OperatingSystem.IsWindows())
        {
            // The folder now belongs to the server's user, and the authority's certificate is for everybody.
            File.SetUnixFileMode(AuthorityFile, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }
}
