using System.Net;
using System.Net.Sockets;
using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Database;

public sealed class EtlDatabaseTests(SecuredServer server) : IClassFixture<SecuredServer>
{
    private string Remote => $"Host={server.RemoteName};Port={server.Port};Database=postgres;Username=postgres;Password={SecuredServer.Password}";

    [PrivatePostgresFact]
    public async Task It_tells_what_answered()
    {
        await server.UseTlsAsync(false);
        await using var database = server.Connect(server.ConnectionString);

        var info = await database.GetInfoAsync(default);

        Assert.Equal(("127.0.0.1", server.Port, "postgres", "postgres"), (info.Host, info.Port, info.Database, info.User));
        Assert.Equal(("None", "NotInitialized"), (info.Tls, info.Schema));
        Assert.NotEmpty(info.ServerVersion);
    }

    [PrivatePostgresFact]
    public async Task The_schema_version_is_compared_with_the_migrations()
    {
        await using var database = server.Connect(server.ConnectionString);
        await server.ExecuteAsync("CREATE SCHEMA etl; CREATE TABLE etl.schema_migrations (version int PRIMARY KEY)");
        try
        {
            Assert.Equal("NotInitialized", (await database.GetInfoAsync(default)).Schema);
            var latest = MigrationCatalog.LatestVersion;
            foreach (var (version, expected) in new[] { (latest - 1, "UpgradeNeeded"), (latest, "Current"), (latest + 1, "Newer") })
            {
                await server.ExecuteAsync($"INSERT INTO etl.schema_migrations VALUES ({version})");
                Assert.Equal(expected, (await database.GetInfoAsync(default)).Schema);
            }
        }
        finally
        {
            await server.ExecuteAsync("DROP SCHEMA etl CASCADE");
        }
    }

    [PrivatePostgresFact]
    public async Task Every_session_has_the_settings_the_engine_relies_on()
    {
        await using var database = server.Connect(server.ConnectionString);
        await server.ExecuteAsync("ALTER ROLE postgres SET statement_timeout = '7min'; ALTER ROLE postgres SET tcp_keepalives_interval = 5");
        try
        {
            // Twice from the pool: giving a connection back resets it.
            for (var i = 0; i < 2; i++)
            {
                await using var connection = await database.OpenAsync(default);
                Assert.Equal("500ms", await ShowAsync(connection, "client_connection_check_interval"));
                Assert.Equal("0", await ShowAsync(connection, "statement_timeout"));
                Assert.Equal("UTC", await ShowAsync(connection, "TimeZone"));
                Assert.Equal("ISO, YMD", await ShowAsync(connection, "DateStyle"));
                Assert.Equal("warning", await ShowAsync(connection, "client_min_messages"));
                Assert.Equal("UTF8", await ShowAsync(connection, "client_encoding"));
                Assert.Equal("EtlTools", await ShowAsync(connection, "application_name"));
                Assert.Equal("15min", await ShowAsync(connection, "idle_in_transaction_session_timeout"));
                Assert.Equal("30", await ShowAsync(connection, "tcp_keepalives_idle"));

                // What the server has set more strictly stays.
                Assert.Equal("5", await ShowAsync(connection, "tcp_keepalives_interval"));
            }
        }
        finally
        {
            await server.ExecuteAsync("ALTER ROLE postgres RESET ALL");
        }
    }

    [PrivatePostgresFact]
    public async Task An_unpooled_session_ends_when_it_is_closed()
    {
        await using var database = server.Connect(server.ConnectionString);
        int processId;
        await using (var lease = await database.OpenUnpooledAsync(default))
        {
            processId = lease.ProcessID;
            await ShowAsync(lease, "pg_advisory_lock(4711)", "SELECT pg_advisory_lock(4711)::text");
        }

        await using var connection = await database.OpenAsync(default);
        Assert.NotEqual(processId, connection.ProcessID);
        for (var i = 0; await ShowAsync(connection, "", $"SELECT count(*)::text FROM pg_stat_activity WHERE pid = {processId}") != "0"; i++)
        {
            Assert.True(i < 200, "The session is still there.");
            await Task.Delay(50);
        }
    }

    [PrivatePostgresFact]
    public async Task A_pool_outlives_a_restart_of_the_server()
    {
        await using var database = server.Connect(server.ConnectionString);
        await database.GetInfoAsync(default);

        await server.RestartAsync();

        Assert.Equal("postgres", (await database.GetInfoAsync(default)).Database);
    }

    [PrivatePostgresFact]
    public async Task A_wrong_password_is_refused_without_repeating_it()
    {
        await using var database = server.Connect(server.ConnectionString + "1");
        var error = await RefusedAsync(database);

        Assert.Equal(("AuthenticationFailed", EtlErrorKind.Permission), (error.ErrorId, error.Kind));
        Assert.DoesNotContain(SecuredServer.Password, error.ToString(), StringComparison.Ordinal);
    }

    [PrivatePostgresFact]
    public async Task A_missing_password_is_said_to_be_missing()
    {
        var empty = Path.GetTempFileName();
        try
        {
            await using var database = server.Connect($"Host=127.0.0.1;Port={server.Port};Username=postgres;Passfile={empty}");
            Assert.Equal("PasswordMissing", (await RefusedAsync(database)).ErrorId);
        }
        finally
        {
            File.Delete(empty);
        }
    }

