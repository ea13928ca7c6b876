namespace EtlTools.Core.Runs;

/// <summary>The reading side of the ledger.</summary>
internal static class LedgerSql
{
    public const string MissingRuns = """
        SELECT id FROM unnest(@ids) WITH ORDINALITY AS asked (id, place)
        WHERE NOT EXISTS (SELECT FROM etl.load_runs WHERE load_run_id = id)
        ORDER BY place
        """;

    public const string MissingFiles = """
        SELECT id FROM unnest(@ids) WITH ORDINALITY AS asked (id, place)
        WHERE NOT EXISTS (SELECT FROM etl.load_run_files WHERE load_run_file_id = id)
        ORDER BY place
        """;

    /// <summary>
    /// True where nothing is left to be done about the attempt of alias f: its rows were superseded, or it was not loaded
    /// and its logical file has been since. An undo of that later load makes it false again.
    /// </summary>
    internal const string IsSettled = """
        (f.superseded_at IS NOT NULL
         OR (f.status <> 'completed' AND EXISTS (
                SELECT FROM etl.load_run_files later
                WHERE later.s3_bucket = f.s3_bucket AND later.s3_key = f.s3_key
                  AND later.load_run_file_id > f.load_run_file_id
                  AND later.origin = 'source' AND later.status = 'completed' AND later.superseded_at IS NULL)))
        """;

    /// <summary>True where a later failed attempt at the file of alias f shows its own bad rows: they are the ones to look at.</summary>
    private const string FailedAgain = """
        (f.status = 'failed' AND EXISTS (
            SELECT FROM etl.load_run_files later
            WHERE later.s3_bucket = f.s3_bucket AND later.s3_key = f.s3_key AND later.load_run_file_id > f.load_run_file_id
              AND later.origin = 'source' AND later.status = 'failed'
              AND EXISTS (SELECT FROM etl.rejected_rows r WHERE r.load_run_file_id = later.load_run_file_id)))
        """;

    /// <summary>Rows read of the attempt of alias f. The earlier system counted only what it ingested and rejected.</summary>
    internal const string FileRowsRead =
        "coalesce(nullif(f.rows_read, 0), coalesce(f.rows_ingested, 0) + coalesce(f.rows_rejected, 0))::bigint";

