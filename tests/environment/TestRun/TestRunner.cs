using System.Text.Json;

namespace EtlTools.TestEnvironment.TestRun;

/// <summary>Runs xUnit and Pester on one pair of servers, and counts.</summary>
public sealed class TestRunner
{
    private readonly string _root;
    private readonly TestOptions _options;
    private readonly string _results = TempFolder.Create();

    private TestRunner(string root, TestOptions options) => (_root, _options) = (root, options);

    /// <summary>Runs everything and writes the counts as the last line. Returns the exit code.</summary>
    /// <param name="root">The root of the tree; the Release build must be there.</param>
    public static async Task<int> RunAsync(string root, TestOptions options)
    {
        // All folders of this run, also those of the processes it starts, bear its mark.
        Environment.SetEnvironmentVariable(TempFolder.RunVariable, Guid.NewGuid().ToString("n")[..6]);
        var runner = new TestRunner(root, options);
        var counts = TestCounts.None;
        var notRun = new List<string>();
        try
        {
            await using var servers = await TestServers.StartAsync(Postgres.PostgresCluster.FastSettings, withMariaDb: true);
            if (!servers.HasMariaDb)
            {
                notRun.Add("Tests with MariaDB");
            }

            if (!options.PesterOnly)
            {
                await GetToolsAsync(notRun);
                counts += await runner.RunXunitAsync(servers.Variables);
            }

            if (!options.UnitOnly)
            {
                var pester = await runner.RunPesterAsync(servers.Variables);
                counts += pester ?? TestCounts.None;
                if (pester is null)
                {
                    notRun.Add("Pester");
                }
            }
        }
        catch (Exception error) when (error is InvalidOperationException or Npgsql.NpgsqlException)
        {
            // A server that does not start must not cost the closing lines, by which a run is judged.
            Console.WriteLine(error.Message);
            counts += new TestCounts(0, 1, 0);
        }
        finally
        {
            TempFolder.Delete(runner._results);
            await Guard.CloseAsync();
        }

        if (await FindLeftoversAsync() is { Count: > 0 } leftovers)
        {
            Console.WriteLine($"Left over: {string.Join(", ", leftovers)}");
            counts += new TestCounts(0, 1, 0);
        }

        // Once more where everybody looks: what was printed while they ran is far above, or cut off.
        foreach (var test in counts.FailedTests)
        {
            Console.WriteLine($"Failed: {test}");
        }

        foreach (var tests in notRun)
        {
            Console.WriteLine($"**{tests}: NOT RUN**");
        }

        Console.WriteLine(counts);
        return counts.Failed > 0 || counts.Passed == 0 ? 1 : 0;
    }

    /// <summary>What single tests need; they are skipped where it cannot be had.</summary>
    private static async Task GetToolsAsync(List<string> notRun)
    {
        if (await Promtool.FindOrGetAsync() is null)
        {
            notRun.Add("Tests with promtool");
        }

        if (await Browser.FindOrGetAsync() is null)
        {
            notRun.Add("Tests in Chromium");
        }
    }

    private async Task<TestCounts> RunXunitAsync(Dictionary<string, string> variables)
    {
        const string ResultFile = "unit.trx";
        List<string> arguments =
        [
            "test", Path.Combine("tests", "unit"), "--configuration", "Release", "--no-build", "--nologo",
            "--results-directory", _results, "--logger", $"trx;LogFileName={ResultFile}", "--logger", "console;verbosity=minimal",
        ];
        if (_options.Filter is { } filter)
        {
            arguments.AddRange(["--filter", filter.AsSpan().ContainsAny("=~") ? filter : $"FullyQualifiedName~{filter}"]);
        }

        var exitCode = await Command.RunVisiblyAsync(Command.Dotnet, arguments, variables, _root, _results);
        var path = Path.Combine(_results, ResultFile);
        var counts = File.Exists(path) ? TestCounts.FromTrx(path) : TestCounts.None;
        Console.WriteLine($"xUnit: {counts}");
        return CountDeath("xUnit", exitCode, counts);
    }

    /// <summary>Null where there is no PowerShell or no Pester.</summary>
    private async Task<TestCounts?> RunPesterAsync(Dictionary<string, string> variables)
    {
        if (await PowerShellProgram.FindOrGetAsync() is not { } powerShell || !await powerShell.EnsurePesterAsync())
        {
            return null;
        }

        var path = Path.Combine(_results, "pester.json");
        List<string> arguments =
        [
            "-NoProfile", "-NonInteractive", "-File", Path.Combine(_root, "tests", "pester", "Support", "Invoke-ModuleTest.ps1"),
            "-ResultPath", path,
        ];
        if (_options.Filter is { } filter)
        {
            arguments.AddRange(["-Filter", filter]);
        }

        var all = powerShell.Variables().Concat(variables).ToDictionary(pair => pair.Key, pair => pair.Value);
        all["ETL_TEST_FOLDER"] = _results;
        var exitCode = await Command.RunVisiblyAsync(powerShell.Path, arguments, all, _root, _results);
        var counts = File.Exists(path)
            ? JsonSerializer.Deserialize<TestCounts>(await File.ReadAllTextAsync(path))!
            : TestCounts.None;
        Console.WriteLine($"Pester: {counts}");
        return CountDeath("Pester", exitCode, counts);
    }

    /// <summary>A runner that ends badly without a failed test has died: that counts as a failure.</summary>
    private static TestCounts CountDeath(string runner, int exitCode, TestCounts counts)
    {
        if (exitCode == 0 || counts.Failed > 0)
        {
            return counts;
        }

        Console.WriteLine($"{runner} ended with exit code {exitCode} without a failed test.");
        return counts + new TestCounts(0, 1, 0);
    }

    /// <summary>Folders and processes of this run that are still there when all its guards have had their time.</summary>
    private static async Task<IReadOnlyList<string>> FindLeftoversAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            string[] found = [.. Directory.GetDirectories(TempFolder.Root, TempFolder.Prefix + "*"), .. FindProcesses()];
            if (found.Length == 0 || attempt == 100)
            {
                return found;
            }

            await Task.Delay(200);
        }
    }

    /// <summary>Processes that have a folder of this run in their command line; only Linux shows them.</summary>
    private static IEnumerable<string> FindProcesses()
    {
        if (!OperatingSystem.IsLinux())
        {
            yield break;
        }

        foreach (var process in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            string commandLine;
            try
            {
                commandLine = File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            if (commandLine.Contains(TempFolder.Prefix, StringComparison.Ordinal))
            {
                yield return commandLine;
            }
        }
    }
}
