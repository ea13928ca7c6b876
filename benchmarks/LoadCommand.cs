using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;

namespace EtlTools.Benchmarks;

/// <summary>The loader that <see cref="LoaderProcess"/> starts: what there is to load goes into raw.</summary>
internal static class LoadCommand
{
    public static async Task<int> RunAsync(string pipelineFile)
    {
        var pipeline = PipelineReader.Read(pipelineFile);
        await using var database = EtlDatabase.Connect(new ConnectionRequest());
        var plan = await new FileDiscovery(database, pipeline).GetPlanAsync(
            new FileFilter(), TimeSpan.FromDays(30), [], 100, onUnrecognised: null, CancellationToken.None);
        var run = await new LoadEngine(database, pipeline).LoadAsync(
            plan, new LoadOptions { SkipStaging = true }, progress: null, CancellationToken.None);
        return run.Status == LoadRunStatus.Completed ? 0 : 1;
    }
}
