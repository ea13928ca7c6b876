using EtlTools.Core.Discovery;
using EtlTools.Core.Runs;
using EtlTools.Core.Staging;

namespace EtlTools.Core.Health.Loads;

internal static class LoadHealthSql
{
    /// <summary>
    /// Attempts at files with their window (null outside of all) and the time they were begun. A repair of rows is no file of
    /// its own: what it put right counts for the file it repairs.
    /// </summary>
    private const string Attempts = $"""
        SELECT f.load_run_file_id, f.load_run_id, f.s3_bucket, f.s3_key, f.s3_version_id, f.file_hash, f.practice_id, f.status,
               f.superseded_at, f.finished_at, {LedgerSql.FileRowsRead} AS rows_read, coalesce(f.rows_ingested, 0) AS rows_ingested,
               coalesce(f.rows_rejected, 0) AS rows_rejected, coalesce(f.started_at, f.created_at) AS begun_at,
               width_bucket(coalesce(f.started_at, f.created_at), @bounds) AS bucket
        FROM etl.load_run_files f
        WHERE f.origin = 'source' AND (@practices::text[] IS NULL OR f.practice_id = ANY(@practices))
        """;

    /// <summary>True where the run of alias f is not at it any more: it has ended, its session is gone, or it gives no sign.</summary>
    private const string IsLeftBehind = """
        EXISTS (SELECT FROM etl.load_runs r
                WHERE r.load_run_id = f.load_run_id
                  AND (r.status <> 'running' OR r.load_run_id = ANY(@dead)
                       OR (r.lease_key IS NULL AND coalesce(r.heartbeat_at, r.started_at) < @now - @stuck_after)))
        """;

    /// <summary>What came after an attempt of alias f that was not loaded; not looked up for the others.</summary>
    private const string Later = """
        LEFT JOIN LATERAL (
            SELECT count(*) > 0 AS tried,
                   bool_or(l.status = 'completed' AND l.superseded_at IS NULL) AS loaded,
                   bool_or(l.status <> 'completed') AS failed
            FROM etl.load_run_files l
            WHERE l.s3_bucket = f.s3_bucket AND l.s3_key = f.s3_key AND l.load_run_file_id > f.load_run_file_id AND l.origin = 'source'
        ) later ON f.status <> 'completed'
        """;

    /// <summary>True where the content of the attempt of alias f is loaded: a reprocess of it failed, and its rows stand.</summary>
    private const string ContentIsLoaded = """
        EXISTS (SELECT FROM etl.load_run_files c
                WHERE c.s3_version_id = f.s3_version_id AND c.file_hash = f.file_hash
                  AND c.status = 'completed' AND c.superseded_at IS NULL)
        """;

    /// <summary>Files that an undo took back, whenever that was: what is in the source now does not count.</summary>
    public const string Withdrawn = $"""
        SELECT file.load_run_file_id
        FROM etl.load_run_files AS file
        WHERE {DiscoverySql.IsWithdrawn} AND (@practices::text[] IS NULL OR file.practice_id = ANY(@practices))
        ORDER BY 1
        """;

    public const string Unstaged = $"""
        SELECT count(*)
        FROM etl.load_run_files
        WHERE pipeline IS NOT NULL AND {StagingRunSql.AwaitsStaging}
          AND (@practices::text[] IS NULL OR practice_id = ANY(@practices))
        """;

    /// <summary>In the window asked about.</summary>
    public const string TookKeys = """
        SELECT f.load_run_file_id, p.keys_withdrawn + p.keys_restored
        FROM etl.reprocess_receipts p
        JOIN etl.load_run_files f ON f.load_run_file_id = p.new_load_run_file_id
        WHERE p.kind = 'load' AND p.keys_withdrawn + p.keys_restored > 0 AND f.staged_at >= @bounds[@current] AND f.staged_at < @now
          AND f.superseded_at IS NULL AND (@practices::text[] IS NULL OR f.practice_id = ANY(@practices))
        ORDER BY 1
        """;

