using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>Loads files again in place of what they left, and reverses that.</summary>
public sealed class ReprocessEngine(EtlDatabase database, PipelineConfig pipeline)
{
    internal SegmentLimits SegmentLimits { get; init; } = new();

    /// <summary>
    /// The real work in one transaction, rolled back: each file sees what the ones before it did, so the totals are those of
    /// the run. While it goes on, writers of the same keys wait; readers do not.
    /// </summary>
    /// <exception cref="EtlException">ReasonEmpty, NothingToDelete, LoadRunNotFound, LoadFileNotFound, PipelineMismatch, those of connecting.</exception>
    public async Task<ReprocessPlan> PreviewAsync(
        ReprocessTarget target, ReprocessOptions options, IProgress<ReprocessProgress>? progress, CancellationToken cancellationToken)
    {
        await CheckAsync(options, cancellationToken).ConfigureAwait(false);
        await using var work = new ReprocessWork(database, pipeline, options, SegmentLimits);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var files = await ReprocessTargets.ResolveAsync(connection, pipeline, target, options, cancellationToken).ConfigureAwait(false);
            await work.PrepareLookBackAsync(files, cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var run = await RunSession.InsertAsync(connection, Start(files, options.Reason), leaseKey: null, cancellationToken).ConfigureAwait(false);
            var receipts = await RunAllAsync(
                files,
                options,
                progress,
                (file, advance) => work.PreviewFileAsync(connection, file, run, advance, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
            return ToPlan(receipts, options.Reason);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>How many files are meant; for whoever asks somebody before <see cref="ExecuteAsync"/>.</summary>
    /// <exception cref="EtlException">As <see cref="PreviewAsync"/>.</exception>
    public async Task<int> CountFilesAsync(ReprocessTarget target, ReprocessOptions options, CancellationToken cancellationToken)
    {
        await CheckAsync(options, cancellationToken).ConfigureAwait(false);
        return (await ResolveAsync(target, options, cancellationToken).ConfigureAwait(false)).Count;
    }

    /// <summary>
    /// One receipt a file, in the order of the plan: failed files first, then parents before children. Each file is a
    /// transaction of its own; one that fails keeps its old rows. No file, no run.
    /// </summary>
    /// <exception cref="EtlException">As <see cref="PreviewAsync"/>.</exception>
    /// <exception cref="OperationCanceledException">Files committed before stay reprocessed; Get-LoadRun shows the run as cancelled.</exception>
    public async Task<IReadOnlyList<ReprocessReceipt>> ExecuteAsync(
        ReprocessTarget target, ReprocessOptions options, IProgress<ReprocessProgress>? progress, CancellationToken cancellationToken)
    {
        await CheckAsync(options, cancellationToken).ConfigureAwait(false);
        await new RunLedger(database).CloseDeadRunsAsync(cancellationToken).ConfigureAwait(false);
        var files = await ResolveAsync(target, options, cancellationToken).ConfigureAwait(false);
        if (files.Count == 0)
        {
            return [];
        }

        await using var work = new ReprocessWork(database, pipeline, options, SegmentLimits);
        var session = await RunSession.StartAsync(database, Start(files, options.Reason), cancellationToken).ConfigureAwait(false);
        await using var ending = session.ConfigureAwait(false);
        try
        {
            await work.PrepareLookBackAsync(files, session.Stopping).ConfigureAwait(false);
            var receipts = await RunAllAsync(
                files, options, progress, (file, advance) => work.RunFileAsync(file, session.LoadRunId, advance, session.Stopping), session.Stopping).ConfigureAwait(false);
            var failed = receipts.Count(receipt => receipt.Status != "Completed");
            await session.CloseAsync(
                failed == 0 ? LoadRunStatus.Completed : LoadRunStatus.Failed,
                failed == 0 ? null : "FilesFailed",
                failed == 0 ? null : $"{failed} of {receipts.Count} file(s) were not reprocessed.").ConfigureAwait(false);
            return receipts;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await session.CloseStoppedAsync().ConfigureAwait(false);
            var kept = await GetReceiptsAsync([session.LoadRunId], [], CancellationToken.None).ConfigureAwait(false);
            var rest = files
                .Where(file => !kept.Any(receipt => receipt.Key == file.Key))
                .Select(file => NotStarted(file, options, ReprocessReceipt.RunStopped, "Stop-LoadRun ended the run; of this file nothing was changed."));
            return [.. kept, .. rest];
        }
        catch (OperationCanceledException)
        {
            await session.CloseAsync(LoadRunStatus.Cancelled, "Cancelled", "Cancelled by the user.").ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The receipts, with the repairs that would go too, where each is there and of a kind that can be undone. Whether others have built on them shows later.</summary>
    /// <exception cref="EtlException">ReceiptNotFound, UndoNotPossible.</exception>
    public Task<IReadOnlyList<ReprocessReceipt>> RequireUndoableAsync(IReadOnlyList<Guid> receiptIds, CancellationToken cancellationToken) =>
        new UndoWork(database, pipeline, SegmentLimits).RequireUndoableAsync(receiptIds, cancellationToken);

    /// <summary>What <see cref="UndoAsync"/> would do: the same transaction, rolled back.</summary>
    public async Task<ReprocessPlan> PreviewUndoAsync(
        IReadOnlyList<Guid> receiptIds, string reason, CancellationToken cancellationToken)
    {
        await CheckAsync(reason, cancellationToken).ConfigureAwait(false);
        var undo = new UndoWork(database, pipeline, SegmentLimits);
        return ToPlan(await undo.PreviewAsync(receiptIds, reason, cancellationToken).ConfigureAwait(false), reason);
    }

    /// <summary>Reverses the receipts, all or none. Later runs are left alone.</summary>
    /// <exception cref="EtlException">ReceiptNotFound, UndoConflict (every conflict named), UndoNotPossible.</exception>
    public async Task<IReadOnlyList<ReprocessReceipt>> UndoAsync(
        IReadOnlyList<Guid> receiptIds, string reason, CancellationToken cancellationToken)
    {
        await CheckAsync(reason, cancellationToken).ConfigureAwait(false);
        return await new UndoWork(database, pipeline, SegmentLimits).RunAsync(receiptIds, reason, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Receipts of these runs, and those by which these files came, that can still be undone.</summary>
    /// <exception cref="EtlException">LoadRunNotFound, LoadFileNotFound.</exception>
    public async Task<IReadOnlyList<ReprocessReceipt>> GetReceiptsAsync(
        IReadOnlyList<Guid> loadRunIds, IReadOnlyList<int> loadRunFileIds, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await LedgerIds.RequireRunsAsync(connection, loadRunIds, cancellationToken).ConfigureAwait(false);
            await LedgerIds.RequireFilesAsync(connection, loadRunFileIds, cancellationToken).ConfigureAwait(false);
            var receipts = await ReceiptStore.FindAsync(connection, [], loadRunIds, loadRunFileIds, cancellationToken).ConfigureAwait(false);
            return receipts
                .Where(receipt => receipt is { Kind: not "undo", UndoneBy: null })
                .Select(receipt => receipt.ToReceipt())
                .ToList();
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private Task CheckAsync(ReprocessOptions options, CancellationToken cancellationToken) => options is { SkipRaw: true, HardDelete: true }
        ? throw new EtlException(
            EtlErrorKind.InvalidInput,
            "NothingToDelete",
            "A staging-only reprocess (SkipRaw) replaces no raw rows, so it has none to delete (HardDelete).",
            "HardDelete",
            "Leave one of the two out.")
        : CheckAsync(options.Reason, cancellationToken);

    private async Task CheckAsync(string reason, CancellationToken cancellationToken)
    {
        Reasons.Require(reason);
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<TargetFile>> ResolveAsync(
        ReprocessTarget target, ReprocessOptions options, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReprocessTargets.ResolveAsync(connection, pipeline, target, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private RunStart Start(IReadOnlyList<TargetFile> files, string reason)
    {
        var runs = files.Select(file => file.LoadRunId).Distinct().ToList();
        return new RunStart
        {
            Kind = LoadRunKind.Reprocess,
            Pipeline = pipeline.Name,
            Reason = reason,
            ParentRunId = runs.Count == 1 ? runs[0] : null,
        };
    }

    private static async Task<IReadOnlyList<ReprocessReceipt>> RunAllAsync(
        IReadOnlyList<TargetFile> files,
        ReprocessOptions options,
        IProgress<ReprocessProgress>? progress,
        Func<TargetFile, Action<long, double>, Task<ReprocessReceipt>> run,
        CancellationToken cancellationToken)
    {
        var reporter = new ReprocessReporter(files.Count, progress);
        var breaker = new CircuitBreaker(options.MaxFailure, options.MaxErrorRate);
        var receipts = new List<ReprocessReceipt>();
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            reporter.Start(file.Key);
            var receipt = breaker.Open is { } open
                ? NotStarted(file, options, "CircuitBreakerOpen", open)
                : await run(file, reporter.Advance).ConfigureAwait(false);
            breaker.Count(receipt);
            receipts.Add(receipt);
            reporter.Finish(receipt);
        }

        return receipts;
    }

    private static ReprocessReceipt NotStarted(TargetFile file, ReprocessOptions options, string errorCode, string why) => new()
    {
        ExtractType = file.ExtractType,
        Key = file.Key,
        OldLoadRunFileId = file.LoadRunFileId,
        Status = "NotStarted",
        Reason = options.Reason,
        ErrorCode = errorCode,
        Error = why,
    };

    private static ReprocessPlan ToPlan(IReadOnlyList<ReprocessReceipt> receipts, string reason) => new()
    {
        File = receipts,
        Reason = reason,
        Staging = receipts
            .Where(receipt => receipt.Staging is not null)
            .GroupBy(receipt => receipt.Staging!.Table, receipt => receipt.Staging!)
            .Select(table => new StagingChange
            {
                ExtractType = table.First().ExtractType,
                Table = table.Key,
                Inserted = table.Sum(change => change.Inserted),
                Changed = table.Sum(change => change.Changed),
                Withdrawn = table.Sum(change => change.Withdrawn),
                Restored = table.Sum(change => change.Restored),
                Unchanged = table.Sum(change => change.Unchanged),
                Rejected = table.Sum(change => change.Rejected),
                Duplicates = table.Sum(change => change.Duplicates),
                Emptied = table.Sum(change => change.Emptied),
                EmptiedColumn = JoinedList.Of(table.SelectMany(change => change.EmptiedColumn).Distinct()),
            })
            .ToList(),
    };
}
