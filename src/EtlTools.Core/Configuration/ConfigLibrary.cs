using System.Reflection;

namespace EtlTools.Core.Configuration;

/// <summary>The YAML files of one kind: those that ship inside the module, and an admin's, each of which may extend another.</summary>
/// <param name="resourcePrefix">What the names of the embedded files begin with.</param>
/// <param name="noun">What such a file is called, e.g. pipeline.</param>
/// <param name="notFoundId">The error id where there is none of a name.</param>
/// <param name="replacedWhole">Keys whose map an extending file replaces, not merges.</param>
internal sealed class ConfigLibrary(string resourcePrefix, string noun, string notFoundId, params IReadOnlyList<string> replacedWhole)
{
    private const string BuiltInPrefix = "built-in:";
    private const int MaxExtends = 10;

    /// <summary>Names of the files that ship inside the module.</summary>
    public IReadOnlyList<string> BuiltInNames { get; } = Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.StartsWith(resourcePrefix, StringComparison.Ordinal))
        .Select(name => name[resourcePrefix.Length..^".yaml".Length])
        .Order(StringComparer.Ordinal)
        .ToList();

    /// <summary>The folder that relative paths of a file start from.</summary>
    public static string FolderOf(string origin) =>
        origin.StartsWith(BuiltInPrefix, StringComparison.Ordinal)
            ? Directory.GetCurrentDirectory()
            : Path.GetDirectoryName(Path.GetFullPath(origin)) ?? Directory.GetCurrentDirectory();

    /// <summary>True for a file, false for the name of a built-in one.</summary>
    public static bool IsPath(string nameOrPath) =>
        nameOrPath.AsSpan().IndexOfAny('/', '\\') >= 0
        || nameOrPath.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase)
        || nameOrPath.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);

    /// <summary>The map that a text consists of, laid over the file that it extends, and so on; null, and a mistake, where it is none.</summary>
    public ConfigMap? Parse(string yaml, string origin, ConfigMistakes mistakes) =>
        ConfigDocument.Parse(yaml, origin, mistakes) is { } map ? Extend(map, mistakes, [origin]) : null;

    /// <exception cref="EtlException">There is neither a built-in file nor one of the admin's.</exception>
    public (string Yaml, string Origin) Open(string nameOrPath, string folder)
    {
        if (!IsPath(nameOrPath))
        {
            var name = BuiltInNames.FirstOrDefault(name => string.Equals(name, nameOrPath, StringComparison.OrdinalIgnoreCase));
            if (name is not null)
            {
                using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resourcePrefix + name + ".yaml")!;
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
            var builtIn = $"built-in {noun}s are {string.Join(", ", BuiltInNames)}";
            throw new EtlException(
                EtlErrorKind.NotFound,
                notFoundId,
                IsPath(nameOrPath)
                    ? $"The {noun} file {path} is not there or cannot be read."
                    : $"There is no {noun} '{nameOrPath}'; {builtIn}, and there is no file of that name.",
                nameOrPath,
                Nearest.Find(nameOrPath, BuiltInNames) is { } meant
                    ? $"Did you mean '{meant}'? Otherwise give the path of a {noun} file."
                    : $"Give the path of a {noun} file; {builtIn}.",
                inner: error);
        }
    }

    /// <summary>Lays the file over the one that it extends, and so on.</summary>
    private ConfigMap Extend(ConfigMap map, ConfigMistakes mistakes, IReadOnlyList<string> origins)
    {
        if (map.Find("extends") is not { } extends)
        {
            return map;
        }

        var own = map with { Entries = map.Entries.Where(entry => entry != extends).ToList() };
        var expected = $"the name of a built-in {noun}, or the path of a {noun} file";
        if (extends.Value is not ConfigScalar { Value.Length: > 0 } name)
        {
            mistakes.Add(extends.Key, $"extends names no {noun}", expected);
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
            mistakes.Add(name, $"extends: {error.Message.TrimEnd('.')}", expected, Nearest.Find(name.Value, BuiltInNames));
            return own;
        }

        if (origins.Contains(origin) || origins.Count > MaxExtends)
        {
            mistakes.Add(name, "extends leads back to a file that is being read", $"a {noun} that does not extend this one");
            return own;
        }

        return ConfigDocument.Parse(yaml, origin, mistakes) is { } basis
            ? own.Over(Extend(basis, mistakes, [.. origins, origin]), replacedWhole)
            : own;
    }
}
