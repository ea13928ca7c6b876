namespace EtlTools.TestEnvironment;

/// <summary>A package of the npm registry in the cache folder, one exact version.</summary>
public sealed record NpmPackage(string Name, string Version)
{
    private string Prefix => Path.Combine(CacheFolder.Root, "npm", $"{Name.Replace('/', '+')}@{Version}");

    private string Marker => Path.Combine(Prefix, "complete");

    /// <summary>The package's own folder.</summary>
    public string Folder => Path.Combine([Prefix, "node_modules", .. Name.Split('/')]);

    public bool IsInstalled => File.Exists(Marker);

    /// <summary>Installs it unless it is there. False, with a word on the console, where that is not possible.</summary>
    /// <param name="setupScript">A script in the package to run after the install, because npm may be told not to.</param>
    public async Task<bool> EnsureAsync(string? setupScript = null)
    {
        if (IsInstalled)
        {
            return true;
        }

        if (!await SystemPackage.EnsureCommandAsync("npm", "nodejs", "npm"))
        {
            Console.WriteLine($"{Name}: npm is not to be had here.");
            return false;
        }

        Console.WriteLine($"Getting {Name} {Version} with npm ...");
        Directory.CreateDirectory(Prefix);
        var install = await Command.RunAsync(
            Command.Find("npm")!,
            ["install", "--prefix", Prefix, "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev", $"{Name}@{Version}"],
            Prefix);
        if (install.ExitCode == 0 && setupScript is not null)
        {
            install = await Command.RunAsync(Command.Find("node")!, [setupScript], Folder);
        }

        if (install.ExitCode != 0)
        {
            Console.WriteLine($"{Name}: npm could not install it.{Environment.NewLine}{install.Output}");
            return false;
        }

        await File.WriteAllTextAsync(Marker, "");
        return true;
    }
}
