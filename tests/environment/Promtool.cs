namespace EtlTools.TestEnvironment;

/// <summary>promtool, which checks what Prometheus is to read.</summary>
public static class Promtool
{
    public const string SkipReason = "No promtool: install Prometheus, or run scripts/test.sh on Debian or its kin, which gets it.";

    private static readonly DebianPackage Package = new("prometheus");

    private static string Cached => Path.Combine(Package.Folder, "usr", "bin", "promtool");

    /// <summary>What is on this machine already; null where there is nothing.</summary>
    public static string? Find() => Command.Find("promtool") ?? (File.Exists(Cached) ? Cached : null);

    public static async Task<string?> FindOrGetAsync() => Find() ?? (await Package.EnsureAsync() ? Find() : null);
}
