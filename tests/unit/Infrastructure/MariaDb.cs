using EtlTools.TestEnvironment.MariaDb;

namespace EtlTools.Tests.Infrastructure;

/// <summary>The MariaDB server of this test process: the one the environment names, or one of our own.</summary>
public static class MariaDb
{
    private static readonly Lazy<Task<int>> Shared = new(StartAsync);

    /// <summary>Why no test can have a server at all; null where it can.</summary>
    public static string? SkipReason { get; } =
        PostgresServer.SkipReason ?? (MariaDbBinaries.Find() is null ? MariaDbBinaries.SkipReason : null);

    /// <summary>Of the shared server on 127.0.0.1. Tests take a database of their own: <see cref="MariaDbDatabase"/>.</summary>
    public static Task<int> PortAsync() => Shared.Value;

    /// <summary>A server for one test, for killing and starving.</summary>
    public static Task<MariaDbServer> StartPrivateAsync(params string[] settings) =>
        MariaDbServer.StartAsync(MariaDbBinaries.Find() ?? throw new InvalidOperationException(SkipReason), settings);

    private static async Task<int> StartAsync() => GivenServers.MariaDbPort ?? (await StartPrivateAsync()).Port;
}
