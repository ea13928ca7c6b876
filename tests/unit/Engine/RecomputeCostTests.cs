using Dapper;
using EtlTools.Core.Staging;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Engine;

/// <summary>
/// A recompute costs what its files are worth also over a staging table that was never analysed, of which the planner knows
/// nothing: counted in rows that the server says it read, as a time may not be asserted.
/// </summary>
public sealed class RecomputeCostTests
{
    private const int Keys = 2000;

    [PostgresFact]
    public async Task Its_temporary_rows_are_not_all_read_again_for_each_key()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await work.Database.ExecuteAsync("ALTER TABLE stg.persons SET (autovacuum_enabled = false)");
        work.WritePersons(1, "older", [.. Enumerable.Range(1, Keys).Select(key => $"{key},A,Older,,,")]);
        await work.LoadAsync();
        work.WritePersons(2, "newer", [.. Enumerable.Range(1, Keys).Select(key => $"{key},A,Newer,,,")]);
        await work.LoadAsync();

        await using var connection = await work.Database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var table = await new ExtractTableReader(work.Pipeline).GetAsync(connection, "Person", default);

        // Staged anew: every key comes again.
        var again = await FileAsync(connection, 2);
        var change = await new FileStager().RecomputeAsync(connection, table, [again], [2], default);
        Assert.Equal(Keys, change.Unchanged);
        Assert.InRange(await RowsReadAsync(connection, StagingSql.Incoming), 1, 20 * Keys);

        // Withdrawn: every key falls back.
        await connection.ExecuteAsync("UPDATE etl.load_run_files SET superseded_at = now() WHERE load_run_file_id = 2");
        change = await new FileStager().RecomputeAsync(connection, table, [], [2], default);
        Assert.Equal(Keys, change.Restored);
        Assert.InRange(await RowsReadAsync(connection, StagingSql.Leftover), 1, 20 * Keys);
        Assert.InRange(await RowsReadAsync(connection, StagingSql.Fallback), 1, 20 * Keys);
    }

    private static Task<RawFile> FileAsync(System.Data.IDbConnection connection, int file) => connection.QuerySingleAsync<RawFile>(
        """
        SELECT load_run_file_id AS "LoadRunFileId", load_run_id AS "LoadRunId", raw_segment AS "Segment",
               extracted_at AS "ExtractedAt", rows_ingested::bigint AS "RowCount", NULL::bigint AS "FirstBlock"
        FROM etl.load_run_files WHERE load_run_file_id = @file
        """,
        new { file });

    private static Task<long> RowsReadAsync(System.Data.IDbConnection connection, string table) => connection.ExecuteScalarAsync<long>(
        "SELECT pg_stat_get_xact_tuples_returned(@table::regclass)", new { table });
}
