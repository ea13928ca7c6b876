using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Core.Tables.Sync;

/// <summary>One attempt at one table: its lease, what is to be done, the sync, and what is noted where it fails.</summary>
internal sealed class TableWork(SyncLane lane, ISourceDatabase source, TableSyncSettings settings, TableConfig config, TableSync sync)
{
    private TableSyncer? _syncer;

    public long? TableSyncId => _syncer?.TableSyncId;

    public SyncMode Mode { get; private set; }

    public async Task<TableSync> RunAsync(SourceTable table, bool isFull, Action<long> onRows, CancellationToken cancellationToken)
    {
        await lane.OpenAsync(cancellationToken).ConfigureAwait(false);
        await TableLease.TakeAsync(lane.Connection, settings.Schema, config.Name, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-lease");
        var decision = await TableDecision.MakeAsync(
            lane.Connection, source.Connection, settings, config, table, isFull, cancellationToken).ConfigureAwait(false);
        var done = await SyncAsync(table, decision, onRows, cancellationToken).ConfigureAwait(false);
        await TableLease.EndAsync(lane.Connection, settings.Schema, config.Name).ConfigureAwait(false);
        return done;
    }

    /// <summary>Notes the failure, and leaves the lane to be opened anew.</summary>
    public async Task FailAsync(EtlException failure)
    {
        await lane.ResetAsync().ConfigureAwait(false);
        if (failure.ErrorId == "TableBusy")
        {
            return;
        }

        using var patience = new CancellationTokenSource(lane.Database.Patience.Failure);
        try
        {
            await using var connection = await lane.Database.OpenAsync(patience.Token).ConfigureAwait(false);
            await TrackingStore.FailAsync(connection, sync with { Mode = Mode }, TableSyncId, failure, _syncer?.VerifiedTooLittle, patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is EtlException or OperationCanceledException || DatabaseErrors.IsDatabaseError(error))
        {
            // The database is gone too: the next sync finds this one interrupted.
        }
    }

    private Task<TableSync> SyncAsync(SourceTable table, TableDecision decision, Action<long> onRows, CancellationToken cancellationToken)
    {
        Mode = decision.Mode;
        _syncer = new TableSyncer(lane, settings, config, table, decision, onRows);
        return _syncer.RunAsync(
            sync with
            {
                Mode = decision.Mode,
                Drift = [.. decision.Plan.Drift.Select(drift => drift.Description)],
                BecomesText = decision.BecomesText,
                Warning = decision.Warnings,
                IsFirst = !decision.State.IsComplete,
                LocksWriters = decision.LocksWriters,
            },
            cancellationToken);
    }
}
