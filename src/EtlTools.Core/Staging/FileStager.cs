using System.Diagnostics;
using Dapper;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using Npgsql;

namespace EtlTools.Core.Staging;

/// <summary>Stages files inside the caller's transaction and keeps the books of it (etl.staging_runs).</summary>
internal sealed class FileStager
{
    private readonly StagingMerger _merger = new();

    /// <summary>
    /// Stages a file whose rows are in raw: merged where it is simply new, recomputed together with the files that give way
    /// to it where there are any.
    /// </summary>
    public async Task<StagingChange> StageAsync(
        NpgsqlConnection connection, ExtractTable table, RawFile file, IReadOnlyList<int> replaces, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);
        if (replaces.Count > 0)
        {
            var change = await _merger.RecomputeAsync(connection, table, [file], replaces, cancellationToken).ConfigureAwait(false);
            await RecordAsync(connection, table, file, change.Rejected, passed: 0, clock, cancellationToken).ConfigureAwait(false);
            return await WithEmptiedAsync(connection, table, file, change, cancellationToken).ConfigureAwait(false);
        }

        var staged = await _merger.MergeNewFileAsync(connection, table, file, cancellationToken).ConfigureAwait(false);
        await RecordAsync(connection, table, file, staged.Rejected, staged.Passed, clock, cancellationToken).ConfigureAwait(false);
        var merged = new StagingChange
        {
            ExtractType = table.ExtractType,
            Table = table.StagingName,
            Inserted = staged.Merged,
            Rejected = staged.Rejected,
            Duplicates = staged.Duplicates,
        };
        return await WithEmptiedAsync(connection, table, file, merged, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Recomputes the keys of files that came, went, or are staged anew (in both lists).</summary>
    public async Task<StagingChange> RecomputeAsync(
        NpgsqlConnection connection,
        ExtractTable table,
        IReadOnlyList<RawFile> came,
        IReadOnlyList<int> went,
        CancellationToken cancellationToken)
    {
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);

        // Of rows that were repaired meanwhile nobody knows here whether they are doubles.
        return await _merger.RecomputeAsync(connection, table, came, went, cancellationToken).ConfigureAwait(false) with { Duplicates = 0 };
    }

    /// <summary>
    /// Stages a file that was loaded without. It is marked first: what gave way to it counts for as long as it is not staged.
    /// </summary>
    public async Task<StagingChange> StagePendingAsync(
        NpgsqlConnection connection, ExtractTable table, RawFile file, IReadOnlyList<int> replaces, CancellationToken cancellationToken)
    {
        var parameters = new { file = file.LoadRunFileId };
        await connection.ExecuteAsync(new CommandDefinition(
            StagingRunSql.MarkStaged, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false);
        var change = await StageAsync(connection, table, file, replaces, cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            StagingRunSql.Restaged, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return change;
    }

    private async Task<StagingChange> WithEmptiedAsync(
        NpgsqlConnection connection, ExtractTable table, RawFile file, StagingChange change, CancellationToken cancellationToken)
    {
        var emptied = await _merger.CountEmptiedAsync(connection, table, file, cancellationToken).ConfigureAwait(false);
        return change with { Emptied = emptied.Count, EmptiedColumn = emptied.Columns };
    }

    private static Task RecordAsync(
        NpgsqlConnection connection,
        ExtractTable table,
        RawFile file,
        long rejected,
        long passed,
        Stopwatch clock,
        CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            StagingRunSql.Record,
            new
            {
                run = file.LoadRunId,
                extractType = table.ExtractType,
                source = table.RawName,
                target = table.StagingName,
                read = file.RowCount,
                transformed = file.RowCount - rejected,
                rejected,
                passed,
                elapsed = clock.ElapsedMilliseconds,
            },
            cancellationToken: cancellationToken));
}
