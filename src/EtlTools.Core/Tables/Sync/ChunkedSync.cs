using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>
/// Syncs a table by ranges of its key, each in a transaction of its own that also says how far it came: after a kill the next sync
/// goes on from there.
/// </summary>
internal sealed class ChunkedSync(TableTransfer transfer)
{
    private NpgsqlConnection Connection => transfer.Lane.Connection;

    /// <param name="now">The source's clock in the snapshot that is read first.</param>
    /// <param name="cancellationToken">Ends both sessions; ranges that are committed stay.</param>
    public async Task RunAsync(string now, CancellationToken cancellationToken)
    {
        if (!transfer.Plan.Target.Exists)
        {
            await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await TargetShape.CreateAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
            transfer.Plan = await TargetShape.AddKeyAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }

        var pass = transfer.State.Pass ?? new ChunkedPass { IsFull = transfer.Decision.Mode == SyncMode.Full, IsInitial = transfer.Decision.IsInitial, StartedAt = now };
        for (var isLast = false; !isLast;)
        {
            (pass, isLast) = await RunChunkAsync(pass, cancellationToken).ConfigureAwait(false);
            if (!isLast)
            {
                await transfer.Lane.Source.BeginSnapshotAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<(ChunkedPass Pass, bool IsLast)> RunChunkAsync(ChunkedPass pass, CancellationToken cancellationToken)
    {
        List<string> conditions = [];
        if (!pass.IsFull)
        {
            conditions.Add($"({transfer.Filter.Condition(transfer.State, transfer.NumberKey)})");
        }

        if (pass.After is { } after)
        {
            conditions.Add(IncrementalFilter.After(transfer.Plan.Key, after));
        }

        var where = conditions.Count > 0 ? $" WHERE {string.Join(" AND ", conditions)}" : "";
        var rest = $"{where} ORDER BY {SourceSql.List(transfer.Plan.Key)} LIMIT {SourceSql.Number(transfer.Config.BatchSize)}";
        return pass.IsInitial && pass.IsFull && await FillChunkAsync(pass, rest, cancellationToken).ConfigureAwait(false) is { } filled
            ? filled : await MergeChunkAsync(pass, rest, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A copy that ends where the pass has come to has none of the next rows: they go where they belong at once.</summary>
    /// <returns>Null where the copy goes on, or does not fit as it is: the rows have to be merged.</returns>
    private async Task<(ChunkedPass Pass, bool IsLast)?> FillChunkAsync(ChunkedPass pass, string rest, CancellationToken cancellationToken)
    {
        if (transfer.Plan.Alterations.Count > 0 || transfer.Plan.Columns.Any(column => column.IsChecked))
        {
            return null;
        }

        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        var filled = $"(SELECT * FROM {transfer.Plan.Target.Qualified} t{(TargetRange(pass.After, null) is { } range ? $" WHERE {range}" : "")}) r";
        await transfer.Lane.ExecuteAsync(MergeSql.LockForFilling(transfer.Plan), cancellationToken).ConfigureAwait(false);
        if (await Connection.ExecuteScalarAsync<bool>(new CommandDefinition($"SELECT EXISTS (SELECT FROM {filled})", cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            return null;
        }

        var end = await transfer.Rows.FillAsync(rest, isNew: false, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-copy");
        var (counts, watermarks) = await transfer.LookAtFilledAsync(end, filled, rest, pass.StartedAt, pass.Watermarks, cancellationToken).ConfigureAwait(false);
        var last = await ReadLastAsync(filled, end.Rows, pass, cancellationToken).ConfigureAwait(false);
        pass = await GoOnAsync(pass, last, filled, watermarks, cancellationToken).ConfigureAwait(false);
        return (pass, await CommitChunkAsync(transaction, pass, counts, cancellationToken).ConfigureAwait(false));
    }

    private async Task<(ChunkedPass Pass, bool IsLast)> MergeChunkAsync(ChunkedPass pass, string rest, CancellationToken cancellationToken)
    {
        var end = await transfer.Rows.StageAsync(rest, cancellationToken).ConfigureAwait(false);
        var isLast = IsLast(end.Rows);
        var last = await ReadLastAsync(MergeSql.Stage, end.Rows, pass, cancellationToken).ConfigureAwait(false);
        var byKeys = isLast && transfer.Deletes && !pass.IsFull;
        if (byKeys)
        {
            await transfer.Rows.StageKeysAsync(cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.after-copy");
        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        transfer.Plan = await TargetShape.AlterAsync(Connection, transfer.Plan, cancellationToken).ConfigureAwait(false);
        var zeroDates = await transfer.Rows.CountStagedZeroDatesAsync(rest, cancellationToken).ConfigureAwait(false);
        var merge = await new TableMerge(Connection, transfer.Plan, transfer.Id)
        {
            KeepsHistory = transfer.KeepsHistory && !pass.IsInitial,
            Deletes = transfer.Deletes && pass.IsFull,
            DeletesByKeys = byKeys,
            Range = pass.IsFull ? TargetRange(pass.After, isLast ? null : last) : null,
        }.RunAsync(cancellationToken).ConfigureAwait(false);
        var watermarks = await Watermarks.ReadAsync(
            Connection, MergeSql.Stage, transfer.Filter.Columns, transfer.Config, pass.StartedAt, pass.Watermarks, cancellationToken).ConfigureAwait(false);
        pass = await GoOnAsync(pass, last, MergeSql.Stage, watermarks, cancellationToken).ConfigureAwait(false);
        await CommitChunkAsync(transaction, pass, new SyncProgressCounts(end.Rows, end.Bytes, merge, zeroDates), cancellationToken).ConfigureAwait(false);
        await transfer.Lane.ExecuteAsync(MergeSql.DropStage, cancellationToken).ConfigureAwait(false);
        return (pass, isLast);
    }

    private bool IsLast(long rows) => rows < transfer.Config.BatchSize;

    /// <summary>How far a pass has come with the rows of a chunk.</summary>
    private async Task<ChunkedPass> GoOnAsync(
        ChunkedPass pass, IReadOnlyList<string>? last, string rows, IReadOnlyDictionary<string, string> watermarks, CancellationToken cancellationToken) => pass with
    {
        After = last,
        Watermarks = watermarks,
        LastKey = await Watermarks.ReadLastKeyAsync(Connection, rows, transfer.NumberKey, pass.LastKey, cancellationToken).ConfigureAwait(false),
    };

    /// <returns>Whether it was the last.</returns>
    private async Task<bool> CommitChunkAsync(NpgsqlTransaction transaction, ChunkedPass pass, SyncProgressCounts counts, CancellationToken cancellationToken)
    {
        var isLast = IsLast(counts.Read);
        var state = isLast ? Finish(pass) : transfer.Unfinished(pass);
        await transfer.CommitAsync(transaction, counts, state, isLast, cancellationToken).ConfigureAwait(false);
        return isLast;
    }

    private async Task<IReadOnlyList<string>?> ReadLastAsync(string rows, long count, ChunkedPass pass, CancellationToken cancellationToken)
    {
        if (count == 0)
        {
            return pass.After;
        }

        var key = transfer.Plan.Key.Select(SqlIdentifier.Quote).ToList();
        return await Connection.QuerySingleAsync<string[]>(new CommandDefinition(
            $"SELECT ARRAY[{string.Join(", ", key.Select(column => $"{column}::text"))}] FROM {rows} ORDER BY {string.Join(", ", key.Select(column => $"{column} DESC"))} LIMIT 1",
            cancellationToken: cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>A condition on t for the rows of the copy that a chunk of a full pass stands for.</summary>
    private string? TargetRange(IReadOnlyList<string>? after, IReadOnlyList<string>? upTo)
    {
        var key = string.Join(", ", transfer.Plan.Key.Select(column => $"t.{SqlIdentifier.Quote(column)}"));
        List<string> conditions = [];
        if (after is not null)
        {
            conditions.Add($"({key}) > ({Values(after)})");
        }

        if (upTo is not null)
        {
            conditions.Add($"({key}) <= ({Values(upTo)})");
        }

        return conditions.Count > 0 ? string.Join(" AND ", conditions) : null;

        // Numbers and dates of ours, as PostgreSQL itself wrote them.
        string Values(IReadOnlyList<string> values) => string.Join(", ", values.Select((value, i) =>
            $"'{value.Replace("'", "''", StringComparison.Ordinal)}'::{MergeSql.KeyColumns(transfer.Plan).ElementAt(i).StageType}"));
    }

    // What the pass knows is of all its ranges; what was known before it is in the state.
    private TableState Finish(ChunkedPass pass) => transfer.Finished(
        pass.IsFull ? pass.Watermarks : Watermarks.Highest(transfer.Filter.Columns, transfer.State.Watermarks, pass.Watermarks),
        pass.IsFull || transfer.NumberKey is null ? pass.LastKey : Watermarks.Higher(transfer.NumberKey, pass.LastKey, transfer.State.LastKey));
}
