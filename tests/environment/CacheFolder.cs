namespace EtlTools.TestEnvironment;

/// <summary>
/// What the tests had to get is kept outside the tree, for all checkouts of a user. Root's own cache is closed to the
/// ordinary user that PostgreSQL runs as, so root's is in /var/cache.
/// </summary>
public static class CacheFolder
{
    public static string Root =>
        Environment.GetEnvironmentVariable("ETL_TEST_CACHE") is { Length: > 0 } given ? Path.GetFullPath(given)
        : Unprivileged.IsNeeded ? "/var/cache/etltools"
        : OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "etltools", "cache")
        : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? Path.Combine(cache, "etltools")
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "etltools");
}
