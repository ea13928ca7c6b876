using Dapper;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Mapping;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>What a merge did to the copy.</summary>
internal sealed record MergeCounts
{
    public long Inserted { get; init; }
    public long Updated { get; init; }
    public long Deleted { get; init; }
    public long RowsDiscarded { get; init; }
    public long ValuesDiscarded { get; init; }

    /// <summary>Rows that were to be written and were not found as they were read.</summary>
    public long NotFound { get; init; }
}

/// <summary>Makes the copy what was read into the stage, inside the caller's transaction. What is equal is not touched.</summary>
internal sealed class TableMerge(NpgsqlConnection connection, TablePlan plan, long tableSyncId)
{
    /// <summary>False: the copy was empty before, or nobody wants to go back.</summary>
    public bool KeepsHistory { get; init; }

    /// <summary>Rows that were not read are to go.</summary>
    public bool Deletes { get; init; }

    /// <summary>The keys of the source are in a table of their own, and rows without one are to go.</summary>
    public bool DeletesByKeys { get; init; }

    /// <summary>The rows of the copy that were asked for, as a condition on t; null: all of them.</summary>
    public string? Range { get; init; }

    public async Task<MergeCounts> RunAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(MergeSql.Lock(plan), cancellationToken).ConfigureAwait(false);
        var (range, rowsDiscarded, valuesDiscarded) = await DiscardAsync(cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(MergeSql.AnalyzeStage(plan), cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(MergeSql.FindDifferences(plan, Deletes, range), cancellationToken).ConfigureAwait(false);
        if (DeletesByKeys)
        {
            await ExecuteAsync(MergeSql.AddVanished(plan), cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.after-differences");
        return await WriteAsync(cancellationToken).ConfigureAwait(false) with { RowsDiscarded = rowsDiscarded, ValuesDiscarded = valuesDiscarded };
    }

    /// <summary>Writes the differences that have been found, and looks whether they arrived.</summary>
    public async Task<MergeCounts> WriteAsync(CancellationToken cancellationToken)
    {
        var found = await connection.QuerySingleAsync<MergeCounts>(new CommandDefinition(
            MergeSql.CountDifferences, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (found is { Inserted: 0, Updated: 0, Deleted: 0 })
        {
            return found;
        }

        if (KeepsHistory)
        {
            await HistoryTable.KeepAsync(connection, plan, tableSyncId, cancellationToken).ConfigureAwait(false);
        }

        var deleted = found.Deleted > 0 ? await ExecuteAsync(MergeSql.Delete(plan), cancellationToken).ConfigureAwait(false) : 0;
        var updated = found.Updated > 0 ? await ExecuteAsync(MergeSql.Update(plan), cancellationToken).ConfigureAwait(false) : 0;
        var inserted = found.Inserted > 0 ? await ExecuteAsync(MergeSql.Insert(plan), cancellationToken).ConfigureAwait(false) : 0;
        var written = found.Inserted + found.Updated;
        var arrived = plan.HasKey && written > 0
            ? await connection.ExecuteScalarAsync<long>(new CommandDefinition(MergeSql.CountFound(plan), cancellationToken: cancellationToken)).ConfigureAwait(false)
            : updated + inserted;
        return new MergeCounts
        {
            Inserted = inserted,
            Updated = updated,
            Deleted = deleted,
            NotFound = Math.Abs(written - arrived) + (found.Deleted - deleted),
        };
    }

    private async Task<(string? Range, long Rows, long Values)> DiscardAsync(CancellationToken cancellationToken)
    {
        if (!plan.Columns.Any(column => column.IsChecked))
        {
            return (Range, 0, 0);
        }

        await ExecuteAsync(MergeSql.CreateFits, cancellationToken).ConfigureAwait(false);
        var range = Range;
        long rows = 0, values = 0;
        if (plan.Contract == SchemaContract.DiscardRow)
        {
            if (plan.HasKey)
            {
                await ExecuteAsync(MergeSql.KeepDiscarded(plan), cancellationToken).ConfigureAwait(false);
                range = range is null ? MergeSql.IsNotDiscarded(plan) : $"({range}) AND {MergeSql.IsNotDiscarded(plan)}";
            }

            rows = await ExecuteAsync(MergeSql.DiscardRows(plan), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            values = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
                MergeSql.CountMisfits(plan), cancellationToken: cancellationToken)).ConfigureAwait(false);
        }

        if (plan.Columns.Any(column => column.IsChecked && column.Type is not null))
        {
            await ExecuteAsync(MergeSql.DiscardValues(plan), cancellationToken).ConfigureAwait(false);
        }

        return (range, rows, values);
    }

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));
}
