namespace EtlTools.Core.Configuration;

/// <summary>One named connection of etl.yaml.</summary>
public sealed record EtlProfile
{
    public required string Name { get; init; }

    /// <summary>A built-in pipeline or the absolute path of a pipeline file; null where the profile names none.</summary>
    public string? Pipeline { get; init; }

    /// <summary>Name of the environment variable that holds the password.</summary>
    public string? PasswordVariable { get; init; }

    /// <summary>Settings by libpq keyword, besides connection (a whole connection string) and service.</summary>
    internal IReadOnlyDictionary<string, string> Connection { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>The profiles of an admin's etl.yaml.</summary>
public sealed class EtlProfiles
{
    internal static EtlProfile? Find(string? name, string? path, Func<string, string?> environment) => null;
}
