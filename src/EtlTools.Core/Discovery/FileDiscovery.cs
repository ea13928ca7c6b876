using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Discovery;

/// <summary>What is there to load: new files, failed files, and the plan that orders them.</summary>
public sealed class FileDiscovery(EtlDatabase database, PipelineConfig pipeline)
{
    /// <summary>Files in the source that the ledger does not know, as the listing streams by.</summary>
    public IAsyncEnumerable<NewFile> FindNewAsync(
        FileFilter filter, Action<UnrecognisedFile>? onUnrecognised, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description + pipeline.Name);

    /// <summary>Files whose last attempt failed, is pending, or was left behind by a dead run; due ones first, oldest first.</summary>
    public IAsyncEnumerable<FailedFile> FindFailedAsync(
        FileFilter filter, TimeSpan maxAge, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Failed first (those that are due), then new; parents before children; batches by extract type.</summary>
    public Task<IReadOnlyList<LoadPlanItem>> GetPlanAsync(
        FileFilter filter,
        TimeSpan maxAge,
        IReadOnlyList<string> priority,
        int batchSize,
        Action<UnrecognisedFile>? onUnrecognised,
        CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>A plan of the named files, whatever the ledger says of them; in the order that parents and dates give.</summary>
    /// <exception cref="EtlException">SourceFileMissing, FileNameNotRecognised, ...</exception>
    public Task<IReadOnlyList<LoadPlanItem>> PlanFilesAsync(
        IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
