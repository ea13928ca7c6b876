namespace EtlTools.TestEnvironment.MariaDb;

/// <summary>The programs of MariaDB: the server, what makes its data folder, and the client.</summary>
public sealed record MariaDbBinaries(string Server, string Install, string Client)
{
    public const string SkipReason = "No MariaDB: install its server and client, or run scripts/test.sh as root on Debian or its kin, which gets them.";

    // Debian keeps the server where only root looks for programs. These two packages start no service.
    private static readonly string[] Packages = ["mariadb-server-core", "mariadb-client-core"];

    /// <summary>What is on this machine already; null where there is nothing.</summary>
    public static MariaDbBinaries? Find() =>
        FindProgram("mariadbd") is { } server && FindProgram("mariadb-install-db") is { } install && FindProgram("mariadb") is { } client
            ? new MariaDbBinaries(server, install, client) : null;

    public static async Task<MariaDbBinaries?> FindOrGetAsync() =>
        Find() ?? (await SystemPackage.InstallAsync(Packages) ? Find() : null);

    private static string? FindProgram(string name) =>
        Command.Find(name) ?? (File.Exists($"/usr/sbin/{name}") ? $"/usr/sbin/{name}" : null);
}
