namespace EtlTools.Core.Staging;

internal static class StagingRunSql
{
    /// <summary>One row a run and extract type, as in the deployment; each file staged adds to it.</summary>
    public const string Record = """
        INSERT INTO etl.staging_runs AS s (
            load_run_id, extract_type, source_table, target_table, started_at, completed_at, status,
            total_rows_read, total_rows_transformed, total_rows_rejected, total_rows_deduplicated, successful_batches,
            duration_ms, rows_per_second)
        VALUES (
            @run, @extractType, @source, @target, clock_timestamp() - @elapsed * interval '1 millisecond', clock_timestamp(), 'completed',
            @read, @transformed, @rejected, @passed, 1, @elapsed, @read * 1000 / greatest(@elapsed, 1))
        ON CONFLICT (load_run_id, extract_type) WHERE status = 'completed' DO UPDATE
        SET completed_at = excluded.completed_at,
            updated_at = now(),
            total_rows_read = s.total_rows_read + excluded.total_rows_read,
            total_rows_transformed = s.total_rows_transformed + excluded.total_rows_transformed,
            total_rows_rejected = s.total_rows_rejected + excluded.total_rows_rejected,
            total_rows_deduplicated = s.total_rows_deduplicated + excluded.total_rows_deduplicated,
            successful_batches = s.successful_batches + 1,
            duration_ms = s.duration_ms + excluded.duration_ms,
            rows_per_second = (s.total_rows_read + excluded.total_rows_read)::bigint * 1000
                / greatest(s.duration_ms + excluded.duration_ms, 1)
        """;

    public const string MarkStaged =
        "UPDATE etl.load_run_files SET staged_at = clock_timestamp(), updated_at = clock_timestamp() WHERE load_run_file_id = @file";

    /// <summary>After a file was staged anew: its rejects are those of its load and of now.</summary>
    public const string Restaged = """
        UPDATE etl.load_run_files f
        SET staged_at = clock_timestamp(), updated_at = clock_timestamp(),
            rows_rejected = (SELECT count(*) FROM etl.rejected_rows r WHERE r.load_run_file_id = f.load_run_file_id)
        WHERE load_run_file_id = @file
        """;

    /// <summary>A condition on an attempt: it was loaded with staging left for later. Those of an adopted ledger have no pipeline, and count as staged.</summary>
    public const string AwaitsStaging = "status = 'completed' AND staged_at IS NULL AND superseded_at IS NULL";

    public const string CountUnstaged = $"""
        SELECT count(*)::integer FROM etl.load_run_files
        WHERE pipeline = @pipeline AND extract_type = @extractType AND {AwaitsStaging}
        """;

    public const string HasUnstaged = $"""
        SELECT EXISTS (SELECT FROM etl.load_run_files WHERE pipeline = @pipeline AND {AwaitsStaging})
        """;

    public const string IsUnstaged = $"""
        SELECT EXISTS (SELECT FROM etl.load_run_files WHERE load_run_file_id = @file AND {AwaitsStaging})
        """;

    /// <summary>Files that were loaded without staging, oldest first, with the files that gave way to each.</summary>
    public const string Unstaged = $"""
        SELECT f.load_run_file_id AS loadrunfileid, f.extract_type AS extracttype, f.s3_key AS "key", f.raw_segment AS segment,
               f.extracted_at AS extractedat, f.rows_ingested::bigint AS rowcount,
               ARRAY(SELECT o.load_run_file_id FROM etl.load_run_files o
                     WHERE o.superseded_by_load_run_file_id = f.load_run_file_id) AS replaces
        FROM etl.load_run_files f
        WHERE f.pipeline = @pipeline AND {AwaitsStaging}
        ORDER BY f.load_run_file_id
        """;
}