    /// <summary>
    /// Runs with counts and verdicts. Counts are summed over the run's files, which is right while it runs and after; a run
    /// whose files have none (adopted, or cleaned up by the earlier system) shows the totals it was closed with.
    /// </summary>
    private const string Runs = $"""
        SELECT r.load_run_id, r.parent_run_id, r.kind, r.status, r.pipeline, r.triggered_by, r.requested_by, r.reason,
               r.started_at, r.completed_at, r.heartbeat_at, life.is_alive,
               CASE
                   WHEN r.status <> 'running' THEN r.completed_at
                   WHEN life.is_alive = false THEN r.heartbeat_at
                   ELSE now()
               END - r.started_at AS duration,
               CASE WHEN files.total > 0 THEN files.completed ELSE coalesce(r.total_files_processed, 0) END AS files_processed,
               files.failed AS files_failed, files.open AS files_open,
               counts.read AS rows_read, counts.ingested AS rows_ingested, counts.rejected AS rows_rejected,
               counts.rejected::double precision / nullif(counts.read, 0) AS error_rate,
               standing.open_error_rate, verdict.is_failed, verdict.is_stuck, verdict.is_low_quality,
               r.error_code, r.error,
               CASE WHEN r.pipeline IS NULL AND r.notes <> '' THEN @notes_kept_back ELSE nullif(r.notes, '') END AS notes,
               files.extract_types
        FROM etl.load_runs r
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS total,
                   count(*) FILTER (WHERE f.status = 'completed')::integer AS completed,
                   count(*) FILTER (WHERE f.status = 'failed')::integer AS failed,
                   count(*) FILTER (WHERE f.status <> 'completed')::integer AS unloaded,
                   count(*) FILTER (WHERE f.status <> 'completed' AND NOT f.is_settled)::integer AS open,
                   count(*) FILTER (WHERE NOT f.is_settled)::integer AS unsettled,
                   coalesce(sum(f.read), 0)::bigint AS read,
                   coalesce(sum(f.ingested), 0)::bigint AS ingested,
                   coalesce(sum(f.rejected), 0)::bigint AS rejected,
                   coalesce(sum(f.read) FILTER (WHERE NOT f.is_settled), 0)::bigint AS unsettled_read,
                   coalesce(sum(f.rejected) FILTER (WHERE NOT f.is_settled), 0)::bigint AS unsettled_rejected,
                   array_agg(DISTINCT f.extract_type ORDER BY f.extract_type) AS extract_types
            FROM (
                SELECT f.status, f.extract_type, f.rows_ingested AS ingested, f.rows_rejected AS rejected,
                       {FileRowsRead} AS read, {IsSettled} AS is_settled
                FROM etl.load_run_files f
                WHERE f.load_run_id = r.load_run_id
            ) f
        ) files
        CROSS JOIN LATERAL (
            SELECT files.read + files.ingested + files.rejected > 0 AS by_file
        ) source
        CROSS JOIN LATERAL (
            SELECT CASE WHEN source.by_file THEN files.read
                        ELSE coalesce(r.total_rows_ingested, 0)::bigint + coalesce(r.total_rows_rejected, 0) END AS read,
                   CASE WHEN source.by_file THEN files.ingested ELSE coalesce(r.total_rows_ingested, 0) END AS ingested,
                   CASE WHEN source.by_file THEN files.rejected ELSE coalesce(r.total_rows_rejected, 0) END AS rejected
        ) counts
        CROSS JOIN LATERAL (
            SELECT CASE WHEN source.by_file THEN files.unsettled_read ELSE counts.read END AS read,
                   CASE WHEN source.by_file THEN files.unsettled_rejected ELSE counts.rejected END AS rejected
        ) unsettled
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN files.total > 0 AND files.unsettled = 0 THEN NULL
                WHEN unsettled.rejected = 0 THEN 0::double precision / nullif(unsettled.read, 0)
                ELSE (unsettled.rejected - (
                        SELECT count(*) FROM etl.rejected_rows repaired
                        JOIN etl.load_run_files f ON f.load_run_file_id = repaired.load_run_file_id
                        WHERE f.load_run_id = r.load_run_id AND repaired.repaired_by_load_run_file_id IS NOT NULL
                          AND NOT {IsSettled}))::double precision / nullif(unsettled.read, 0)
            END AS open_error_rate
        ) standing
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN r.status = 'running' AND r.lease_key IS NOT NULL AND @leases_visible THEN r.load_run_id <> ALL(@dead)
            END AS is_alive
        ) life
        CROSS JOIN LATERAL (
            SELECT r.status = 'failed' AND CASE
                       WHEN files.total = 0 THEN NOT EXISTS (
                           SELECT FROM etl.load_runs good
                           WHERE good.started_at > r.started_at AND good.status = 'completed'
                             AND (r.pipeline IS NULL OR good.pipeline = r.pipeline))
                       WHEN files.unloaded > 0 THEN files.open > 0
                       ELSE files.unsettled > 0
                   END AS is_failed,
                   r.status = 'running'
                       AND coalesce(NOT life.is_alive, coalesce(r.heartbeat_at, r.started_at) < now() - @stuck_after) AS is_stuck,
                   r.status <> 'running' AND coalesce(standing.open_error_rate > @max_error_rate, false) AS is_low_quality
        ) verdict
        """;

