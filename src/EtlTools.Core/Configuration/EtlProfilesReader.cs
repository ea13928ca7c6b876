using EtlTools.Core.Health;

namespace EtlTools.Core.Configuration;

/// <summary>Finds, reads and validates etl.yaml.</summary>
internal static class EtlProfilesReader
{
    // Setting of a profile -> libpq's keyword.
    private static readonly (string Setting, string Keyword)[] Texts =
    [
        ("service", "service"),
        ("host", "host"),
        ("database", "dbname"),
        ("username", "user"),
        ("password_file", "passfile"),
        ("root_certificate", "sslrootcert"),
        ("client_certificate", "sslcert"),
        ("client_key", "sslkey"),
        ("application_name", "application_name"),
        ("options", "options"),
    ];

    private static readonly string[] FileSettings = ["password_file", "root_certificate", "client_certificate", "client_key"];

    private static readonly Dictionary<string, string> SslModes = new[] { "disable", "allow", "prefer", "require", "verify-ca", "verify-full" }
        .ToDictionary(mode => mode, StringComparer.Ordinal);

    public static EtlProfiles Load(string? path, string folder, Func<string, string?> environment)
    {
        var named = path ?? environment("ETL_CONFIG") switch
        {
            { Length: > 0 } variable => variable,
            _ => null,
        };
        string[] candidates = named is not null
            ? [Path.GetFullPath(named, folder)]
            : [Path.GetFullPath("etl.yaml", folder), UserFile(environment)];
        var file = candidates.FirstOrDefault(File.Exists);
        if (file is null)
        {
            return named is null
                ? new EtlProfiles(null, null, [], new HealthThresholds(), candidates)
                : throw NotReadable(candidates[0], null);
        }

        try
        {
            return Parse(File.ReadAllText(file), file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw NotReadable(file, error);
        }
    }

    public static EtlProfiles Parse(string yaml, string path)
    {
        var mistakes = new ConfigMistakes();
        var profiles = ConfigDocument.Parse(yaml, path, mistakes) is { } map
            ? Read(new ConfigSection(map, "the file", mistakes), path, mistakes)
            : null;
        mistakes.ThrowIfAny("ProfilesInvalid", path);
        return profiles!;
    }

    private static EtlProfiles Read(ConfigSection root, string path, ConfigMistakes mistakes)
    {
        var profiles = new List<EtlProfile>();
        var section = root.Section("profiles", "profiles");
        var health = root.Section("health", "health");
        var sources = root.Section("sources", "sources");
        if (section is null && health is null && sources is null && root.Node("profiles") is null)
        {
            mistakes.Add(root.Place("profiles"), "the file has no profiles", "profiles: with a name and settings for each");
        }

        foreach (var entry in section?.Map.Entries ?? [])
        {
            if (entry.Value is ConfigMap map)
            {
                profiles.Add(ReadProfile(entry.Key, new ConfigSection(map, $"profile {entry.Key.Value}", mistakes), mistakes));
            }
            else
            {
                mistakes.Add(entry.Key, $"profile {entry.Key.Value} has no settings", "connection, or host, database, username, ...");
            }
        }

        foreach (var twins in profiles.GroupBy(profile => profile.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            mistakes.Add(section!.Map, $"profiles {string.Join(" and ", twins.Select(twin => twin.Name))} differ in case only", "names that differ otherwise");
        }

        var standard = root.Scalar("default", "the name of a profile");
        if (standard is not null && !profiles.Exists(profile => string.Equals(profile.Name, standard.Value, StringComparison.OrdinalIgnoreCase)))
        {
            mistakes.Add(standard, $"default is '{standard.Value}', which is no profile", "the name of a profile of this file",
                Nearest.Find(standard.Value, profiles.Select(profile => profile.Name)));
        }

        var limits = health is null ? new HealthThresholds() : ReadHealth(health, mistakes);
        root.RejectUnknownKeys();
        return new EtlProfiles(path, standard?.Value, profiles, limits, [path])
        {
            Sources = sources is null ? [] : TableSourceReader.Read(sources, mistakes),
        };
    }

    private static EtlProfile ReadProfile(ConfigScalar name, ConfigSection section, ConfigMistakes mistakes)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var folder = ConfigLibrary.FolderOf(section.Map.Path);
        foreach (var (setting, keyword) in Texts)
        {
            if (section.Text(setting) is { Length: > 0 } text)
            {
                settings[keyword] = FileSettings.Contains(setting) && text != "system" ? Path.GetFullPath(text, folder) : text;
            }
        }

        if (section.Node("port") is not null)
        {
            settings["port"] = Invariant(section.Integer("port", 5432, 1, 65535));
        }

        if (section.Node("connect_timeout") is not null)
        {
            settings["connect_timeout"] = Invariant(section.Integer("connect_timeout", 15, 1, 1024));
        }

        if (section.Node("ssl_mode") is not null)
        {
            settings["sslmode"] = section.Choice("ssl_mode", SslModes, "verify-full");
        }

        // After the single settings, so that these win over it.
        if (section.Text("connection", "Host=...;Database=... or postgresql://...") is { Length: > 0 } connection)
        {
            settings["connection"] = connection;
        }

        // A file is copied, shared and backed up; a password belongs elsewhere.
        if (section.Map.Find("password") is { } password)
        {
            section.Node("password");
            mistakes.Add(password.Key, $"{name.Value} holds a password", "password_env: NAME of an environment variable, or password_file: PATH");
        }

        var pipeline = section.Text("pipeline", "a built-in pipeline, or the path of a pipeline file");
        var profile = new EtlProfile
        {
            Name = name.Value,
            Connection = settings,
            PasswordVariable = section.Text("password_env", "the name of an environment variable"),
            Pipeline = pipeline is { Length: > 0 } && ConfigLibrary.IsPath(pipeline) ? Path.GetFullPath(pipeline, folder) : pipeline,
        };
        section.RejectUnknownKeys();
        return profile;
    }

    private static HealthThresholds ReadHealth(ConfigSection section, ConfigMistakes mistakes)
    {
        var standard = new HealthThresholds();
        var limits = new HealthThresholds
        {
            DataLossWarning = section.Rate("data_loss_warning", standard.DataLossWarning),
            DataLossCritical = section.Rate("data_loss_critical", standard.DataLossCritical),
            FailureWarning = section.Rate("failure_warning", standard.FailureWarning),
            FailureCritical = section.Rate("failure_critical", standard.FailureCritical),
            MinSuccessRate = section.Rate("min_success_rate", standard.MinSuccessRate),
            StuckAfter = section.Time("stuck_after", standard.StuckAfter),
            BacklogWarning = section.Time("backlog_warning", standard.BacklogWarning),
            BacklogCritical = section.Time("backlog_critical", standard.BacklogCritical),
            SlowFactor = section.Number("slow_factor", standard.SlowFactor, minimum: 1),
            SlowAfter = section.Time("slow_after", standard.SlowAfter),
        };
        RequireOrder("data_loss", limits.DataLossWarning <= limits.DataLossCritical);
        RequireOrder("failure", limits.FailureWarning <= limits.FailureCritical);
        RequireOrder("backlog", limits.BacklogWarning <= limits.BacklogCritical);
        section.RejectUnknownKeys();
        return limits;

        void RequireOrder(string name, bool isInOrder)
        {
            if (!isInOrder)
            {
                var place = section.Map.Find($"{name}_warning") is not null ? $"{name}_warning" : $"{name}_critical";
                mistakes.Add(section.Place(place), $"{name}_warning of health lies above {name}_critical", $"a warning at or below {name}_critical, whose default counts too");
            }
        }
    }

    private static string Invariant(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string UserFile(Func<string, string?> environment)
    {
        if (OperatingSystem.IsWindows())
        {
            return Path.Combine(environment("APPDATA") ?? "", "EtlTools", "etl.yaml");
        }

        var folder = environment("XDG_CONFIG_HOME") is { Length: > 0 } xdg ? xdg : Path.Combine(environment("HOME") ?? "/", ".config");
        return Path.Combine(folder, "etltools", "etl.yaml");
    }

    private static EtlException NotReadable(string path, Exception? inner) => new(
        EtlErrorKind.NotFound,
        "ProfilesNotFound",
        $"The file {path} is not there or cannot be read.",
        path,
        "Correct the path, or ETL_CONFIG.",
        inner: inner);
}
