namespace EtlTools.Core.Configuration;

/// <summary>Reads and validates pipeline files.</summary>
public static class PipelineReader
{
    // Where files come from is said as a whole: a folder's settings beside a bucket's would mean nothing.
    private static readonly ConfigLibrary Library =
        new("EtlTools.Core.Configuration.Pipelines.", "pipeline", "PipelineNotFound", "source");

    /// <summary>Names of the pipelines that ship inside the module.</summary>
    public static IReadOnlyList<string> BuiltInNames => Library.BuiltInNames;

    /// <summary>A built-in pipeline by name, or a YAML file by path.</summary>
    /// <exception cref="EtlException">PipelineNotFound, PipelineInvalid (message: every mistake with file, line, expectation).</exception>
    public static PipelineConfig Read(string nameOrPath) => Read(nameOrPath, Environment.GetEnvironmentVariable);

    /// <param name="yaml">The text of a pipeline file.</param>
    /// <param name="origin">Its path: relative folders, and the file it extends, are looked up beside it.</param>
    /// <exception cref="EtlException">PipelineInvalid.</exception>
    public static PipelineConfig Parse(string yaml, string origin) => Parse(yaml, origin, Environment.GetEnvironmentVariable);

    internal static PipelineConfig Read(string nameOrPath, Func<string, string?> environment)
    {
        var (yaml, origin) = Library.Open(nameOrPath, Directory.GetCurrentDirectory());
        return Parse(yaml, origin, environment);
    }

    internal static PipelineConfig Parse(string yaml, string origin, Func<string, string?> environment)
    {
        var mistakes = new ConfigMistakes();
        var map = Library.Parse(yaml, origin, mistakes);
        var pipeline = map is null ? null : new PipelineBuilder(map, origin, environment, mistakes).Build();
        mistakes.ThrowIfAny("PipelineInvalid", origin);
        return pipeline!;
    }
}
