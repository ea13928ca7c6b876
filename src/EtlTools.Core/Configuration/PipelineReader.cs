using System.Reflection;

namespace EtlTools.Core.Configuration;

/// <summary>Reads and validates pipeline files.</summary>
public static class PipelineReader
{
    private const string ResourcePrefix = "EtlTools.Core.Configuration.Pipelines.";
    private const string BuiltInPrefix = "built-in:";
    private const int MaxExtends = 10;

    /// <summary>Names of the pipelines that ship inside the module.</summary>
    public static IReadOnlyList<string> BuiltInNames { get; } = Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
        .Select(name => name[ResourcePrefix.Length..^".yaml".Length])
        .Order(StringComparer.Ordinal)
        .ToList();

    /// <summary>A built-in pipeline by name, or a YAML file by path.</summary>
    /// <exception cref="EtlException">PipelineNotFound, PipelineInvalid (message: every mistake with file, line, expectation).</exception>
    public static PipelineConfig Read(string nameOrPath) => Read(nameOrPath, Environment.GetEnvironmentVariable);

    /// <param name="yaml">The text of a pipeline file.</param>
    /// <param name="origin">Its path: relative folders, and the file it extends, are looked up beside it.</param>
    /// <exception cref="EtlException">PipelineInvalid.</exception>
    public static PipelineConfig Parse(string yaml, string origin) => Parse(yaml, origin, Environment.GetEnvironmentVariable);

    internal static PipelineConfig Read(string nameOrPath, Func<string, string?> environment)
    {
        var (yaml, origin) = Open(nameOrPath, Directory.GetCurrentDirectory());
        return Parse(yaml, origin, environment);
    }

    internal static PipelineConfig Parse(string yaml, string origin, Func<string, string?> environment)
    {
        var mistakes = new ConfigMistakes();
        var map = ConfigDocument.Parse(yaml, origin, mistakes);
        if (map is not null)
        {
            map = Extend(map, mistakes, [origin]);
        }

        var pipeline = map is null ? null : new PipelineBuilder(map, origin, environment, mistakes).Build();
        mistakes.ThrowIfAny("PipelineInvalid", origin);
        return pipeline!;
    }

    /// <summary>Lays the file over the one that it extends, and so on.</summary>
    private static ConfigMap Extend(ConfigMap map, ConfigMistakes mistakes, IReadOnlyList<string> origins)
    {
        if (map.Find("extends") is not { } extends)
        {
            return map;
        }

        var own = map with { Entries = map.Entries.Where(entry => entry != extends).ToList() };
        const string Expected = "the name of a built-in pipeline, or the path of a pipeline file";
        if (extends.Value is not ConfigScalar { Value.Length: > 0 } name)
        {
            mistakes.Add(extends.Key, "extends names no pipeline", Expected);
            return own;
        }

        string yaml;
        string origin;
        try
        {
            (yaml, origin) = Open(name.Value, FolderOf(map.Path));
        }
        catch (EtlException error)
        {
            mistakes.Add(name, $"extends: {error.Message.TrimEnd('.')}", Expected, Nearest.Find(name.Value, BuiltInNames));
            return own;
        }

        if (origins.Contains(origin) || origins.Count > MaxExtends)
        {
            mistakes.Add(name, "extends leads back to a file that is being read", "a pipeline that does not extend this one");
            return own;
        }

        // Where files come from is said as a whole: a folder's settings beside a bucket's would mean nothing.
        return ConfigDocument.Parse(yaml, origin, mistakes) is { } basis
            ? own.Over(Extend(basis, mistakes, [.. origins, origin]), "source")
            : own;
    }

    /// <summary>The folder that relative paths of a pipeline file start from.</summary>
    internal static string FolderOf(string origin) =>
        origin.StartsWith(BuiltInPrefix, StringComparison.Ordinal)
            ? Directory.GetCurrentDirectory()
            : Path.GetDirectoryName(Path.GetFullPath(origin)) ?? Directory.GetCurrentDirectory();

    /// <summary>True for a file, false for the name of a built-in pipeline.</summary>
    internal static bool IsPath(string nameOrPath) =>
        nameOrPath.AsSpan().IndexOfAny('/', '\\') >= 0
        || nameOrPath.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase)
        || nameOrPath.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);

    private static (string Yaml, string Origin) Open(string nameOrPath, string folder)
    {
        if (!IsPath(nameOrPath))
        {
            var name = BuiltInNames.FirstOrDefault(name => string.Equals(name, nameOrPath, StringComparison.OrdinalIgnoreCase));
            if (name is not null)
            {
                using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(ResourcePrefix + name + ".yaml")!;
                using var reader = new StreamReader(stream);
                return (reader.ReadToEnd(), BuiltInPrefix + name);
            }
        }

        var path = Path.GetFullPath(nameOrPath, folder);
        try
        {
            return (File.ReadAllText(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            var builtIn = $"built-in pipelines are {string.Join(", ", BuiltInNames)}";
            throw new EtlException(
                EtlErrorKind.NotFound,
                "PipelineNotFound",
                IsPath(nameOrPath)
                    ? $"The pipeline file {path} is not there or cannot be read."
                    : $"There is no pipeline '{nameOrPath}'; {builtIn}, and there is no file of that name.",
                nameOrPath,
                Nearest.Find(nameOrPath, BuiltInNames) is { } meant
                    ? $"Did you mean '{meant}'? Otherwise give the path of a pipeline file."
                    : $"Give the path of a pipeline file; {builtIn}.",
                inner: error);
        }
    }
}
