using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Runs;

namespace EtlTools.Core.Loading;

/// <summary>Loads a plan: every file's rows, its staging and its ledger entry in one transaction.</summary>
public sealed class LoadEngine(EtlDatabase database, PipelineConfig pipeline)
{
    /// <summary>Runs the plan and returns the closed run. Failed files do not end it; cancellation does.</summary>
    public Task<LoadRun> LoadAsync(
        IReadOnlyList<LoadPlanItem> plan,
        LoadOptions options,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description + pipeline.Name);
}
