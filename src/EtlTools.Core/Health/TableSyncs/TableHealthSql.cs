using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Core.Health.TableSyncs;

/// <summary>Statements over etl.table_syncs and what belongs to it. An undo is no sync.</summary>
internal static class TableHealthSql
{
    /// <summary>Attempts of each table that are looked at, however long ago they were.</summary>
    public const int Recent = 20;

    public const string Exists = "SELECT EXISTS (SELECT FROM etl.configured_tables)";

    /// <summary>A sync s counts while its table is configured: one that was taken out, or is to be forgotten, is forgotten with its syncs.</summary>
    private const string IsConfigured =
        "(s.target_schema, s.table_name) IN (SELECT c.target_schema, c.table_name FROM etl.configured_tables c)";

    /// <summary>Syncs that say running while nobody holds their table.</summary>
    public const string WithoutLease = $"SELECT s.table_sync_id FROM etl.table_syncs s WHERE s.status = 'running' AND NOT {TrackingSql.IsHeld}";

    public const string StillRunning = "SELECT table_sync_id FROM etl.table_syncs WHERE status = 'running' AND table_sync_id = ANY(@suspects)";

    /// <summary>Good syncs by window, those of the current one by table.</summary>
    public const string Completed = $"""
        SELECT bucket AS window, schema, name, count(*) AS total, count(*) AS processed,
               sum(rows_read)::bigint AS expected, sum(rows_discarded)::bigint AS missing, count(*) FILTER (WHERE rows_discarded > 0) AS itemswithloss,
               sum(values_discarded)::bigint AS valuesdiscarded
        FROM (
            SELECT bucket, CASE WHEN bucket = @current THEN target_schema END AS schema, CASE WHEN bucket = @current THEN table_name END AS name,
                   rows_read, rows_discarded, values_discarded
            FROM (
                SELECT s.*, width_bucket(s.started_at, @bounds) AS bucket
                FROM etl.table_syncs s
                WHERE s.started_at >= @oldest AND s.started_at < @now AND s.status = 'completed' AND s.mode <> 'undo'
                  AND {IsConfigured}) s) s
        GROUP BY bucket, schema, name
        """;

    /// <summary>
    /// The others, likewise. A sync counts by the last attempt of its run; one that failed and was followed by a good one was put right.
    /// </summary>
    public const string NotCompleted = $"""
        WITH attempt AS MATERIALIZED (
            SELECT s.table_sync_id, s.table_sync_run_id, s.target_schema, s.table_name, s.status, width_bucket(s.started_at, @bounds) AS bucket
            FROM etl.table_syncs s
            WHERE s.started_at >= @oldest AND s.started_at < @now AND s.status <> 'completed' AND s.mode <> 'undo'
              AND {IsConfigured}
        ),
        good AS MATERIALIZED (
            SELECT a.target_schema, a.table_name,
                   (SELECT s.table_sync_id FROM etl.table_syncs s
                    WHERE s.target_schema = a.target_schema AND s.table_name = a.table_name AND s.status = 'completed' AND s.mode <> 'undo'
                    ORDER BY s.table_sync_id DESC LIMIT 1) AS table_sync_id
            FROM (SELECT DISTINCT target_schema, table_name FROM attempt) a
        ),
        judged AS (
            SELECT a.*,
                   CASE
                       WHEN next.table_sync_run_id = a.table_sync_run_id THEN NULL
                       WHEN a.table_sync_id < good.table_sync_id THEN 'recovered'
                       WHEN a.status = 'failed' OR a.table_sync_id = ANY(@dead) THEN 'failed'
                       ELSE 'waiting'
                   END AS state
            FROM attempt a
            JOIN good ON good.target_schema = a.target_schema AND good.table_name = a.table_name
            LEFT JOIN LATERAL (
                SELECT n.table_sync_run_id FROM etl.table_syncs n
                WHERE n.target_schema = a.target_schema AND n.table_name = a.table_name AND n.table_sync_id > a.table_sync_id AND n.mode <> 'undo'
                ORDER BY n.table_sync_id LIMIT 1
            ) next ON true
        )
        SELECT bucket AS window, CASE WHEN bucket = @current THEN target_schema END AS schema, CASE WHEN bucket = @current THEN table_name END AS name,
               count(*) FILTER (WHERE state IN ('failed', 'waiting')) AS total,
               count(*) FILTER (WHERE state = 'failed') AS failed,
               count(*) FILTER (WHERE state = 'waiting') AS waiting,
               count(*) FILTER (WHERE state = 'recovered') AS recovered
        FROM judged
        GROUP BY 1, 2, 3
        """;