    private const string Files = $"""
        SELECT f.load_run_file_id, f.load_run_id, f.pipeline, f.extract_type, f.s3_bucket, f.s3_key, f.file_hash, f.per_org_id,
               f.practice_id, f.date_extracted, f.extracted_at, f.date_from, f.date_to, f.size_bytes, f.attempt, f.status,
               {FileRowsRead} AS rows_read, coalesce(f.rows_ingested, 0)::bigint AS rows_ingested,
               coalesce(f.rows_rejected, 0)::bigint AS rows_rejected,
               f.started_at, f.finished_at, f.staged_at, f.superseded_at, f.superseded_by_load_run_file_id, f.error_code,
               CASE
                   WHEN f.pipeline IS NULL AND f.error_message <> '' AND f.error_message <> @owner_died THEN @message_kept_back
                   ELSE nullif(f.error_message, '')
               END AS error
        FROM etl.load_run_files f
        """;

    private const string RejectedRows = $"""
        SELECT q.rejected_row_id, q.load_run_id, q.load_run_file_id, q.extract_type, f.s3_key, q.stage, q.row_number, q.line_number,
               q.byte_offset, q.reasons, q.rejected_at, state.status
        FROM etl.rejected_rows q
        JOIN etl.load_run_files f ON f.load_run_file_id = q.load_run_file_id
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN {IsSettled} OR {FailedAgain} THEN 'superseded'
                WHEN q.repaired_by_load_run_file_id IS NOT NULL THEN 'repaired'
                ELSE 'open'
            END AS status
        ) state
        """;

    public const string RejectedRow = """
        SELECT stage, content FROM etl.rejected_rows WHERE rejected_row_id = @id
        """;

    /// <summary>jsonb forgets the order of its keys; the raw table knows it.</summary>
    public const string RejectedRowFields = """
        SELECT field.name, field.value
        FROM etl.rejected_rows q
        JOIN etl.load_run_files f ON f.load_run_file_id = q.load_run_file_id
        CROSS JOIN LATERAL jsonb_each_text(q.fields) WITH ORDINALITY AS field (name, value, place)
        LEFT JOIN pg_attribute a ON a.attrelid = to_regclass(f.raw_segment) AND a.attname = field.name AND NOT a.attisdropped
        WHERE q.rejected_row_id = @id
        ORDER BY a.attnum NULLS LAST, field.place
        """;

    public const string RecentRunIds =
        "SELECT load_run_id FROM etl.load_runs WHERE load_run_id BETWEEN @from AND @to ORDER BY started_at DESC, load_run_id DESC LIMIT @limit";

    /// <summary>Of the last ten thousand attempts: all of them, in all but a strange ledger, and quick on any.</summary>
    public const string ExtractTypes = """
        SELECT DISTINCT extract_type
        FROM (SELECT extract_type FROM etl.load_run_files ORDER BY load_run_file_id DESC LIMIT 10000) recent
        WHERE starts_with(lower(extract_type), lower(@prefix))
        ORDER BY extract_type
        """;

    /// <summary>As <see cref="ExtractTypes"/>.</summary>
    public const string PracticeIds = """
        SELECT DISTINCT practice_id
        FROM (SELECT practice_id FROM etl.load_run_files ORDER BY load_run_file_id DESC LIMIT 10000) recent
        WHERE practice_id <> '' AND starts_with(practice_id, @prefix)
        ORDER BY practice_id
        """;

    public const string AllExtractTypes = "SELECT DISTINCT extract_type FROM etl.load_run_files ORDER BY extract_type";

    public const string HasExtractType = """
        EXISTS (SELECT FROM etl.load_run_files t WHERE t.load_run_id = r.load_run_id AND lower(t.extract_type) = ANY(@extract_types))
        """;

    public static string SelectRuns(LedgerFilter filter) =>
        $"{Runs}\n{filter.Where}\nORDER BY r.started_at DESC, r.load_run_id DESC\n{filter.Limit}";

    public static string SelectFiles(LedgerFilter filter) =>
        $"{Files}\n{filter.Where}\nORDER BY f.load_run_file_id\n{filter.Limit}";

    public static string SelectRejectedRows(LedgerFilter filter) =>
        $"{RejectedRows}\n{filter.Where}\nORDER BY q.rejected_row_id\n{filter.Limit}";
}
