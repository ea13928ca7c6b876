using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Syncs a table in one transaction. What is read goes into a temporary table first, or straight into a new copy.</summary>
internal sealed class WholeSync(TableTransfer transfer)
{
    private NpgsqlConnection Connection => transfer.Lane.Connection;

    /// <param name="now">The source's clock in the snapshot that is read.</param>
    /// <param name="cancellationToken">Ends both sessions, and changes nothing.</param>
    public Task RunAsync(string now, CancellationToken cancellationToken) =>
        transfer.Plan.Target.Exists ? MergeAsync(now, cancellationToken) : CreateAsync(now, cancellationToken);

    /// <summary>A table that is not there yet: nobody can read it before the transaction ends, so rows go where they belong at once.</summary>
    private async Task CreateAsync(string now, CancellationToken cancellationToken)
    {
        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await TargetShape.CreateAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
        var end = await transfer.Rows.FillAsync("", isNew: true, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-copy");
        transfer.Plan = await TargetShape.AddKeyAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
        var (counts, watermarks) = await transfer.LookAtFilledAsync(end, transfer.Plan.Target.Qualified, "", now, Before, cancellationToken).ConfigureAwait(false);
        var state = await FinishAsync(transfer.Plan.Target.Qualified, watermarks, cancellationToken).ConfigureAwait(false);
        await transfer.CommitAsync(transaction, counts, state, isLast: true, cancellationToken).ConfigureAwait(false);

        // Building the key's index told the planner how large the table is; without one, whoever reads it next would have to guess.
        // What else there is to know the server's autovacuum finds out: of a wide table it takes an eighth of the load.
        if (!transfer.Plan.HasKey)
        {
            await transfer.Lane.ExecuteAsync($"ANALYZE {transfer.Plan.Target.Qualified}", cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task MergeAsync(string now, CancellationToken cancellationToken)
    {
        var where = transfer.Decision.Mode == SyncMode.Full ? "" : $" WHERE {transfer.Filter.Condition(transfer.State, transfer.NumberKey)}";
        var end = await transfer.Rows.StageAsync(where, cancellationToken).ConfigureAwait(false);
        var byKeys = transfer.Deletes && transfer.Decision.Mode == SyncMode.Incremental;
        if (byKeys)
        {
            await transfer.Rows.StageKeysAsync(cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.after-copy");
        if (transfer.Plan.HasKey && !transfer.Table.IsUniqueBy(transfer.Plan.Key))
        {
            await TargetShape.RequireKeyInStageAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
        }

        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        transfer.Plan = await TargetShape.AlterAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
        var zeroDates = await transfer.Rows.CountStagedZeroDatesAsync(where, cancellationToken).ConfigureAwait(false);
        var merge = await new TableMerge(Connection, transfer.Plan, transfer.Id)
        {
            KeepsHistory = transfer.KeepsHistory,
            Deletes = transfer.Deletes && !byKeys,
            DeletesByKeys = byKeys,
        }.RunAsync(cancellationToken).ConfigureAwait(false);
        var watermarks = await Watermarks.ReadAsync(
            Connection, MergeSql.Stage, transfer.WatermarkColumns, transfer.Config, now, Before, cancellationToken).ConfigureAwait(false);
        var state = await FinishAsync(MergeSql.Stage, watermarks, cancellationToken).ConfigureAwait(false);
        await transfer.CommitAsync(transaction, new SyncProgressCounts(end.Rows, end.Bytes, merge, zeroDates), state, isLast: true, cancellationToken).ConfigureAwait(false);
        await transfer.Lane.ExecuteAsync(MergeSql.DropStage, cancellationToken).ConfigureAwait(false);
    }

    private async Task<TableState> FinishAsync(string rows, IReadOnlyDictionary<string, string> watermarks, CancellationToken cancellationToken) =>
        transfer.Finished(
            watermarks,
            await Watermarks.ReadLastKeyAsync(
                Connection, rows, transfer.NumberKey, transfer.Decision.Mode == SyncMode.Full ? null : transfer.State.LastKey, cancellationToken).ConfigureAwait(false));

    /// <summary>A full sync sees everything: what was known before may have been undone or deleted.</summary>
    private IReadOnlyDictionary<string, string> Before =>
        transfer.Decision.Mode == SyncMode.Full ? new Dictionary<string, string>(StringComparer.Ordinal) : transfer.State.Watermarks;
}
