using System.Collections.Concurrent;
using Dapper;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using Npgsql;

namespace EtlTools.Core.Staging;

/// <summary>What staging a new file did, in rows.</summary>
/// <param name="Merged">Keys inserted or replaced.</param>
/// <param name="Rejected">Rows that went to quarantine.</param>
/// <param name="Passed">Valid rows that a newer version, or a later row of the same file, stands for.</param>
/// <param name="Duplicates">Those of them whose key comes again later in the file.</param>
internal sealed record FileStaging(long Merged, long Rejected, long Passed, long Duplicates);

/// <summary>Values that rules set to NULL, and the columns they are of.</summary>
internal sealed record EmptiedValues(long Count, IReadOnlyList<string> Columns);

/// <summary>
/// Keeps staging what raw says, inside the caller's transaction. A new file is merged where it is newer and reads no old raw
/// row. A file that goes, or goes and comes, has its keys recomputed; only keys that nothing newer took are looked back for.
/// </summary>
internal sealed class StagingMerger
{
    private readonly ConcurrentDictionary<string, StagingSql> _sql = new(StringComparer.Ordinal);

    /// <summary>One writer of a staging table at a time; readers are not kept out. Held until the transaction ends.</summary>
    public static Task LockAsync(NpgsqlConnection connection, ExtractTable table, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            "SELECT pg_advisory_xact_lock(hashtextextended('etl.staging ' || @table, 0))",
            new { table = table.StagingName },
            commandTimeout: 0,
            cancellationToken: cancellationToken));

    /// <summary>Merges a file that has just been copied into raw.</summary>
    /// <param name="connection">In a transaction that holds <see cref="LockAsync"/>.</param>
    /// <param name="table">Its tables.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Stops the statement.</param>
    public async Task<FileStaging> MergeNewFileAsync(
        NpgsqlConnection connection, ExtractTable table, RawFile file, CancellationToken cancellationToken)
    {
        var sql = Sql(table);
        var (merged, hasDuplicates) = await MergeAsync(connection, sql, file, cancellationToken).ConfigureAwait(false);
        if (merged == file.RowCount)
        {
            return new FileStaging(merged, 0, 0, 0);
        }

        // Not every row was merged. Before that is taken for rejects, make sure that the hint did not hide any: a hole left
        // by an aborted load may have been filled below the first block.
        if (file.FirstBlock is { } block
            && await CountAsync(connection, file, block, cancellationToken).ConfigureAwait(false) != file.RowCount)
        {
            return await MergeNewFileAsync(connection, table, file with { FirstBlock = null }, cancellationToken).ConfigureAwait(false);
        }

        var rejected = await RejectAsync(connection, sql, table, file, cancellationToken).ConfigureAwait(false);
        var valid = file.RowCount - rejected;
        var duplicates = hasDuplicates ? valid - await CountKeysAsync(connection, sql, file, cancellationToken).ConfigureAwait(false) : 0;
        return new FileStaging(merged, rejected, valid - merged, duplicates);
    }

    /// <summary>What rules emptied in a file's rows; looked for only where the table has such a rule.</summary>
    public async Task<EmptiedValues> CountEmptiedAsync(
        NpgsqlConnection connection, ExtractTable table, RawFile file, CancellationToken cancellationToken)
    {
        var sql = Sql(table);
        var columns = sql.EmptiableColumns();
        if (columns.Count == 0)
        {
            return new EmptiedValues(0, JoinedList.Empty<string>());
        }

        var counts = await connection.QuerySingleAsync<long[]>(new CommandDefinition(
            sql.CountEmptied(file.Segment, firstBlock: null),
            new { file = file.LoadRunFileId },
            commandTimeout: 0,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return new EmptiedValues(counts.Sum(), JoinedList.Of(columns.Where((_, place) => counts[place] > 0)));
    }

    /// <summary>
    /// Recomputes the keys of files that came or went. The ledger must already say which count: superseded_at is set for
    /// those that went and null for those that came. A file in both lists is staged anew from its raw rows.
    /// </summary>
    public async Task<StagingChange> RecomputeAsync(
        NpgsqlConnection connection,
        ExtractTable table,
        IReadOnlyList<RawFile> came,
        IReadOnlyList<int> went,
        CancellationToken cancellationToken)
    {
        var sql = Sql(table);
        var cameIds = came.Select(file => file.LoadRunFileId).ToArray();
        var cameSegments = came.Select(file => file.Segment).Distinct(StringComparer.Ordinal).ToList();
        if (cameSegments.Count == 0)
        {
            cameSegments.Add(table.RawSql);
        }

        var parameters = new { files = cameIds, went = went.ToArray() };
        await ExecuteAsync(sql.CreateIncoming(cameSegments)).ConfigureAwait(false);
        var incoming = await QueryAsync<IncomingCount>(sql.CountIncoming()).ConfigureAwait(false);
        await ExecuteAsync(sql.MergeIncoming()).ConfigureAwait(false);

        var fallback = new FallbackCount();
        if (went.Count > 0)
        {
            var wentSegments = await RawSegments.OfFilesAsync(connection, table, went, cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(sql.CreateLeftover(wentSegments)).ConfigureAwait(false);
            if (await QueryAsync<bool>($"SELECT EXISTS (SELECT FROM {StagingSql.Leftover})").ConfigureAwait(false))
            {
                var all = await RawSegments.AllAsync(connection, table, cancellationToken).ConfigureAwait(false);
                await ExecuteAsync(sql.CreateFallback(all)).ConfigureAwait(false);
                fallback = await QueryAsync<FallbackCount>(sql.CountFallback()).ConfigureAwait(false);
                await ExecuteAsync(sql.ApplyFallback()).ConfigureAwait(false);
            }
        }

        long rejected = 0;
        foreach (var file in came)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "DELETE FROM etl.rejected_rows WHERE load_run_file_id = @LoadRunFileId AND stage = 'staging' AND repaired_by_load_run_file_id IS NULL",
                file,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            rejected += await RejectAsync(connection, sql, table, file with { FirstBlock = null }, cancellationToken).ConfigureAwait(false);
        }

        return new StagingChange
        {
            ExtractType = table.ExtractType,
            Table = table.StagingName,
            Duplicates = came.Count == 1 ? came[0].RowCount - rejected - incoming.Keys : 0,
            Inserted = incoming.Inserted,
            Changed = incoming.Changed,
            Unchanged = incoming.Unchanged + fallback.Unchanged,
            Restored = fallback.Restored,
            Withdrawn = fallback.Withdrawn,
            Rejected = rejected,
        };

        Task ExecuteAsync(string text) => connection.ExecuteAsync(new CommandDefinition(
            text, parameters, commandTimeout: 0, cancellationToken: cancellationToken));

        Task<T> QueryAsync<T>(string text) => connection.QuerySingleAsync<T>(new CommandDefinition(
            text, parameters, commandTimeout: 0, cancellationToken: cancellationToken));
    }

    private static async Task<(long Merged, bool HasDuplicates)> MergeAsync(
        NpgsqlConnection connection, StagingSql sql, RawFile file, CancellationToken cancellationToken)
    {
        var parameters = new { file = file.LoadRunFileId, extractedAt = file.ExtractedAt };
        await connection.ExecuteAsync(new CommandDefinition("SAVEPOINT etl_merge", cancellationToken: cancellationToken)).ConfigureAwait(false);
        try
        {
            return (await connection.ExecuteAsync(new CommandDefinition(
                sql.MergeFile(file.Segment, file.FirstBlock, distinct: false),
                parameters,
                commandTimeout: 0,
                cancellationToken: cancellationToken)).ConfigureAwait(false), false);
        }
        catch (PostgresException twice) when (twice.SqlState == PostgresErrorCodes.CardinalityViolation)
        {
            // A key is in the file twice. That is rare, so only such a file pays for the sort.
            await connection.ExecuteAsync(new CommandDefinition(
                "ROLLBACK TO SAVEPOINT etl_merge", cancellationToken: cancellationToken)).ConfigureAwait(false);
            return (await connection.ExecuteAsync(new CommandDefinition(
                sql.MergeFile(file.Segment, file.FirstBlock, distinct: true),
                parameters,
                commandTimeout: 0,
                cancellationToken: cancellationToken)).ConfigureAwait(false), true);
        }
    }

    private static Task<long> CountAsync(
        NpgsqlConnection connection, RawFile file, long firstBlock, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<long>(new CommandDefinition(
            StagingSql.CountFileRows(file.Segment, firstBlock),
            new { file = file.LoadRunFileId },
            commandTimeout: 0,
            cancellationToken: cancellationToken));

    private static Task<long> CountKeysAsync(
        NpgsqlConnection connection, StagingSql sql, RawFile file, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<long>(new CommandDefinition(
            sql.CountKeys(file.Segment, file.FirstBlock),
            new { file = file.LoadRunFileId },
            commandTimeout: 0,
            cancellationToken: cancellationToken));

    private static async Task<long> RejectAsync(
        NpgsqlConnection connection, StagingSql sql, ExtractTable table, RawFile file, CancellationToken cancellationToken) =>
        await connection.ExecuteAsync(new CommandDefinition(
            sql.RejectFileRows(file.Segment, file.FirstBlock),
            new { file = file.LoadRunFileId, run = file.LoadRunId, extractType = table.ExtractType },
            commandTimeout: 0,
            cancellationToken: cancellationToken)).ConfigureAwait(false);

    private StagingSql Sql(ExtractTable table) => _sql.GetOrAdd(table.StagingName, _ => new StagingSql(table));

    private sealed record IncomingCount
    {
        public long Keys { get; init; }
        public long Inserted { get; init; }
        public long Changed { get; init; }
        public long Unchanged { get; init; }
    }

    private sealed record FallbackCount
    {
        public long Restored { get; init; }
        public long Unchanged { get; init; }
        public long Withdrawn { get; init; }
    }
}
