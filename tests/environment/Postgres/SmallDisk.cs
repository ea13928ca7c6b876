namespace EtlTools.TestEnvironment.Postgres;

/// <summary>A memory file system of a few megabytes, to be soon full. Only root on Linux can make one.</summary>
public static class SmallDisk
{
    private static readonly Lazy<string?> Reason = new(FindSkipReason);

    /// <summary>Why there can be none here; null where there can.</summary>
    public static string? SkipReason => Reason.Value;

    internal static async Task MountAsync(string folder, int megabytes)
    {
        Directory.CreateDirectory(folder);
        Guard.WatchMount(folder);
        var mount = await Command.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder]);
        if (mount.ExitCode != 0)
        {
            throw new InvalidOperationException(mount.Output);
        }
    }

    internal static Task UnmountAsync(string folder) => Command.RunAsync("umount", ["-l", folder]);

    private static string? FindSkipReason()
    {
        const string Reason = "A small disk needs root on Linux and the right to mount.";
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return Reason;
        }

        // Root in a container may still not be allowed to mount.
        var folder = TempFolder.Create();
        try
        {
            Task.Run(() => MountAsync(folder, megabytes: 1)).Wait();
            Task.Run(() => UnmountAsync(folder)).Wait();
            return null;
        }
        catch (AggregateException)
        {
            return Reason;
        }
        finally
        {
            TempFolder.Delete(folder);
        }
    }
}
