namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Reads and validates mapping files.</summary>
public static class MetricMapReader
{
    /// <summary>The name of the mapping that ships inside the module.</summary>
    public const string BuiltInName = "health-export";

    /// <summary>The mapping for the Health Export deployment.</summary>
    public static MetricMap ReadBuiltIn() => Read(BuiltInName);

    /// <summary>A built-in mapping by name, or a YAML file by path.</summary>
    /// <exception cref="EtlException">MetricMapNotFound, MetricMapInvalid (message: every mistake with file, line, expectation).</exception>
    public static MetricMap Read(string nameOrPath) => throw new NotImplementedException();

    /// <param name="yaml">The text of a mapping file.</param>
    /// <param name="origin">Its path: the file it extends is looked up beside it.</param>
    /// <exception cref="EtlException">MetricMapInvalid.</exception>
    public static MetricMap Parse(string yaml, string origin) => throw new NotImplementedException();
}
