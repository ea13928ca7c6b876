using System.Text.RegularExpressions;

namespace EtlTools.TestEnvironment.TestRun;

/// <summary>A PowerShell that the module runs in, with a Pester to test it.</summary>
public sealed record PowerShellProgram(string Path, string ModulePath)
{
    private static readonly Version Oldest = new(7, 6);

    private static string ToolFolder => System.IO.Path.Combine(CacheFolder.Root, "powershell");

    private static string CachedModules => System.IO.Path.Combine(CacheFolder.Root, "modules");

    /// <summary>What is on the PATH, or else what the dotnet tool gives; null where neither can be had.</summary>
    public static async Task<PowerShellProgram?> FindOrGetAsync()
    {
        var program = await FirstThatFitsAsync(Command.Find("pwsh"), CachedProgram());
        if (program is null)
        {
            Console.WriteLine("Getting PowerShell as a dotnet tool ...");
            await Command.RunAsync(Command.Dotnet, ["tool", "install", "PowerShell", "--tool-path", ToolFolder]);
            program = await FirstThatFitsAsync(CachedProgram());
        }

        if (program is null)
        {
            Console.WriteLine($"PowerShell {Oldest} or later: none found, and none to be had.");
            return null;
        }

        return new PowerShellProgram(program, CachedModules);
    }

    /// <summary>True where Pester 5 or later is there, after an attempt to get it.</summary>
    public async Task<bool> EnsurePesterAsync()
    {
        const string Find = "if (Get-Module Pester -ListAvailable | Where-Object { $_.Version.Major -ge 5 }) { exit 0 } else { exit 1 }";
        const string Get = """
            if (Get-Command Save-PSResource -ErrorAction Ignore) {
                Save-PSResource Pester -Version '[5.5,6.0)' -Path $env:ETL_TEST_MODULES -TrustRepository -ErrorAction Stop
            } else {
                Save-Module Pester -MinimumVersion 5.5 -MaximumVersion 5.99 -Path $env:ETL_TEST_MODULES -Force -ErrorAction Stop
            }
            """;
        if (await RunAsync(Find) == 0)
        {
            return true;
        }

        Console.WriteLine("Getting Pester ...");
        Directory.CreateDirectory(ModulePath);
        await RunAsync(Get);
        if (await RunAsync(Find) == 0)
        {
            return true;
        }

        Console.WriteLine("Pester 5 or later: none found, and none to be had.");
        return false;
    }

    /// <summary>The variables for a run: our cached modules come after the installed ones.</summary>
    public Dictionary<string, string> Variables()
    {
        var usual = Environment.GetEnvironmentVariable("PSModulePath");
        return new Dictionary<string, string>
        {
            ["ETL_TEST_MODULES"] = ModulePath,
            ["POWERSHELL_TELEMETRY_OPTOUT"] = "1",
            ["POWERSHELL_UPDATECHECK"] = "Off",
            ["PSModulePath"] = string.IsNullOrEmpty(usual) ? ModulePath : usual + System.IO.Path.PathSeparator + ModulePath,
        };
    }

    private static string? CachedProgram()
    {
        var path = System.IO.Path.Combine(ToolFolder, OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh");
        return File.Exists(path) ? path : null;
    }

    private static async Task<string?> FirstThatFitsAsync(params string?[] paths)
    {
        foreach (var path in paths.OfType<string>())
        {
            var answer = await Command.RunAsync(path, ["-NoProfile", "-NonInteractive", "-Command", "\"$($PSVersionTable.PSVersion)\""]);
            var match = Regex.Match(answer.Output, @"\d+\.\d+");
            if (answer.ExitCode == 0 && match.Success && Version.Parse(match.Value) >= Oldest)
            {
                return path;
            }
        }

        return null;
    }

    private async Task<int> RunAsync(string script)
    {
        var result = await Command.RunAsync(Path, ["-NoProfile", "-NonInteractive", "-Command", script], environment: Variables());
        return result.ExitCode;
    }
}
