using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Loads a plan: every file's rows, its staging and its ledger entry in one transaction.</summary>
public sealed class LoadEngine(EtlDatabase database, PipelineConfig pipeline)
{
    internal SegmentLimits SegmentLimits { get; init; } = new();

    /// <summary>
    /// Runs the plan and returns the closed run. A failed file does not end it; then the run is failed, not completed.
    /// Files that earlier runs loaded without staging are staged too, unless this one skips staging itself.
    /// </summary>
    /// <exception cref="EtlException">What keeps the run from starting or from being closed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the run is closed as cancelled.</exception>
    public async Task<LoadRun> LoadAsync(
        IReadOnlyList<LoadPlanItem> plan,
        LoadOptions options,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        var ledger = new RunLedger(database);
        await ledger.CloseDeadRunsAsync(cancellationToken).ConfigureAwait(false);

        using var source = SourceStoreFactory.Create(pipeline.Source);
        var session = await RunSession.StartAsync(
            database,
            new RunStart { Kind = LoadRunKind.Load, Pipeline = pipeline.Name, TriggeredBy = options.TriggeredBy, Reason = options.Reason },
            cancellationToken).ConfigureAwait(false);
        await using var ending = session.ConfigureAwait(false);
        var tables = new ExtractTableReader(pipeline);
        var stager = new FileStager();
        var files = new FileTransaction(database, pipeline.Name, new FileLoader(pipeline, source, tables, stager));
        var reporter = new LoadReporter(session.LoadRunId, plan, progress);
        var segments = new SegmentCare(database, tables, SegmentLimits);
        var extractTypes = plan.Select(item => item.ExtractType).ToList();
        var sealing = Task.CompletedTask;
        try
        {
            // First, or this run would append to what is to be sealed beside it. Only staging looks back, so a run that
            // skips it leaves the sealing to one that does not.
            await segments.CloseFullAsync(extractTypes, session.Stopping).ConfigureAwait(false);
            if (!options.SkipStaging)
            {
                sealing = segments.SealAsync(extractTypes, session.Stopping);
            }

            await LoadFilesAsync(plan, options, session, files, reporter).ConfigureAwait(false);
            if (!options.SkipStaging)
            {
                await new PendingStaging(database, pipeline, tables, stager).StageAsync(session.LoadRunId, reporter.Staged, session.Stopping).ConfigureAwait(false);
            }

            await sealing.ConfigureAwait(false);
            await session.CloseAsync(LoadRunStatus.Completed).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await session.CloseStoppedAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await session.CloseAsync(LoadRunStatus.Cancelled, "Cancelled", "Cancelled by the user.").ConfigureAwait(false);
            throw;
        }
        catch (EtlException error)
        {
            await session.CloseAsync(LoadRunStatus.Failed, error.ErrorId, error.Message).ConfigureAwait(false);
            throw;
        }
        finally
        {
            await sealing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return await ledger.GetRunAsync(session.LoadRunId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether earlier runs left files without staging: then an empty plan has work to do too.</summary>
    /// <exception cref="EtlException">Those of the schema and of connecting.</exception>
    public async Task<bool> HasUnstagedFilesAsync(CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        return await new PendingStaging(database, pipeline, new ExtractTableReader(pipeline), new FileStager())
            .ExistsAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task LoadFilesAsync(
        IReadOnlyList<LoadPlanItem> plan, LoadOptions options, RunSession session, FileTransaction files, LoadReporter reporter)
    {
        var queue = new LoadQueue(pipeline, plan);
        var workers = Enumerable.Range(0, Math.Max(1, Math.Min(options.MaxConcurrency, plan.Count))).Select(_ => WorkAsync());
        await Task.WhenAll(workers).ConfigureAwait(false);

        async Task WorkAsync()
        {
            // Off the caller's thread: parsing is work, and the workers are to run side by side.
            await Task.Yield();
            while (await queue.TakeAsync(session.Stopping).ConfigureAwait(false) is { } item)
            {
                try
                {
                    reporter.Start(item);
                    var outcome = await files.RunAsync(
                        item.Source,
                        again: false,
                        new FileLoadOptions
                        {
                            LoadRunId = session.LoadRunId,
                            MaxErrorRate = options.MaxErrorRate ?? pipeline.MaxErrorRate,
                            SkipStaging = options.SkipStaging,
                            OnProgress = (rows, bytes) => reporter.Advance(item, rows, bytes),
                        },
                        (connection, claim, loaded) => ReceiptStore.InsertAsync(
                            connection, "load", Receipt(item, options.Reason, session.LoadRunId).Completed(claim, loaded), claim.Replaces, undoes: null, session.Stopping),
                        session.Stopping).ConfigureAwait(false);
                    reporter.Finish(item, outcome);
                }
                finally
                {
                    queue.Done(item);
                }
            }
        }
    }

    /// <summary>By it the load can be taken back.</summary>
    private static ReprocessReceipt Receipt(LoadPlanItem item, string? reason, Guid loadRunId) => new()
    {
        LoadRunId = loadRunId,
        ExtractType = item.ExtractType,
        Key = item.Key,
        Reason = string.IsNullOrWhiteSpace(reason) ? "load" : reason,
    };
}
