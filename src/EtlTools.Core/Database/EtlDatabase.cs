using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>A database to work on. Cheap to keep: connections come from a pool and are opened when needed.</summary>
public sealed class EtlDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _pooled;
    private readonly NpgsqlDataSource _unpooled;
    private readonly NpgsqlConnectionStringBuilder _settings;
    private readonly string _sessionSettings;

    private EtlDatabase(NpgsqlConnectionStringBuilder settings)
    {
        _settings = settings;
        _pooled = CreateDataSource(settings, pooling: true);
        _unpooled = CreateDataSource(settings, pooling: false);
        _sessionSettings = ConnectionSql.SessionSettings(settings.Options ?? "");
        Endpoint = settings.Host!.Contains(',', StringComparison.Ordinal) || settings.Host.StartsWith('/')
            ? settings.Host
            : $"{settings.Host}:{settings.Port}";
        Description = $"{settings.Username}@{Endpoint}/{settings.Database}";
    }

    /// <summary>user@host:port/database, never a password.</summary>
    public string Description { get; }

    internal NetworkPatience Patience { get; set; } = new();

    private string Endpoint { get; }

    /// <summary>Nothing is opened yet; <see cref="GetInfoAsync"/> tells whether the database answers.</summary>
    /// <exception cref="EtlException">ConnectionStringInvalid, ConnectionSettingInvalid, ProfileNotFound, ProfilesInvalid,
    /// PasswordVariableEmpty, ServiceNotFound.</exception>
    public static EtlDatabase Connect(ConnectionRequest request) => Connect(request, Environment.GetEnvironmentVariable);

    internal static EtlDatabase Connect(ConnectionRequest request, Func<string, string?> environment) =>
        new(ConnectionResolver.Resolve(request, environment));

    /// <summary>Asks the database who and what it is.</summary>
    /// <exception cref="EtlException">DatabaseUnreachable, ConnectionTimeout, TlsNotOffered, TlsCertificateRejected,
    /// AuthenticationFailed, DatabaseNotFound, ...</exception>
    public async Task<DatabaseInfo> GetInfoAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var command = new NpgsqlCommand(ConnectionSql.ServerInfo, connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var user = reader.GetString(0);
            var database = reader.GetString(1);
            var encrypted = reader.GetBoolean(2);
            var hasMigrations = reader.GetBoolean(3);
            await reader.DisposeAsync().ConfigureAwait(false);

            return new DatabaseInfo
            {
                Host = connection.Host ?? _settings.Host!,
                Port = connection.Port,
                Database = database,
                User = user,
                ServerVersion = connection.ServerVersion,
                Tls = !encrypted ? "None" : _settings.SslMode == SslMode.VerifyFull ? "Verified" : "Encrypted",
                Schema = hasMigrations
                    ? await CompareSchemaAsync(connection, cancellationToken).ConfigureAwait(false)
                    : "NotInitialized",
            };
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, Description);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _pooled.DisposeAsync().ConfigureAwait(false);
        await _unpooled.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A connection of the pool, with the session settings that the engine relies on.</summary>
    internal ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => OpenAsync(_pooled, cancellationToken);

    /// <summary>
    /// A connection of its own, for a lease: closing it ends its session and lets go of its advisory locks, and nothing
    /// else ever runs on it.
    /// </summary>
    internal ValueTask<NpgsqlConnection> OpenUnpooledAsync(CancellationToken cancellationToken) => OpenAsync(_unpooled, cancellationToken);

    private async ValueTask<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenSessionAsync(source, cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException error) when (error.ErrorId is "ConnectionLost" or "ConnectionTerminated")
        {
            // The pool holds connections that a server restart has cut. They are all of an age: drop them, and try once.
            source.Clear();
            return await OpenSessionAsync(source, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<NpgsqlConnection> OpenSessionAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection;
        try
        {
            connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (IsConnectError(error))
        {
            throw DatabaseErrors.TranslateConnecting(error, Description, Endpoint);
        }

        try
        {
            // On every opening: the pool resets a session when it is given back.
            await using var command = new NpgsqlCommand(_sessionSettings, connection);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch (Exception error)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (DatabaseErrors.IsDatabaseError(error))
            {
                throw DatabaseErrors.Translate(error, Description);
            }

            throw;
        }
    }

    // The driver lets a few causes of the network layer through as they are.
    private static bool IsConnectError(Exception error) =>
        DatabaseErrors.IsDatabaseError(error)
        || error is TimeoutException or IOException or System.Net.Sockets.SocketException
            or System.Security.Authentication.AuthenticationException or System.Security.Cryptography.CryptographicException
            or UnauthorizedAccessException;

    private static async Task<string> CompareSchemaAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ConnectionSql.SchemaVersion, connection);
        var version = (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        return version.CompareTo(MigrationCatalog.LatestVersion) switch
        {
            _ when version == 0 => "NotInitialized",
            < 0 => "UpgradeNeeded",
            0 => "Current",
            _ => "Newer",
        };
    }

    private static NpgsqlDataSource CreateDataSource(NpgsqlConnectionStringBuilder settings, bool pooling)
    {
        var copy = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = pooling };
        var builder = new NpgsqlDataSourceBuilder(copy.ConnectionString);
        return settings.Host!.Contains(',', StringComparison.Ordinal)
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.ReadWrite)
            : builder.Build();
    }
}
