namespace EtlTools.Benchmarks.Cases;

internal interface IBenchmark
{
    /// <summary>What --only calls it: the name of its first result.</summary>
    string Name { get; }

    Task<IReadOnlyList<Result>> RunAsync(Workspace workspace);
}
