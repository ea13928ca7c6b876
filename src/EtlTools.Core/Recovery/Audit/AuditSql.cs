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
    public static string Reconcile(StagedTable staged) => $"""
        SELECT m.{StagedTable.Item}, count(*), (sum(m.n) - count(*))::bigint, count(*) FILTER (WHERE t.{MetricTable.UserColumn} IS NULL)
        FROM (
            SELECT m.{StagedTable.Item}, m.{MetricTable.UserColumn}, {KeySql.List(staged.Table, "m")}, count(*) AS n
            FROM {staged.TempSql} m
            GROUP BY m.{StagedTable.Item}, m.{MetricTable.UserColumn}, {KeySql.List(staged.Table, "m")}
        ) m
        LEFT JOIN (
            SELECT {(IsKeyEachOnce(staged.Table) ? "" : "DISTINCT ")}t.{MetricTable.UserColumn}, {KeySql.List(staged.Table, "t")}
            FROM {staged.Table.Sql} t
            WHERE {KeySql.SpansOfUsers(staged.Table, staged.Spans.Count)}
        ) t ON t.{MetricTable.UserColumn} = m.{MetricTable.UserColumn} AND {KeySql.Match(staged.Table)}
        GROUP BY m.{StagedTable.Item}
        """;

    /// <summary>The users and times of what a table has in the spans of its users; its key is no more than these.</summary>
    public static string TimesPresent(MetricTable table, int users) => $"""
        SELECT t.{MetricTable.UserColumn}, {KeySql.List(table, "t")}
        FROM {table.Sql} t
        WHERE {KeySql.SpansOfUsers(table, users)}
        """;

    // A unique key with a part that may be NULL can be there twice; a key would be counted as often.
    private static bool IsKeyEachOnce(MetricTable table) => table.IsKeyUnique && table.Key.All(column => column.IsNotNull);

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
