using EtlTools.Core;
using EtlTools.Core.Tables.Sources;
using EtlTools.TestEnvironment;
using EtlTools.TestEnvironment.MariaDb;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>A server with a certificate of its own, and a user who may only come by TLS.</summary>
public sealed class SourceTlsTests : IAsyncLifetime
{
    private const string HostName = "localhost";

    private readonly string _folder = TempFolder.Create();
    private MariaDbServer? _server;

    private string AuthorityFile => Path.Combine(_folder, "ca.pem");

    private SourceConnection Connection => new SourceConnection
    {
        Name = "practice",
        Host = HostName,
        Port = _server!.Port,
        Database = "mysql",
        UserName = "reader",
        CertificateFile = AuthorityFile,
    }.WithPassword("geheim");

    public async Task InitializeAsync()
    {
        if (MariaDb.SkipReason is not null)
        {
            return;
        }

        using var authority = new CertificateAuthority();
        await authority.WriteAsync(AuthorityFile);
        var (certificate, key) = (Path.Combine(_folder, "server.pem"), Path.Combine(_folder, "server.key"));
        await authority.IssueAsync(HostName, certificate, key);
        await Unprivileged.GiveAsync(_folder);
        _server = await MariaDb.StartPrivateAsync($"--ssl-cert={certificate}", $"--ssl-key={key}");
        await using var database = await MariaDbDatabase.CreateAsync("CREATE USER reader IDENTIFIED BY 'geheim' REQUIRE SSL; GRANT SELECT ON mysql.* TO reader", _server.Port);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        TempFolder.Delete(_folder);
    }

    [MariaDbFact]
    public async Task A_certificate_is_checked_where_that_is_asked_for_or_can_be_expected()
    {
        Assert.True(await IsEncryptedAsync(Connection with { Tls = SourceTls.Verify }));
        Assert.True(await IsEncryptedAsync(Connection with { Tls = SourceTls.Encrypt, CertificateFile = null }));
        Assert.True(await IsEncryptedAsync(Connection with { Tls = SourceTls.Prefer, CertificateFile = null }));

        // A certificate file is there to be used, on this machine too.
        Assert.True(await IsEncryptedAsync(Connection));
        var stranger = Path.Combine(_folder, "stranger.pem");
        using (var other = new CertificateAuthority())
        {
            await other.WriteAsync(stranger);
        }

        await AssertFailsAsync("SourceTlsFailed", Connection with { CertificateFile = stranger });
        await AssertFailsAsync("SourceTlsFailed", Connection with { Host = "127.0.0.1" });
        await AssertFailsAsync("SourceCertificateFileMissing", Connection with { CertificateFile = Path.Combine(_folder, "nowhere.pem") });
        await AssertFailsAsync("SourceAuthenticationFailed", Connection with { Tls = SourceTls.Off });
    }

    [MariaDbFact]
    public async Task Of_an_option_file_that_leads_to_another_machine_the_certificate_is_checked_too()
    {
        var elsewhere = FromFile(await WriteOptionsAsync("host=db.practice.example"));
        Assert.Contains("--ssl-verify-server-cert", (await SourceClient.FindAsync(elsewhere, CancellationToken.None)).Start(elsewhere).ArgumentList);
        var file = await WriteOptionsAsync($"host={HostName}");
        Assert.True(await IsEncryptedAsync(FromFile(file)));

        // What the file itself says about TLS stands.
        file = await WriteOptionsAsync($"host={HostName}\nssl-verify-server-cert");
        await AssertFailsAsync("SourceTlsFailed", FromFile(file));
        file = await WriteOptionsAsync($"host={HostName}\nssl-verify-server-cert\nssl-ca={AuthorityFile}");
        Assert.True(await IsEncryptedAsync(FromFile(file)));
        await File.WriteAllTextAsync(file, "an option of no group");
        await AssertFailsAsync("SourceOptionFileUnreadable", FromFile(file));
    }

    private static SourceConnection FromFile(string file) => new() { Name = "practice", Database = "mysql", OptionFile = file };

    private async Task<string> WriteOptionsAsync(string options)
    {
        var file = Path.Combine(_folder, Guid.NewGuid().ToString("n") + ".cnf");
        await File.WriteAllTextAsync(file, $"[client]\nprotocol=tcp\nport={_server!.Port}\nuser=reader\npassword=geheim\n{options}\n");
        return file;
    }

    private static async Task<bool> IsEncryptedAsync(SourceConnection connection)
    {
        await using var session = await OpenAsync(connection);
        return (await session.QueryAsync("SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'", "", CancellationToken.None))[0][0]!.Length > 0;
    }

    private static async Task AssertFailsAsync(string errorId, SourceConnection connection) =>
        Assert.Equal(errorId, (await Assert.ThrowsAsync<EtlException>(() => OpenAsync(connection))).ErrorId);

    private static Task<ISourceSession> OpenAsync(SourceConnection connection) => new ClientDatabase(connection).OpenAsync(CancellationToken.None);
}