    public const string Tables = $"""
        SELECT c.source, c.table_name AS name, c.target_schema AS schema, c.importance, c.contract, c.alerts_on_failure AS alertsonfailure,
               c.time_limit AS timelimit, c.threshold, c.overdue_after AS overdueafter, c.configured_at AS configuredat,
               st.last_success_at AS lastsuccessat,
               coalesce((SELECT {TrackingSql.TookBack} FROM etl.table_syncs s
                         WHERE s.target_schema = c.target_schema AND s.table_name = c.table_name
                         ORDER BY s.table_sync_id DESC LIMIT 1), false) AS isundone
        FROM etl.configured_tables c
        LEFT JOIN etl.table_states st ON st.target_schema = c.target_schema AND st.table_name = c.table_name
        ORDER BY c.source, c.table_name
        """;

    /// <summary>The last attempts of each table, the newest first.</summary>
    public static readonly string Attempts = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"""
        SELECT c.source, c.table_name AS name, s.*
        FROM etl.configured_tables c
        CROSS JOIN LATERAL (
            SELECT table_sync_id AS id, table_sync_run_id AS run, mode, status, started_at AS startedat, finished_at AS finishedat, verified,
                   error_code AS errorcode, drift, table_sync_id = ANY(@dead) AS isdead
            FROM etl.table_syncs s
            WHERE s.target_schema = c.target_schema AND s.table_name = c.table_name AND s.mode <> 'undo'
            ORDER BY s.table_sync_id DESC
            LIMIT {Recent}
        ) s
        ORDER BY s.id DESC
        """);

    /// <summary>How columns changed in the window: what a sync noted and the good one before it did not.</summary>
    public const string NewDrift = """
        SELECT s.target_schema AS schema, s.table_name AS name, array_agg(DISTINCT d ORDER BY d) AS drift
        FROM etl.table_syncs s
        LEFT JOIN LATERAL (
            SELECT p.drift FROM etl.table_syncs p
            WHERE p.target_schema = s.target_schema AND p.table_name = s.table_name AND p.table_sync_id < s.table_sync_id
              AND p.status = 'completed' AND p.mode <> 'undo'
            ORDER BY p.table_sync_id DESC LIMIT 1
        ) before ON true
        CROSS JOIN LATERAL unnest(s.drift) d
        WHERE s.started_at >= @from AND s.started_at < @now AND s.status = 'completed' AND s.mode <> 'undo'
          AND cardinality(s.drift) > 0 AND d <> ALL (coalesce(before.drift, '{}'))
        GROUP BY 1, 2
        """;

    /// <summary>Failed attempts of the window by their error, put right since or not.</summary>
    public const string Errors = $"""
        SELECT CASE WHEN s.status = 'running' THEN 'SyncInterrupted' ELSE s.error_code END AS errorcode, count(*) AS count,
               min(coalesce(s.finished_at, s.started_at)) AS firstseenat, max(coalesce(s.finished_at, s.started_at)) AS lastseenat
        FROM etl.table_syncs s
        WHERE s.started_at >= @from AND s.started_at < @now AND s.mode <> 'undo'
          AND (s.status = 'failed' OR (s.status = 'running' AND s.table_sync_id = ANY(@dead)))
          AND {IsConfigured}
        GROUP BY 1
        """;

    /// <summary>Syncs and undos of all time that nobody is at, or that run longer than their table's limit.</summary>
    public const string Stuck = $"""
        SELECT s.table_sync_id AS id, s.source, s.table_name AS name, s.mode, s.started_at AS startedat, s.table_sync_id = ANY(@dead) AS isdead,
               coalesce(c.time_limit, @stuck_after) AS limit
        FROM etl.table_syncs s
        LEFT JOIN etl.configured_tables c ON c.source = s.source AND c.table_name = s.table_name
        WHERE s.status = 'running' AND {IsConfigured} AND (s.table_sync_id = ANY(@dead) OR s.started_at < @now - coalesce(c.time_limit, @stuck_after))
        ORDER BY s.started_at
        """;

    /// <summary>Since the ledger began, of all sources that ever were: such a total never goes back. A run that has not ended, or never will, is counted by its tables.</summary>
    public const string Totals = """
        SELECT coalesce(sum(completed), 0)::bigint AS completed, coalesce(sum(failed), 0)::bigint AS failed,
               coalesce(sum(read), 0)::bigint AS read, coalesce(sum(changed), 0)::bigint AS changed
        FROM (
            SELECT syncs_completed AS completed, syncs_failed AS failed, rows_read AS read, rows_changed AS changed
            FROM etl.table_sync_runs
            WHERE kind = 'sync' AND finished_at IS NOT NULL
            UNION ALL
            SELECT count(*) FILTER (WHERE s.status = 'completed'), count(*) FILTER (WHERE s.status = 'failed'), sum(s.rows_read),
                   sum(s.rows_inserted + s.rows_updated + s.rows_deleted)
            FROM etl.table_sync_runs r
            JOIN etl.table_syncs s ON s.table_sync_run_id = r.table_sync_run_id
            WHERE r.kind = 'sync' AND r.finished_at IS NULL
        ) run
        """;
}
