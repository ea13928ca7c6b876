using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Cmdlets.Connections;

/// <summary>The database of a command that has no open connection: from its argument, the default profile, or the environment.</summary>
internal static class DefaultConnection
{
    private static readonly string[] Variables = ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"];

    /// <summary>True where something names a database; otherwise it would be a guess.</summary>
    public static bool IsNamed(string? folder) =>
        Variables.Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)))
        || EtlProfiles.Load(folder: folder).DefaultName is not null;

    public static ConnectionRequest RequestFor(ConnectionArgument? argument, string? folder) => new()
    {
        Folder = folder,
        ConnectionString = argument?.ConnectionString,
        Profile = argument?.Profile,
    };

    /// <summary>The pipeline that the argument's profile names, or the default one.</summary>
    public static string? PipelineOf(ConnectionArgument? argument, string? folder) =>
        argument?.ConnectionString is null ? PipelineOf(argument?.Profile, path: null, folder) : null;

    public static string? PipelineOf(string? profile, string? path, string? folder)
    {
        var profiles = EtlProfiles.Load(path, folder);
        return profile is null && profiles.DefaultName is null ? null : profiles.Get(profile).Pipeline;
    }
}
