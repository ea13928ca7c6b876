using EtlTools.Core.Database;
using EtlTools.Core.Health;
using EtlTools.Core.Tables.Sources;

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
    private readonly IReadOnlyList<EtlProfile> _profiles;
    private readonly IReadOnlyList<string> _searched;

    internal EtlProfiles(string? path, string? defaultName, IReadOnlyList<EtlProfile> profiles, HealthThresholds health, IReadOnlyList<string> searched)
    {
        Health = health;
        Path = path;
        DefaultName = defaultName;
        _profiles = profiles;
        _searched = searched;
    }

    /// <summary>The file; null where there is none, and so no profile.</summary>
    public string? Path { get; }

    /// <summary>The profile used when none is named; null where the file names none.</summary>
    public string? DefaultName { get; }

    /// <summary>The limits of processing health: those of the file's health section over the defaults.</summary>
    public HealthThresholds Health { get; }

    /// <summary>The sources of tables, in the order of the file.</summary>
    public IReadOnlyList<TableSource> Sources { get; internal init; } = [];

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<string> Names => _profiles.Select(profile => profile.Name).ToList();

    /// <param name="path">etl.yaml; null: $ETL_CONFIG, ./etl.yaml, then the user's configuration folder, the first that is there.</param>
    /// <param name="folder">What ./etl.yaml is relative to; null: the folder of the process, which is not that of a PowerShell session.</param>
    /// <exception cref="EtlException">ProfilesNotFound (a file that was named), ProfilesInvalid (every mistake with file and line).</exception>
    public static EtlProfiles Load(string? path = null, string? folder = null) => Load(path, Environment.GetEnvironmentVariable, folder);

    /// <summary>The profile with this name, compared without case; the default one for null.</summary>
    /// <exception cref="EtlException">ProfileNotFound.</exception>
    public EtlProfile Get(string? name = null)
    {
        var wanted = name ?? DefaultName;
        if (wanted is not null
            && _profiles.FirstOrDefault(profile => string.Equals(profile.Name, wanted, StringComparison.OrdinalIgnoreCase)) is { } found)
        {
            return found;
        }

        var message = (Path, wanted) switch
        {
            (null, _) => $"There is no etl.yaml: looked for {string.Join(", ", _searched)}.",
            (_, null) => $"{Path} names no default profile.",
            _ => $"{Path} has no profile '{wanted}'.",
        };
        throw new EtlException(
            EtlErrorKind.NotFound,
            "ProfileNotFound",
            message,
            wanted ?? "default",
            _profiles.Count == 0 ? "Write the profile into etl.yaml, or give a connection string." : $"Use one of: {string.Join(", ", Names)}.");
    }

    /// <summary>The source with this name, compared without case; for null the only one there is.</summary>
    /// <exception cref="EtlException">SourceNotFound.</exception>
    public TableSource GetSource(string? name = null)
    {
        var found = name is null
            ? Sources.Count == 1 ? Sources[0] : null
            : Sources.FirstOrDefault(source => string.Equals(source.Name, name, StringComparison.OrdinalIgnoreCase));
        var message = (Path, name, Sources.Count) switch
        {
            (null, _, _) => $"There is no etl.yaml: looked for {string.Join(", ", _searched)}.",
            (_, _, 0) => $"{Path} names no sources of tables.",
            (_, null, _) => $"{Path} names several sources of tables.",
            _ => $"{Path} has no source '{name}'.",
        };
        return found ?? throw new EtlException(
            EtlErrorKind.NotFound,
            "SourceNotFound",
            message,
            name ?? "source",
            Sources.Count == 0
                ? $"""
                  Write the source of the tables into {Path ?? _searched[0]}, as in
                  sources:
                    opendental:
                      host: db.practice.example
                      database: opendental
                      username: etl_reader
                      password_env: OPENDENTAL_PASSWORD
                  Get-Help Sync-Table -Full says more. Where etl.yaml lies in another folder, go there or set $env:ETL_CONFIG.
                  """
                : $"Use one of: {string.Join(", ", Sources.Select(source => source.Name))}.");
    }

    internal static EtlProfiles Load(string? path, Func<string, string?> environment, string? folder = null) =>
        EtlProfilesReader.Load(path, folder ?? Directory.GetCurrentDirectory(), environment);

    /// <summary>The named profile; where none is named the default one, or null where there is no default.</summary>
    internal static EtlProfile? Find(ConnectionRequest request, Func<string, string?> environment)
    {
        var name = request.Profile;
        var profiles = Load(request.ProfilePath, environment, request.Folder);
        return name is null && profiles.DefaultName is null ? null : profiles.Get(name);
    }
}
