using EtlTools.TestEnvironment.Postgres;

namespace EtlTools.Tests.Infrastructure;

/// <summary>The PostgreSQL server of this test process: the one the environment names, or one of our own.</summary>
public static class PostgresServer
{
    private static readonly Lazy<Task<string>> Shared = new(ConnectAsync);

    /// <summary>Why no test can have a server at all; null where it can.</summary>
    public static string? SkipReason { get; } =
        GivenServers.Postgres is null && PostgresBinaries.Find() is null
            ? "No PostgreSQL: install it, or name a server in ETL_TEST_CONNECTION." : null;

    /// <summary>Why no test can have a cluster of its own; null where it can.</summary>
    public static string? PrivateSkipReason { get; } =
        PostgresBinaries.Find() is null ? "No PostgreSQL programs to start a private cluster with." : null;

    /// <summary>Npgsql keywords for the shared server. Tests take a database of their own: <see cref="PostgresDatabase"/>.</summary>
    public static Task<string> ConnectionStringAsync() => Shared.Value;

    /// <summary>A cluster for one test, for killing and starving. It syncs to disk as a real one does.</summary>
    public static Task<PostgresCluster> StartPrivateAsync(params (string Name, string Value)[] settings) =>
        PostgresCluster.StartAsync(
            PostgresBinaries.Find() ?? throw new InvalidOperationException(PrivateSkipReason),
            settings.ToDictionary(setting => setting.Name, setting => setting.Value));

    private static async Task<string> ConnectAsync()
    {
        if (GivenServers.Postgres is { } given)
        {
            return given;
        }

        var binaries = PostgresBinaries.Find() ?? throw new InvalidOperationException(SkipReason);
        var cluster = await PostgresCluster.StartAsync(binaries, PostgresCluster.FastSettings);
        return cluster.ConnectionString;
    }
}