    /// <summary>
    /// One pass over the files: counts by window, practices that something may be wrong for, and totals of all time. A file
    /// counts by its last attempt. Of one that failed all rows are missing, as far as it was read; rows that were rejected and
    /// repaired since are not.
    /// </summary>
    public const string Counts = $"""
        WITH attempt AS MATERIALIZED (
            {Attempts}
        ),
        undone AS MATERIALIZED (
            SELECT f.load_run_file_id,
                   CASE
                       WHEN later.loaded THEN CASE WHEN NOT later.failed THEN 'recovered' END
                       WHEN later.tried OR {ContentIsLoaded} THEN NULL
                       WHEN f.status = 'failed' OR (f.status = 'processing' AND {IsLeftBehind}) THEN 'failed'
                       ELSE 'waiting'
                   END AS state
            FROM attempt f
            {Later}
            WHERE f.status <> 'completed' AND f.superseded_at IS NULL AND f.bucket BETWEEN 1 AND @current
        ),
        repaired AS MATERIALIZED (
            SELECT load_run_file_id, count(*) AS rows FROM etl.rejected_rows WHERE repaired_by_load_run_file_id IS NOT NULL GROUP BY 1
        ),
        judged AS (
            SELECT f.practice_id, f.status, f.begun_at, f.finished_at, f.rows_read, f.rows_ingested, f.rows_rejected,
                   CASE WHEN f.bucket BETWEEN 1 AND @current THEN f.bucket END AS bucket,
                   CASE WHEN f.status = 'completed' AND f.superseded_at IS NULL AND f.bucket BETWEEN 1 AND @current THEN 'processed'
                        ELSE u.state END AS state,
                   CASE WHEN u.state = 'failed' THEN f.rows_read ELSE f.rows_rejected - coalesce(r.rows, 0) END AS missing
            FROM attempt f
            LEFT JOIN undone u ON u.load_run_file_id = f.load_run_file_id
            LEFT JOIN repaired r ON r.load_run_file_id = f.load_run_file_id
        ),
        cell AS MATERIALIZED (
            SELECT bucket, practice_id,
                   count(*) FILTER (WHERE state = 'processed') AS processed,
                   count(*) FILTER (WHERE state = 'failed') AS failed,
                   count(*) FILTER (WHERE state = 'waiting') AS waiting,
                   count(*) FILTER (WHERE state = 'recovered') AS recovered,
                   sum(rows_read) FILTER (WHERE state IN ('processed', 'failed')) AS expected,
                   sum(missing) FILTER (WHERE state IN ('processed', 'failed')) AS missing,
                   count(*) FILTER (WHERE state IN ('processed', 'failed') AND missing > 0) AS with_loss,
                   sum(missing) FILTER (WHERE state = 'processed') AS quarantined,
                   count(*) FILTER (WHERE state = 'processed' AND missing > 0) AS with_quarantined,
                   min(begun_at) FILTER (WHERE state <> 'recovered') AS first_seen_at,
                   max(finished_at) FILTER (WHERE status = 'completed') AS last_success_at,
                   count(*) FILTER (WHERE status = 'completed') AS files_loaded,
                   count(*) FILTER (WHERE status = 'failed') AS files_failed,
                   sum(rows_ingested) AS rows_ingested,
                   sum(rows_rejected) AS rows_rejected
            FROM judged
            GROUP BY bucket, practice_id
        )
        SELECT bucket AS window, NULL AS practiceid,
               sum(processed + failed + waiting)::bigint AS total, sum(processed)::bigint AS processed, sum(failed)::bigint AS failed,
               sum(waiting)::bigint AS waiting, sum(recovered)::bigint AS recovered, coalesce(sum(expected), 0)::bigint AS expected,
               coalesce(sum(missing), 0)::bigint AS missing, sum(with_loss)::bigint AS itemswithloss,
               coalesce(sum(quarantined), 0)::bigint AS quarantined, sum(with_quarantined)::bigint AS itemswithquarantined,
               NULL::timestamptz AS firstseenat, NULL::timestamptz AS lastsuccessat,
               0::bigint AS filesloaded, 0::bigint AS filesfailed, 0::bigint AS rowsingested, 0::bigint AS rowsrejected
        FROM cell
        WHERE bucket IS NOT NULL
        GROUP BY bucket
        UNION ALL
        SELECT NULL, practice_id,
               sum(processed + failed + waiting) FILTER (WHERE bucket = @current)::bigint,
               sum(processed) FILTER (WHERE bucket = @current)::bigint, sum(failed) FILTER (WHERE bucket = @current)::bigint,
               sum(waiting) FILTER (WHERE bucket = @current)::bigint, 0,
               coalesce(sum(expected) FILTER (WHERE bucket = @current), 0)::bigint,
               coalesce(sum(missing) FILTER (WHERE bucket = @current), 0)::bigint, 0, 0, 0,
               min(first_seen_at) FILTER (WHERE bucket = @current), max(last_success_at), 0, 0, 0, 0
        FROM cell
        WHERE practice_id <> ''
        GROUP BY practice_id
        HAVING sum(processed + failed + waiting) FILTER (WHERE bucket = @current) > 0
           AND (sum(failed) FILTER (WHERE bucket = @current) > 0 OR sum(missing) FILTER (WHERE bucket = @current) > 0
                OR coalesce(max(last_success_at) < @from, true))
        UNION ALL
        SELECT NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, max(last_success_at), coalesce(sum(files_loaded), 0)::bigint,
               coalesce(sum(files_failed), 0)::bigint, coalesce(sum(rows_ingested), 0)::bigint, coalesce(sum(rows_rejected), 0)::bigint
        FROM cell
        """;

