namespace EtlTools.Core.Tables.Tracking;

internal static class TableStatusSql
{
    /// <summary>
    /// One row a table that is named, by the syncs of the one source: a copy of another's is none of its own. Who may not read the copies
    /// may know how they stand: to_regclass would refuse them.
    /// </summary>
    public const string Select = $"""
        SELECT t.name AS "Name",
               st.last_success_at AS "LastSuccessAt",
               st.state::text AS "State",
               last.took_back AS "IsUndone",
               (SELECT max(s.table_sync_id) FROM etl.table_syncs s
                WHERE s.target_schema = @schema AND s.table_name = t.name AND s.source = @source AND s.mode <> 'undo') AS "TableSyncId",
               last.standing AS "Status",
               last.error_code AS "ErrorCode",
               last.error AS "Error",
               good.rows_read AS "RowsRead",
               good.rows_inserted + good.rows_updated + good.rows_deleted AS "RowsChanged",
               extract(epoch FROM good.finished_at - good.started_at)::double precision AS "LastSeconds",
               good.verified AS "Verified",
               good.expected AS "ExpectedSeconds",
               coalesce(bad.failures, 0)::int AS "Failures",
               CASE WHEN c.relkind = 'r' AND pg_relation_size(c.oid) = 0 THEN 0
                    WHEN c.reltuples > 0 OR c.reltuples = 0 AND c.relpages > 0 THEN c.reltuples::bigint END AS "Rows"
        FROM unnest(@names) AS t (name)
        LEFT JOIN etl.table_states st ON st.target_schema = @schema AND st.table_name = t.name AND st.source = @source
        LEFT JOIN pg_class c ON c.relname = t.name AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = @schema)
        LEFT JOIN LATERAL (
            SELECT s.*, {TrackingSql.Standing} AS standing, {TrackingSql.TookBack} AS took_back
            FROM etl.table_syncs s
            WHERE s.target_schema = @schema AND s.table_name = t.name AND s.source = @source
            ORDER BY s.table_sync_id DESC LIMIT 1
        ) last ON true
        LEFT JOIN LATERAL (
            SELECT s.*, (
                SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM p.finished_at - p.started_at)::double precision)
                FROM (
                    SELECT started_at, finished_at FROM etl.table_syncs p
                    WHERE p.target_schema = @schema AND p.table_name = t.name AND p.source = @source AND p.status = 'completed' AND p.mode = s.mode
                    ORDER BY p.table_sync_id DESC LIMIT 5) p) AS expected
            FROM etl.table_syncs s
            WHERE s.target_schema = @schema AND s.table_name = t.name AND s.source = @source AND s.status = 'completed' AND s.mode <> 'undo'
            ORDER BY s.table_sync_id DESC LIMIT 1
        ) good ON true
        LEFT JOIN LATERAL (
            SELECT count(*) AS failures FROM etl.table_syncs s
            WHERE s.target_schema = @schema AND s.table_name = t.name AND s.source = @source AND s.status = 'failed'
              AND s.table_sync_id > coalesce(good.table_sync_id, 0)
        ) bad ON true
        """;
}
