namespace EtlTools.TestEnvironment.S3;

/// <summary>s3rver, a real S3 service for one machine, run by node.</summary>
public sealed record S3Program(string Node, string Script)
{
    private static readonly NpmPackage Package = new("s3rver", "3.7.1");

    private static string ScriptPath => Path.Combine(Package.Folder, "bin", "s3rver.js");

    /// <summary>What is on this machine already; null where there is nothing.</summary>
    public static S3Program? Find() =>
        Command.Find("node") is { } node && Package.IsInstalled ? new S3Program(node, ScriptPath) : null;

    public static async Task<S3Program?> FindOrGetAsync() =>
        Find() ?? (await Package.EnsureAsync() ? Find() : null);
}
