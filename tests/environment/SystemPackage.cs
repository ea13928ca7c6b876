namespace EtlTools.TestEnvironment;

/// <summary>The system's own package manager, for root on Debian and its kin.</summary>
public static class SystemPackage
{
    private static bool _updated;

    /// <summary>True where the command is on the PATH, after an attempt to install it.</summary>
    public static async Task<bool> EnsureCommandAsync(string command, params string[] packages) =>
        Command.Find(command) is not null || (await InstallAsync(packages) && Command.Find(command) is not null);

    public static async Task<bool> InstallAsync(params string[] packages)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || Command.Find("apt-get") is not { } apt)
        {
            return false;
        }

        Console.WriteLine($"Getting {string.Join(", ", packages)} with apt-get ...");
        if (!_updated)
        {
            await Command.RunAsync(apt, ["update", "-q"]);
            _updated = true;
        }

        var result = await Command.RunAsync(
            "env", ["DEBIAN_FRONTEND=noninteractive", apt, "install", "-y", "-q", "--no-install-recommends", .. packages]);
        return result.ExitCode == 0;
    }
}