    [PrivatePostgresTheory]
    [InlineData("Passfile=/no/such/file")]
    [InlineData("SSL Mode=Require;SSL Certificate=/no/such/file;Password=x")]
    public async Task A_file_that_is_not_there_is_told(string setting)
    {
        await server.UseTlsAsync(true);
        await using var database = server.Connect($"Host=127.0.0.1;Port={server.Port};Username=postgres;{setting}");
        Assert.Equal("ConnectionFileUnreadable", (await RefusedAsync(database)).ErrorId);
    }

    [PrivatePostgresFact]
    public async Task A_password_file_is_used()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $"127.0.0.1:{server.Port}:postgres:postgres:{SecuredServer.Password}\n");
            await using var database = EtlDatabase.Connect(
                new ConnectionRequest { ConnectionString = $"postgresql://postgres@127.0.0.1:{server.Port}/postgres" },
                name => name == "PGPASSFILE" ? file : null);
            Assert.Equal("postgres", (await database.GetInfoAsync(default)).User);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [PrivatePostgresFact]
    public async Task A_wrong_database_is_named()
    {
        await using var database = server.Connect(server.ConnectionString.Replace("Database=postgres", "Database=clinic_x", StringComparison.Ordinal));
        var error = await RefusedAsync(database);
        Assert.Equal(("DatabaseNotFound", "clinic_x"), (error.ErrorId, error.Target));
    }

    [PrivatePostgresFact]
    public async Task A_role_without_privileges_is_told_which()
    {
        await server.ExecuteAsync("CREATE SCHEMA closed; CREATE TABLE closed.t (); CREATE ROLE reader LOGIN PASSWORD 'x'");
        try
        {
            await using var database = server.Connect($"Host=127.0.0.1;Port={server.Port};Database=postgres;Username=reader;Password=x");
            await using var connection = await database.OpenAsync(default);
            await using var command = new NpgsqlCommand("SELECT * FROM closed.t", connection);
            var error = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            var translated = DatabaseErrors.Translate(error, "x");
            Assert.Equal(("PermissionDenied", "closed"), (translated.ErrorId, translated.Target));
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await server.ExecuteAsync("DROP SCHEMA closed CASCADE; DROP ROLE reader");
        }
    }

    [PrivatePostgresFact]
    public async Task A_closed_port_is_named()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var database = server.Connect($"Host=127.0.0.1;Port={port};Password=hidden");

        var error = await RefusedAsync(database);

        Assert.Equal(("DatabaseUnreachable", EtlErrorKind.Connection, true), (error.ErrorId, error.Kind, error.IsTransient));
        Assert.Contains($"127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", error.ToString(), StringComparison.Ordinal);
    }

    [PrivatePostgresFact]
    public async Task A_server_that_never_answers_is_a_timeout()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var database = server.Connect($"Host=127.0.0.1;Port={port};Timeout=1");

        Assert.Equal("ConnectionTimeout", (await RefusedAsync(database)).ErrorId);
    }

    [PrivatePostgresFact]
    public async Task An_unknown_host_is_named()
    {
        await using var database = server.Connect("Host=no-such-host.invalid;Timeout=5");
        var error = await RefusedAsync(database);
        Assert.Equal("DatabaseHostNotFound", error.ErrorId);
        Assert.Contains("no-such-host.invalid", error.Message, StringComparison.Ordinal);
    }

    [PrivatePostgresFact]
    public async Task A_remote_server_without_tls_is_refused_unless_the_admin_says_so()
    {
        await server.UseTlsAsync(false);
        await using (var database = server.Connect(Remote))
        {
            Assert.Equal("TlsNotOffered", (await RefusedAsync(database)).ErrorId);
        }

        await using (var database = server.Connect(Remote + ";SSL Mode=Disable"))
        {
            Assert.Equal("None", (await database.GetInfoAsync(default)).Tls);
        }
    }

    [PrivatePostgresFact]
    public async Task A_remote_server_is_verified_against_the_authority()
    {
        await server.UseTlsAsync(true);
        await using (var database = server.Connect(Remote))
        {
            Assert.Equal("TlsCertificateRejected", (await RefusedAsync(database)).ErrorId);
        }

        await using (var database = server.Connect($"{Remote};Root Certificate={server.AuthorityFile}"))
        {
            Assert.Equal("Verified", (await database.GetInfoAsync(default)).Tls);
        }

        await using (var database = server.Connect(Remote + ";SSL Mode=Require"))
        {
            Assert.Equal("Encrypted", (await database.GetInfoAsync(default)).Tls);
        }

        // Another name of the same machine is not the one on the certificate.
        await using (var database = server.Connect($"{server.ConnectionString};SSL Mode=VerifyFull;Root Certificate={server.AuthorityFile}"))
        {
            Assert.Equal("TlsCertificateRejected", (await RefusedAsync(database)).ErrorId);
        }
    }

    private static async Task<EtlException> RefusedAsync(EtlDatabase database) =>
        await Assert.ThrowsAsync<EtlException>(() => database.GetInfoAsync(default));

    private static async Task<string> ShowAsync(NpgsqlConnection connection, string setting, string? sql = null)
    {
        await using var command = new NpgsqlCommand(sql ?? $"SHOW {setting}", connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
