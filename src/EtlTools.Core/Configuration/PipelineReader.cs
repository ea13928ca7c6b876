namespace EtlTools.Core.Configuration;

/// <summary>Reads and validates pipeline files.</summary>
public static class PipelineReader
{
    /// <summary>Names of the pipelines that ship inside the module.</summary>
    public static IReadOnlyList<string> BuiltInNames => throw new NotImplementedException();

    /// <summary>A built-in pipeline by name, or a YAML file by path.</summary>
    /// <exception cref="EtlException">PipelineNotFound, PipelineInvalid (message: every mistake with file, line, expectation).</exception>
    public static PipelineConfig Read(string nameOrPath) => throw new NotImplementedException();

    public static PipelineConfig Parse(string yaml, string origin) => throw new NotImplementedException();
}