    /// <summary>Failed attempts of the window by their error, put right since or not.</summary>
    public const string FileErrors = """
        SELECT f.error_code AS errorcode, f.pipeline IS NULL AS isadopted, count(*) AS count,
               min(coalesce(f.finished_at, f.updated_at)) AS firstseenat, max(coalesce(f.finished_at, f.updated_at)) AS lastseenat
        FROM etl.load_run_files f
        WHERE f.status = 'failed' AND f.origin = 'source' AND f.updated_at >= @from
          AND coalesce(f.started_at, f.created_at) >= @from AND coalesce(f.started_at, f.created_at) < @now
          AND (@practices::text[] IS NULL OR f.practice_id = ANY(@practices))
        GROUP BY 1, 2
        """;

    /// <summary>Rows that the files of the window left in quarantine, by the reason without its column.</summary>
    public const string RowErrors = """
        SELECT substring(reason FROM '[^:]*$') AS errorcode, false AS isadopted, count(*) AS count,
               min(q.rejected_at) AS firstseenat, max(q.rejected_at) AS lastseenat
        FROM etl.load_run_files f
        JOIN etl.rejected_rows q ON q.load_run_file_id = f.load_run_file_id
        CROSS JOIN LATERAL unnest(q.reasons) AS reason
        WHERE f.rows_rejected > 0 AND f.origin = 'source' AND f.superseded_at IS NULL AND q.repaired_by_load_run_file_id IS NULL
          AND coalesce(f.started_at, f.created_at) >= @from AND coalesce(f.started_at, f.created_at) < @now
          AND (@practices::text[] IS NULL OR f.practice_id = ANY(@practices))
        GROUP BY 1
        """;

    /// <summary>
    /// Runs of the window that failed before they came to any file, such as one whose bucket does not answer; and how many of
    /// them were not followed by a good one.
    /// </summary>
    public const string RunErrors = """
        SELECT r.error_code AS errorcode, r.pipeline IS NULL AS isadopted, count(*) AS count,
               min(r.started_at) AS firstseenat, max(r.started_at) AS lastseenat,
               count(*) FILTER (WHERE NOT EXISTS (
                   SELECT FROM etl.load_runs l
                   WHERE l.started_at > r.started_at AND l.status = 'completed'
                     AND (r.pipeline IS NULL OR l.pipeline = r.pipeline))) AS unanswered
        FROM etl.load_runs r
        WHERE r.status = 'failed' AND r.started_at >= @from AND r.started_at < @now AND @practices::text[] IS NULL
          AND NOT EXISTS (SELECT FROM etl.load_run_files f WHERE f.load_run_id = r.load_run_id)
        GROUP BY 1, 2
        """;

    /// <summary>Runs that say running and are not, as <see cref="LedgerSql"/> finds them.</summary>
    public const string StuckRuns = """
        SELECT r.load_run_id AS loadrunid, r.started_at AS startedat, coalesce(r.heartbeat_at, r.started_at) AS lastsignat,
               r.load_run_id = ANY(@dead) AS isdead
        FROM etl.load_runs r
        WHERE r.status = 'running'
          AND CASE
                  WHEN r.lease_key IS NOT NULL AND @leases_visible THEN r.load_run_id = ANY(@dead)
                  ELSE coalesce(r.heartbeat_at, r.started_at) < @now - @stuck_after
              END
          AND (@practices::text[] IS NULL
               OR EXISTS (SELECT FROM etl.load_run_files f WHERE f.load_run_id = r.load_run_id AND f.practice_id = ANY(@practices)))
        ORDER BY r.started_at
        """;

    /// <summary>
    /// Files that a next run would take up: failed, pending or left behind, and not loaded since; as old as their content is
    /// known. After as long as Find-FailedFile looks back they are given up.
    /// </summary>
    public const string Backlog = $"""
        SELECT count(*) AS count,
               min((SELECT min(e.created_at) FROM etl.load_run_files e
                    WHERE e.s3_version_id = f.s3_version_id AND e.file_hash = f.file_hash)) AS oldestat
        FROM etl.load_run_files f
        {Later}
        WHERE f.status <> 'completed' AND f.origin = 'source' AND f.superseded_at IS NULL
          AND coalesce(f.finished_at, f.started_at, f.updated_at) >= @now - interval '30 days'
          AND (@practices::text[] IS NULL OR f.practice_id = ANY(@practices))
          AND NOT later.tried AND NOT {ContentIsLoaded}
          AND (f.status = 'failed' OR {IsLeftBehind})
        """;
}
