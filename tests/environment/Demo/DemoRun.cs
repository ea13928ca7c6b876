using System.Runtime.InteropServices;
using EtlTools.TestEnvironment.Postgres;
using EtlTools.TestEnvironment.S3;
using EtlTools.TestEnvironment.TestRun;
using Npgsql;

namespace EtlTools.TestEnvironment.Demo;

/// <summary>
/// Runs the demo on servers, a database, a bucket and a folder of its own, and takes all of them away again: with
/// PowerShell where it can be had, else with the etl executable.
/// </summary>
internal static class DemoRun
{
    public const string WithoutPowerShell = "--without-powershell";

    private const int Interrupted = 130;

    /// <summary>Nothing of this may lead the demo to a database or a bucket that is in use.</summary>
    private static readonly string[] AdminsOwn =
    [
        "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE",
        "PGOPTIONS", "PGSSLMODE", "PGSSLROOTCERT", "PGTARGETSESSIONATTRS", "ETL_CONFIG", "ETL_PIPELINE", "AWS_PROFILE", "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN",
    ];

    /// <param name="root">The root of the tree; the Release build must be there.</param>
    /// <param name="withPowerShell">False: tell it with the etl executable in any case.</param>
    /// <returns>The exit code: 0 where all that the story claims holds.</returns>
    public static async Task<int> RunAsync(string root, bool withPowerShell)
    {
        foreach (var name in AdminsOwn)
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        // Ctrl+C reaches the story too, and ends it; what is left to do then is to take everything away.
        var isInterrupted = false;
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        Console.WriteLine("Servers of its own, removed at the end:");
        try
        {
            await using var servers = await TestServers.StartAsync(PostgresCluster.FastSettings, withMariaDb: false);
            if (!servers.HasPostgres)
            {
                return 2;
            }

            var powerShell = withPowerShell ? await PowerShellProgram.FindOrGetAsync() : null;
            if (powerShell is null)
            {
                Console.WriteLine();
                Console.WriteLine("Without PowerShell 7.6: the same engine tells the same story with the etl executable.");
            }

            var exitCode = await RunAsync(root, servers, powerShell);

            // An interrupted PowerShell ends with 0.
            return isInterrupted ? Interrupted : exitCode;
        }
        finally
        {
            await Guard.CloseAsync();
        }

        void Interrupt(PosixSignalContext signal)
        {
            isInterrupted = true;
            signal.Cancel = true;
        }
    }

    private static async Task<int> RunAsync(string root, TestServers servers, PowerShellProgram? powerShell)
    {
        var (isGivenPostgres, isGivenS3) = (GivenServers.Postgres is not null, GivenServers.S3 is not null);
        var host = Path.Combine(root, "src", "EtlHost", "bin", "Release", "net10.0", "etl.dll");
        var server = servers.Variables[GivenServers.PostgresVariable];
        var connection = await Commands.CreateDatabaseAsync(server, "etl_demo_");
        var bucket = powerShell is not null && servers.HasS3 ? await CreateBucketAsync(servers) : null;
        var folder = TempFolder.Create();
        try
        {
            var variables = Variables(servers, connection);
            variables["ETL_DEMO_HOST"] = host;
            variables["ETL_DEMO_TOOL"] = typeof(DemoRun).Assembly.Location;
            variables["ETL_DEMO_BUCKET"] = bucket?.Name ?? "";

            // A killed process cannot take its pipes away with it. (Elsewhere the names of sockets must be shorter.)
            if (OperatingSystem.IsLinux())
            {
                variables["TMPDIR"] = folder;
            }

            if (powerShell is null)
            {
                return await Command.RunVisiblyAsync(Command.Dotnet, ["exec", host, "demo"], variables, folder, folder);
            }

            foreach (var (name, value) in powerShell.Variables())
            {
                variables[name] = value;
            }

            string[] script = ["-NoProfile", "-NonInteractive", "-File", Path.Combine(root, "scripts", "demo", "Demo.ps1")];
            return await Command.RunVisiblyAsync(powerShell.Path, script, variables, folder, folder);
        }
        finally
        {
            TempFolder.Delete(folder);

            // What is on a server of our own goes with it.
            if (bucket is not null && isGivenS3)
            {
                await bucket.DisposeAsync();
            }

            if (isGivenPostgres)
            {
                await Commands.DropDatabaseAsync(connection);
            }
        }
    }

    private static async Task<S3Bucket> CreateBucketAsync(TestServers servers)
    {
        foreach (var (name, value) in servers.Variables.Where(variable => variable.Key == GivenServers.S3Variable || variable.Key.StartsWith("AWS_", StringComparison.Ordinal)))
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        return await S3Bucket.CreateAsync();
    }

    private static Dictionary<string, string> Variables(TestServers servers, string connection)
    {
        var database = new NpgsqlConnectionStringBuilder(connection);
        return new Dictionary<string, string>(servers.Variables)
        {
            ["PGHOST"] = database.Host!,
            ["PGPORT"] = database.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["PGUSER"] = database.Username ?? "",
            ["PGPASSWORD"] = database.Password ?? "",
            ["PGDATABASE"] = database.Database!,
        };
    }
}
