using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>
/// Where raw rows lie. A raw table is a parent whose segments inherit from it: SELECT on the parent sees every row, and rows
/// that were there before EtlTools stay in the parent itself. Loads append to the open segment, which has no index, for an
/// index on the natural key that is kept up row by row would triple a load. A segment that is full is closed, and sealed
/// once nobody writes to it any more: then its indexes are built in bulk.
/// </summary>
internal static class RawSegments
{
    /// <summary>
    /// The quoted name of the open segment, made where there is none. In a transaction of its own the new segment is there
    /// for all at once; in a preview's it goes with the preview.
    /// </summary>
    public static async Task<string> GetOpenAsync(NpgsqlConnection connection, ExtractTable table, CancellationToken cancellationToken)
    {
        var open = await FindOpenAsync(connection, table, cancellationToken).ConfigureAwait(false);
        if (open is not null)
        {
            return open;
        }

        await connection.ExecuteAsync(new CommandDefinition(
            RawSegmentSql.LockTable, new { table = table.RawName }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return await FindOpenAsync(connection, table, cancellationToken).ConfigureAwait(false)
            ?? await CreateAsync(connection, table, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes the open segment where it is full, so that the next load opens a new one.</summary>
    public static Task CloseFullAsync(
        NpgsqlConnection connection, ExtractTable table, SegmentLimits limits, CancellationToken cancellationToken) =>
        CloseAsync(connection, RawSegmentSql.CloseFull, table, limits.FullBytes, cancellationToken);

    /// <summary>Closes the open segment where a look-back would have to scan much of it.</summary>
    public static Task CloseForLookBackAsync(
        NpgsqlConnection connection, ExtractTable table, SegmentLimits limits, CancellationToken cancellationToken) =>
        CloseAsync(connection, RawSegmentSql.CloseLarger, table, limits.ScanBytes, cancellationToken);

    /// <summary>
    /// Builds the indexes of closed segments that nobody writes to. One that is still written to is left for the next time:
    /// indexes make a look-back faster, they never make it right.
    /// </summary>
    public static async Task SealAsync(NpgsqlConnection connection, ExtractTable table, CancellationToken cancellationToken)
    {
        var closed = await connection.QueryAsync<string>(new CommandDefinition(
            RawSegmentSql.Closed, new { table = table.RawName }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        foreach (var segment in closed)
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                try
                {
                    await connection.ExecuteAsync(new CommandDefinition(
                        RawSegmentSql.TakeForSealing(segment), commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);
                    if (await connection.QuerySingleAsync<bool>(new CommandDefinition(
                        RawSegmentSql.IsSealed, new { segment }, cancellationToken: cancellationToken)).ConfigureAwait(false))
                    {
                        continue;
                    }

                    await connection.ExecuteAsync(new CommandDefinition(
                        IndexSql(table, segment), commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);
                    await connection.ExecuteAsync(new CommandDefinition(
                        RawSegmentSql.MarkSealed, new { segment }, cancellationToken: cancellationToken)).ConfigureAwait(false);
                    CrashPoint.Pass("seal.before-commit");
                    await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (PostgresException busy) when (busy.SqlState is PostgresErrorCodes.LockNotAvailable)
                {
                    await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>Every table that holds raw rows: the parent first, then its segments, oldest first. Quoted.</summary>
    public static async Task<IReadOnlyList<string>> AllAsync(
        NpgsqlConnection connection, ExtractTable table, CancellationToken cancellationToken)
    {
        var segments = await connection.QueryAsync<string>(new CommandDefinition(
            RawSegmentSql.All, new { table = table.RawName }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return [table.RawSql, .. segments];
    }

    /// <summary>Where the rows of these files lie; the parent for files loaded before EtlTools.</summary>
    public static async Task<IReadOnlyList<string>> OfFilesAsync(
        NpgsqlConnection connection, ExtractTable table, IReadOnlyList<int> files, CancellationToken cancellationToken)
    {
        var segments = await connection.QueryAsync<string?>(new CommandDefinition(
            RawSegmentSql.OfFiles, new { files = files.ToArray() }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return segments.Select(segment => segment ?? table.RawSql).ToList();
    }

    /// <summary>
    /// The indexes that a table of raw rows gets once, in bulk: by natural key, and by file. In a transaction: the keys of a
    /// full segment are sorted in memory, by one process, as a load goes on beside it; and for what the planner has to know
    /// of them a small sample will do.
    /// </summary>
    public static string IndexSql(ExtractTable table, string segment)
    {
        var keyIndex = new StagingSql(table).SegmentIndexExpression() is { } key ? $"CREATE INDEX ON {segment} (({key}));" : "";
        return $"""
            SELECT set_config('maintenance_work_mem', '128MB', true)
            WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('128MB');
            SET LOCAL max_parallel_maintenance_workers = 0;
            {keyIndex}
            CREATE INDEX ON {segment} USING brin ({Lineage.FileId});
            SET LOCAL default_statistics_target = 10;
            ANALYZE {segment}
            """;
    }

    private static async Task CloseAsync(
        NpgsqlConnection connection, string sql, ExtractTable table, long limit, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            sql, new { table = table.RawName, limit }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        CrashPoint.Pass("seal.after-close");
    }

    private static Task<string?> FindOpenAsync(NpgsqlConnection connection, ExtractTable table, CancellationToken cancellationToken) =>
        connection.QueryFirstOrDefaultAsync<string>(new CommandDefinition(
            RawSegmentSql.Open, new { table = table.RawName }, cancellationToken: cancellationToken));

    private static async Task<string> CreateAsync(
        NpgsqlConnection connection, ExtractTable table, CancellationToken cancellationToken)
    {
        var number = await connection.QuerySingleAsync<int>(new CommandDefinition(
            RawSegmentSql.NextNumber, new { table = table.RawName }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        var schema = table.RawSchema + "_segments";

        // A long table name leaves room for the number; the number alone would do, the name is for people.
        var stem = table.Name.Length > 50 ? table.Name[..50] : table.Name;
        var segment = SqlIdentifier.Qualify(schema, $"{stem}_{number:D4}");
        await connection.ExecuteAsync(new CommandDefinition(
            $"""
            CREATE SCHEMA IF NOT EXISTS {SqlIdentifier.Quote(schema)};
            CREATE TABLE {segment} () INHERITS ({table.RawSql})
            """,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            RawSegmentSql.Register,
            new { table = table.RawName, number, segment },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return segment;
    }
}
