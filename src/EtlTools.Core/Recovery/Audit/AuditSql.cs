using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Audit;

internal static class AuditSql
{
    /// <summary>
    /// For a batch's worth of keys a join has to be by hash or merge; a temporary table has no statistics that would tell the
    /// planner. The memory is that of one sort or hash.
    /// </summary>
    public const string Settings = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'";

    /// <summary>A payload's number, its distinct keys, the metrics beyond them, and the keys that the table lacks.</summary>
    public static string Reconcile(StagedTable staged)
    {
        var table = staged.Table;
        return $"""
            WITH keys AS MATERIALIZED (
                SELECT m.{StagedTable.Item}, m.{MetricTable.UserColumn}, {KeySql.List(table, "m")}, count(*) AS n
                FROM {staged.TempSql} m
                GROUP BY m.{StagedTable.Item}, m.{MetricTable.UserColumn}, {KeySql.List(table, "m")}
            ), missing AS (
                SELECT m.{StagedTable.Item}, count(*) AS n
                FROM keys m
                WHERE NOT EXISTS (
                    SELECT FROM {table.Sql} t
                    WHERE {KeySql.SpansOfUsers(table, staged.Spans.Count)}
                      AND t.{MetricTable.UserColumn} = m.{MetricTable.UserColumn} AND {KeySql.Match(table)})
                GROUP BY m.{StagedTable.Item}
            )
            SELECT e.{StagedTable.Item}, e.expected, (e.metrics - e.expected)::bigint, coalesce(missing.n, 0)
            FROM (SELECT {StagedTable.Item}, count(*) AS expected, sum(n) AS metrics FROM keys GROUP BY {StagedTable.Item}) e
            LEFT JOIN missing USING ({StagedTable.Item})
            """;
    }

    public const string CanRecord = """
        SELECT count(*) = 2
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'etl' AND has_schema_privilege(n.oid, 'USAGE')
          AND CASE c.relname
              WHEN 'ingestion_audits' THEN has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                                       AND has_table_privilege(c.oid, 'UPDATE')
              WHEN 'data_recoveries' THEN has_table_privilege(c.oid, 'SELECT')
              ELSE false
              END
        """;

    /// <summary>
    /// What the database refused at the last recovery of each ingestion: trying again would change nothing. A right that was
    /// lacking may have been granted since.
    /// </summary>
    public const string LastRefused = $"""
        SELECT DISTINCT ON (raw_ingestion_id) raw_ingestion_id,
               metrics_failed - (SELECT coalesce(sum((f -> 'count')::bigint), 0)::bigint FROM jsonb_array_elements(faults) f
                                 WHERE f ->> 'reason' = '{nameof(RefusalReason.NoPermission)}' AND (f -> 'row_lost')::boolean)
        FROM etl.data_recoveries
        WHERE raw_ingestion_id = ANY(@ids) AND error_code IS NULL
        ORDER BY raw_ingestion_id, finished_at DESC
        """;

    public const string Record = """
        INSERT INTO etl.ingestion_audits AS a (raw_ingestion_id, user_id, processing_status, expected, present, missing, duplicates,
                                               rejected, cause, recoverable, not_recoverable_because, by_table)
        SELECT * FROM unnest(@ids, @users, @status, @expected, @present, @missing, @duplicates, @rejected, @cause, @recoverable,
                             @because, @tables::jsonb[])
        ON CONFLICT (raw_ingestion_id) DO UPDATE
        SET user_id = excluded.user_id, audited_at = now(), processing_status = excluded.processing_status,
            expected = excluded.expected, present = excluded.present, missing = excluded.missing,
            duplicates = excluded.duplicates, rejected = excluded.rejected, cause = excluded.cause,
            recoverable = excluded.recoverable, not_recoverable_because = excluded.not_recoverable_because,
            by_table = excluded.by_table
        """;
}
