using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Core.Reprocessing;

/// <summary>Loads files again in place of what they left, and reverses that.</summary>
public sealed class ReprocessEngine(EtlDatabase database, PipelineConfig pipeline)
{
    /// <summary>The real transactions, each rolled back.</summary>
    public Task<ReprocessPlan> PreviewAsync(
        ReprocessTarget target, ReprocessOptions options, IProgress<ReprocessProgress>? progress, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description + pipeline.Name);

    /// <summary>One receipt a file, in the order of the plan. A failed file keeps its old rows.</summary>
    public Task<IReadOnlyList<ReprocessReceipt>> ExecuteAsync(
        ReprocessTarget target, ReprocessOptions options, IProgress<ReprocessProgress>? progress, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public Task<ReprocessPlan> PreviewUndoAsync(
        IReadOnlyList<Guid> receiptIds, string reason, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Reverses the receipts, all or none. Later runs are left alone.</summary>
    /// <exception cref="EtlException">ReceiptNotFound, UndoConflict (every conflict named), UndoNotPossible.</exception>
    public Task<IReadOnlyList<ReprocessReceipt>> UndoAsync(
        IReadOnlyList<Guid> receiptIds, string reason, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Receipts of a run that can still be undone.</summary>
    public Task<IReadOnlyList<ReprocessReceipt>> GetReceiptsAsync(
        IReadOnlyList<Guid> loadRunIds, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
