using EtlTools.Core.Configuration;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Reads and validates mapping files.</summary>
public static class MetricMapReader
{
    /// <summary>The name of the mapping that ships inside the module.</summary>
    public const string BuiltInName = "health-export";

    private static readonly ConfigLibrary Library = new("EtlTools.Core.Recovery.Mappings.", "mapping", "MetricMapNotFound");

    /// <summary>The mapping for the Health Export deployment.</summary>
    public static MetricMap ReadBuiltIn() => Read(BuiltInName);

    /// <summary>A built-in mapping by name, or a YAML file by path.</summary>
    /// <exception cref="EtlException">MetricMapNotFound, MetricMapInvalid (message: every mistake with file, line, expectation).</exception>
    public static MetricMap Read(string nameOrPath)
    {
        var (yaml, origin) = Library.Open(nameOrPath, Directory.GetCurrentDirectory());
        return Parse(yaml, origin);
    }

    /// <param name="yaml">The text of a mapping file.</param>
    /// <param name="origin">Its path: the file it extends is looked up beside it.</param>
    /// <exception cref="EtlException">MetricMapInvalid.</exception>
    public static MetricMap Parse(string yaml, string origin)
    {
        var mistakes = new ConfigMistakes();
        var file = Library.Parse(yaml, origin, mistakes);
        var map = file is null ? null : new MetricMapBuilder(new ConfigSection(file, "the mapping", mistakes), origin, mistakes).Build();
        mistakes.ThrowIfAny("MetricMapInvalid", origin);
        return map!;
    }
}
