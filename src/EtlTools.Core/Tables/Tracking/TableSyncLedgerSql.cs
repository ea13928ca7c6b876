using EtlTools.Core.Tables.History;

namespace EtlTools.Core.Tables.Tracking;

internal static class TableSyncLedgerSql
{
    /// <summary>What was asked for and has left no trace: the first such run, table or source.</summary>
    public const string FindUnknown = """
        SELECT 'run ' || run FROM unnest(@runs) run
        WHERE NOT EXISTS (SELECT FROM etl.table_syncs s WHERE s.table_sync_run_id = run)
        UNION ALL
        SELECT 'table ' || name FROM unnest(@names) name
        WHERE NOT EXISTS (SELECT FROM etl.table_syncs s WHERE lower(s.table_name) = lower(name))
          AND NOT EXISTS (SELECT FROM etl.configured_tables c WHERE lower(c.table_name) = lower(name))
        UNION ALL
        SELECT 'source ' || asked FROM unnest(@sources) asked
        WHERE NOT EXISTS (SELECT FROM etl.table_syncs s WHERE s.source = asked)
          AND NOT EXISTS (SELECT FROM etl.configured_tables c WHERE c.source = asked)
        LIMIT 1
        """;

    /// <summary>
    /// Newest first. An undo takes all back that came after: it needs the copy, and nothing since may have left no history. Names are
    /// looked up in the catalogue, which everybody may read, also those who may not read the copies.
    /// </summary>
    public const string Select = $"""
        WITH place AS MATERIALIZED (
            SELECT t.target_schema, t.table_name,
                   EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = t.target_schema AND c.relname = t.table_name) AS is_there,
                   EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = t.target_schema || '{HistorySql.SchemaSuffix}' AND c.relname = t.table_name) AS has_history
            FROM (SELECT DISTINCT target_schema, table_name FROM etl.table_syncs) t
        ),
        reach AS MATERIALIZED (
            SELECT p.target_schema, p.table_name, p.is_there,
                   coalesce(max(s.table_sync_id) FILTER (WHERE s.commits > 0 AND (s.history_cleared_at IS NOT NULL
                       OR NOT s.is_initial AND NOT p.has_history AND s.rows_inserted + s.rows_updated + s.rows_deleted > 0)), 0) AS last_without
            FROM place p
            JOIN etl.table_syncs s ON s.target_schema = p.target_schema AND s.table_name = p.table_name
            GROUP BY p.target_schema, p.table_name, p.is_there
        )
        SELECT s.table_sync_id, s.table_sync_run_id, s.table_name, s.source, s.target_schema, s.importance, s.mode, state.status,
               s.started_at, s.finished_at, s.rows_read, s.rows_inserted, s.rows_updated, s.rows_deleted, s.verified, s.drift,
               s.commits > 0 AND s.undone_at IS NULL AND state.status <> 'running' AND reach.is_there AND s.table_sync_id > reach.last_without,
               s.undone_at, s.undone_by_table_sync_id, run.requested_by, run.reason, s.error_code, s.error
        FROM etl.table_syncs s
        JOIN etl.table_sync_runs run ON run.table_sync_run_id = s.table_sync_run_id
        JOIN reach ON reach.target_schema = s.target_schema AND reach.table_name = s.table_name
        CROSS JOIN LATERAL (SELECT {TrackingSql.Standing} AS status) state
        WHERE (cardinality(@names) = 0 OR lower(s.table_name) = ANY (SELECT lower(name) FROM unnest(@names) name))
          AND (cardinality(@sources) = 0 OR s.source = ANY (@sources))
          AND (cardinality(@runs) = 0 OR s.table_sync_run_id = ANY (@runs))
          AND (cardinality(@statuses) = 0 OR state.status = ANY (@statuses))
          AND (cardinality(@modes) = 0 OR s.mode = ANY (@modes))
          AND s.started_at >= @since
        ORDER BY s.table_sync_id DESC
        LIMIT @first
        """;
}
