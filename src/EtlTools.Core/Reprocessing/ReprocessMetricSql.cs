namespace EtlTools.Core.Reprocessing;

internal static class ReprocessMetricSql
{
    /// <summary>The window ends now. Its length does not reach back before the ledger begins.</summary>
    public const string Window = """
        SELECT now() AS until,
               extract(epoch FROM now() - CASE WHEN ledger.began_at IS NOT NULL THEN greatest(@since, ledger.began_at) END)::double precision
                   / 86400 AS days
        FROM (SELECT min(started_at) AS began_at FROM etl.load_runs) ledger
        """;

    public const string Runs = """
        SELECT count(*)::integer AS total,
               avg(completed_at - started_at) FILTER (WHERE status <> 'running') AS averagetime,
               count(*) FILTER (WHERE status = 'completed')::double precision
                   / nullif(count(*) FILTER (WHERE status <> 'running'), 0) AS successrate
        FROM etl.load_runs
        WHERE kind = 'reprocess' AND started_at >= @since
        """;

    public const string Receipts = """
        SELECT (SELECT coalesce(sum(r.rows_read), 0)::bigint
                FROM etl.reprocess_receipts r
                WHERE r.kind = 'reprocess' AND r.created_at >= @since) AS datavolume,
               (SELECT count(DISTINCT r.load_run_id)::integer
                FROM etl.reprocess_receipts u
                JOIN etl.reprocess_receipts r ON r.receipt_id = u.undoes_receipt_id
                WHERE u.kind = 'undo' AND r.kind = 'reprocess' AND u.created_at >= @since) AS rollbacks
        """;

    /// <summary>
    /// Logical files with an attempt that failed in the window. Recovered: a later attempt was loaded, and counts. Open, as
    /// Find-FailedFile has it: none was loaded later, and nothing of the same content counts. (A failed reprocess of a file
    /// whose old rows stand is neither, and so is a file that was loaded later and undone.) The time to
    /// recovery runs from the first failure of a row of failures to the next attempt that was loaded.
    /// </summary>
    public const string Recovery = """
        WITH failed AS (
            SELECT f.s3_bucket, f.s3_key, f.load_run_file_id, f.s3_version_id, f.file_hash
            FROM etl.load_run_files f
            WHERE f.status = 'failed' AND f.origin = 'source' AND coalesce(f.finished_at, f.updated_at) >= @since
        ),
        last_failure AS (
            SELECT DISTINCT ON (s3_bucket, s3_key) * FROM failed ORDER BY s3_bucket, s3_key, load_run_file_id DESC
        ),
        outcome AS (
            SELECT EXISTS (SELECT FROM etl.load_run_files c
                           WHERE c.s3_bucket = l.s3_bucket AND c.s3_key = l.s3_key AND c.origin = 'source'
                             AND c.status = 'completed' AND c.superseded_at IS NULL
                             AND c.load_run_file_id > l.load_run_file_id) AS is_recovered,
                   EXISTS (SELECT FROM etl.load_run_files c
                           WHERE c.s3_bucket = l.s3_bucket AND c.s3_key = l.s3_key AND c.origin = 'source'
                             AND c.status = 'completed' AND c.load_run_file_id > l.load_run_file_id) AS was_loaded,
                   EXISTS (SELECT FROM etl.load_run_files c
                           WHERE c.s3_bucket = l.s3_bucket AND c.s3_key = l.s3_key AND c.origin = 'source'
                             AND c.status = 'completed' AND c.superseded_at IS NULL
                             AND c.s3_version_id = l.s3_version_id AND c.file_hash = l.file_hash) AS is_loaded
            FROM last_failure l
        ),
        attempt AS (
            SELECT f.s3_bucket, f.s3_key, f.load_run_file_id, f.status, coalesce(f.finished_at, f.updated_at) AS ended_at,
                   lag(f.status) OVER (PARTITION BY f.s3_bucket, f.s3_key ORDER BY f.load_run_file_id) AS previous_status
            FROM etl.load_run_files f
            JOIN last_failure l ON l.s3_bucket = f.s3_bucket AND l.s3_key = f.s3_key
            WHERE f.origin = 'source'
        ),
        repair AS (
            SELECT (SELECT c.ended_at FROM attempt c
                    WHERE c.s3_bucket = a.s3_bucket AND c.s3_key = a.s3_key AND c.status = 'completed'
                      AND c.load_run_file_id > a.load_run_file_id
                    ORDER BY c.load_run_file_id LIMIT 1) - a.ended_at AS duration
            FROM attempt a
            WHERE a.status = 'failed' AND a.previous_status IS DISTINCT FROM 'failed' AND a.ended_at >= @since
        )
        SELECT (SELECT count(*) FILTER (WHERE is_recovered)::double precision / nullif(count(*), 0) FROM outcome) AS recoveryrate,
               (SELECT count(*) FILTER (WHERE NOT was_loaded AND NOT is_loaded)::integer FROM outcome) AS openfiles,
               (SELECT avg(duration) FROM repair) AS meantimetorecovery
        """;

