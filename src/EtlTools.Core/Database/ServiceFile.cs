namespace EtlTools.Core.Database;

/// <summary>pg_service.conf: sections of libpq settings.</summary>
internal static class ServiceFile
{
    /// <summary>Settings of a service by libpq keyword, from the first of the files that has it.</summary>
    /// <exception cref="EtlException">ServiceNotFound.</exception>
    public static IReadOnlyDictionary<string, string> Read(string service, Func<string, string?> environment)
    {
        var paths = Paths(environment).ToList();
        foreach (var path in paths.Where(File.Exists))
        {
            if (FindSection(File.ReadLines(path), service) is { } settings)
            {
                return settings;
            }
        }

        throw new EtlException(
            EtlErrorKind.NotFound,
            "ServiceNotFound",
            $"There is no connection service '{service}' in {string.Join(" or ", paths)}.",
            service,
            "Check PGSERVICE and PGSERVICEFILE, or add the section to the service file.");
    }

    private static IEnumerable<string> Paths(Func<string, string?> environment)
    {
        yield return environment("PGSERVICEFILE") is { Length: > 0 } file ? file : UserFile(environment);
        if (environment("PGSYSCONFDIR") is { Length: > 0 } folder)
        {
            yield return Path.Combine(folder, "pg_service.conf");
        }
    }

    private static string UserFile(Func<string, string?> environment) => OperatingSystem.IsWindows()
        ? Path.Combine(environment("APPDATA") ?? "", "postgresql", ".pg_service.conf")
        : Path.Combine(environment("HOME") ?? "", ".pg_service.conf");

    private static Dictionary<string, string>? FindSection(IEnumerable<string> lines, string service)
    {
        Dictionary<string, string>? settings = null;
        foreach (var line in lines.Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] == '[')
            {
                if (settings is not null)
                {
                    break;
                }

                settings = line == $"[{service}]" ? new Dictionary<string, string>(StringComparer.Ordinal) : null;
            }
            else if (settings is not null && line.IndexOf('=', StringComparison.Ordinal) is var at and > 0)
            {
                settings.TryAdd(line[..at].Trim(), line[(at + 1)..].Trim());
            }
        }

        return settings;
    }
}
