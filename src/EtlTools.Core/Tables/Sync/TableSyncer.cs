using System.Diagnostics;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Syncs one table, whose lease the lane holds: whole or by ranges, and a second time where its dates ask for that.</summary>
internal sealed class TableSyncer(SyncLane lane, TableSyncSettings settings, TableConfig config, SourceTable table, TableDecision decision, Action<long> onRows)
{
    private readonly TableTransfer _transfer = new(lane, settings, config, table, decision, onRows);

    /// <summary>The id of the sync, once there is one.</summary>
    public long? TableSyncId => _transfer.Id > 0 ? _transfer.Id : null;

    /// <inheritdoc cref="TableTransfer.VerifiedTooLittle"/>
    public double? VerifiedTooLittle => _transfer.VerifiedTooLittle;

    public async Task<TableSync> RunAsync(TableSync sync, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await _transfer.StartAsync(sync, cancellationToken).ConfigureAwait(false);
        try
        {
            await ReadAndWriteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OddDatesException)
        {
            await _transfer.ExpectOddDatesAsync(cancellationToken).ConfigureAwait(false);
            await ReadAndWriteAsync(cancellationToken).ConfigureAwait(false);
        }

        await _transfer.ClearHistoryAsync(cancellationToken).ConfigureAwait(false);
        var counts = _transfer.Counts;
        return sync with
        {
            TableSyncId = _transfer.Id,
            Status = TableSyncStatus.Completed,
            Duration = clock.Elapsed,
            RowsRead = counts.Read,
            RowsInserted = counts.Merge.Inserted,
            RowsUpdated = counts.Merge.Updated,
            RowsDeleted = counts.Merge.Deleted,
            RowsDiscarded = counts.Merge.RowsDiscarded,
            ValuesDiscarded = counts.Merge.ValuesDiscarded,
            ZeroDates = counts.ZeroDates,
            Verified = counts.Verified,
        };
    }

    private async Task ReadAndWriteAsync(CancellationToken cancellationToken)
    {
        await lane.Source.BeginSnapshotAsync(cancellationToken).ConfigureAwait(false);
        var now = await _transfer.Rows.ReadNowAsync(cancellationToken).ConfigureAwait(false);
        await (decision.IsChunked
            ? new ChunkedSync(_transfer).RunAsync(now, cancellationToken)
            : new WholeSync(_transfer).RunAsync(now, cancellationToken)).ConfigureAwait(false);
    }
}
