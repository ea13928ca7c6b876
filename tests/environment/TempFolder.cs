namespace EtlTools.TestEnvironment;

/// <summary>Folders for one process's servers and files, all with one prefix, so that a leftover can be seen.</summary>
public static class TempFolder
{
    /// <summary>A mark of the run of tests that a folder belongs to.</summary>
    public const string RunVariable = "ETL_TEST_RUN";

    public static string Prefix => Environment.GetEnvironmentVariable(RunVariable) is { Length: > 0 } run
        ? $"etltools-test-{run}-"
        : "etltools-test-";

    /// <summary>A temporary folder that other users can reach too, where that is needed.</summary>
    public static string Root
    {
        get
        {
            var usual = Path.TrimEndingDirectorySeparator(Path.GetTempPath());
            return Unprivileged.IsNeeded && !IsReachableByAll(usual) ? "/tmp" : usual;
        }
    }

    public static string Create()
    {
        var path = Path.Combine(Root, Prefix + Guid.NewGuid().ToString("n")[..12]);
        return Directory.CreateDirectory(path).FullName;
    }

    /// <summary>Deletes what it can; a file that is still held is tried again for a while.</summary>
    public static void Delete(string path)
    {
        for (var attempt = 1; Directory.Exists(path); attempt++)
        {
            try
            {
                Directory.Delete(path, recursive: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (attempt == 50)
                {
                    return;
                }

                Thread.Sleep(100);
            }
        }
    }

    private static bool IsReachableByAll(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        for (var directory = new DirectoryInfo(path); directory is not null; directory = directory.Parent)
        {
            if (!directory.Exists || !directory.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }
}