    /// <summary>
    /// Of the load runs that began a file which had failed before and a file which was new, the share that began no new one
    /// before a failed one.
    /// </summary>
    public const string FailedFirst = """
        WITH begun AS (
            SELECT f.load_run_id, f.started_at,
                   EXISTS (SELECT FROM etl.load_run_files e
                           WHERE e.s3_bucket = f.s3_bucket AND e.s3_key = f.s3_key AND e.status = 'failed'
                             AND e.load_run_file_id < f.load_run_file_id AND e.load_run_id <> f.load_run_id) AS had_failed
            FROM etl.load_run_files f
            JOIN etl.load_runs r ON r.load_run_id = f.load_run_id
            WHERE r.kind = 'load' AND r.started_at >= @since AND f.origin = 'source' AND f.started_at IS NOT NULL
        ),
        run AS (
            SELECT max(started_at) FILTER (WHERE had_failed) <= min(started_at) FILTER (WHERE NOT had_failed) AS failed_first
            FROM begun
            GROUP BY load_run_id
        )
        SELECT avg(failed_first::integer)::double precision FROM run WHERE failed_first IS NOT NULL
        """;

    public const string SupersededRowShare = """
        SELECT sum(rows_ingested) FILTER (WHERE superseded_at IS NOT NULL)::double precision / nullif(sum(rows_ingested), 0)
        FROM etl.load_run_files
        WHERE status = 'completed' AND raw_deleted_at IS NULL
        """;

    public const string StagingDeadRowShare = """
        SELECT sum(n_dead_tup)::double precision / nullif(sum(n_live_tup + n_dead_tup), 0)
        FROM pg_stat_user_tables
        WHERE schemaname || '.' || relname IN (
            SELECT staging_table FROM etl.reprocess_receipts WHERE kind = 'reprocess' AND created_at >= @since)
        """;

    public const string ByReason = """
        SELECT coalesce(reason, '') AS name, count(*)::integer AS count
        FROM etl.load_runs
        WHERE kind = 'reprocess' AND started_at >= @since
        GROUP BY 1
        ORDER BY 2 DESC, 1
        """;

    /// <summary>A run counts for every type it touched: by its files, or by its receipts where it read nothing anew.</summary>
    public const string ByExtractType = """
        SELECT touched.extract_type AS name, count(*)::integer AS count
        FROM etl.load_runs r
        CROSS JOIN LATERAL (
            SELECT extract_type FROM etl.load_run_files f WHERE f.load_run_id = r.load_run_id
            UNION
            SELECT extract_type FROM etl.reprocess_receipts p WHERE p.load_run_id = r.load_run_id
        ) touched
        WHERE r.kind = 'reprocess' AND r.started_at >= @since
        GROUP BY 1
        ORDER BY 2 DESC, 1
        """;

    public const string ByHour = """
        SELECT to_char(started_at AT TIME ZONE 'UTC', 'HH24') AS hour, count(*)::integer AS count
        FROM etl.load_runs
        WHERE kind = 'reprocess' AND started_at >= @since
        GROUP BY 1
        ORDER BY 1
        """;
}
