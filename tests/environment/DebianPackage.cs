namespace EtlTools.TestEnvironment;

/// <summary>
/// A package of Debian or its kin in the cache folder, unpacked and not installed: it needs no rights, and no service of the
/// package is started.
/// </summary>
public sealed record DebianPackage(string Name)
{
    public string Folder => Path.Combine(CacheFolder.Root, "debian", Name);

    /// <summary>True where it is in the cache, after an attempt to get it.</summary>
    public async Task<bool> EnsureAsync()
    {
        if (Directory.Exists(Folder))
        {
            return true;
        }

        if (Command.Find("apt-get") is not { } apt || Command.Find("dpkg-deb") is not { } dpkg)
        {
            return false;
        }

        Console.WriteLine($"Getting {Name} with apt-get ...");
        var download = Folder + ".download";
        Directory.CreateDirectory(download);
        if (Environment.IsPrivilegedProcess)
        {
            await Command.RunAsync(apt, ["update", "-q"]);
        }

        await Command.RunAsync(apt, ["download", "-q", Name], download);
        var archive = Directory.GetFiles(download, "*.deb").FirstOrDefault();
        var unpacked = Path.Combine(download, "unpacked");
        if (archive is not null && (await Command.RunAsync(dpkg, ["--extract", archive, unpacked])).ExitCode == 0)
        {
            Directory.Move(unpacked, Folder);
        }

        Directory.Delete(download, recursive: true);
        return Directory.Exists(Folder);
    }
}
