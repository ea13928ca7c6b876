using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Core.Health;

/// <summary>Statements over raw_ingestions as it stands in a database.</summary>
internal sealed class IngestionHealthSql(IngestionTable table)
{
    private const string Succeeded = "('processed', 'completed', 'recovered', 'success')";
    private const string Failed = "('error', 'failed', 'recovery_failed')";
    private const string Partial = "partial_success";

    /// <summary>What recoveries and audits have found since the ledger began.</summary>
    public const string Totals = """
        SELECT count(*) FILTER (WHERE outcome = 'Recovered') AS recovered,
               count(*) FILTER (WHERE outcome IN ('Failed', 'PartiallyRecovered', 'Unrecoverable')) AS failed,
               coalesce(sum(metrics_recovered), 0)::bigint AS metrics,
               (SELECT count(*) FROM (
                    SELECT raw_ingestion_id FROM etl.ingestion_audits WHERE missing > 0
                    UNION
                    SELECT raw_ingestion_id FROM etl.data_recoveries WHERE expected > present_before) lossy) AS lossy
        FROM etl.data_recoveries
        """;

    /// <summary>Wall-clock columns are read as UTC, which is what the service writes.</summary>
    private string ReceivedAt => table.Columns["created_at"] == "timestamp without time zone"
        ? "(i.created_at AT TIME ZONE 'UTC')"
        : "i.created_at";

    private string ProcessedAt => table.Columns.GetValueOrDefault("processed_at") switch
    {
        null => ReceivedAt,
        "timestamp without time zone" => $"coalesce(i.processed_at AT TIME ZONE 'UTC', {ReceivedAt})",
        _ => $"coalesce(i.processed_at, {ReceivedAt})",
    };

    private string Status => $"coalesce({table.StatusSql("i")}, '')";

    /// <summary>A count of the service's own, taken from its metadata once that is unpacked; NULL where it kept none.</summary>
    private static string Counted(string field) =>
        $"CASE WHEN jsonb_typeof(i.metadata -> '{field}') = 'number' THEN greatest(0, least((i.metadata -> '{field}')::numeric, 1e15))::bigint END";

    private string OfUsers => "(@users::uuid[] IS NULL OR i.user_id = ANY(@users))";

    /// <summary>
    /// One pass over the payloads of all windows: counts by window, users that something may be wrong for, and errors of the
    /// current window by cause. What a payload lost is what its last audit since it was processed, or a recovery that could write, found; without one,
    /// what the service's own count says. The payload itself is not read, and the texts of errors only where something went wrong.
    /// </summary>
    public string Counts => $"""
        WITH recovery AS (
            SELECT DISTINCT ON (raw_ingestion_id) raw_ingestion_id, finished_at, outcome, expected,
                   greatest(expected - present_before - metrics_recovered, 0) AS missing
            FROM etl.data_recoveries
            WHERE outcome IN ('Recovered', 'PartiallyRecovered', 'NothingMissing')
            ORDER BY raw_ingestion_id, finished_at DESC
        ),
        payload AS (
            SELECT l.*,
                   CASE
                       WHEN l.bucket <> @current THEN NULL
                       WHEN l.audit_cause <> '{LossCause.None}' AND (l.audit_missing > 0 OR l.audit_rejected > 0) THEN l.audit_cause
                       WHEN l.state IN ('failed', 'partial') OR l.status_recovered OR l.missing > 0 THEN
                           coalesce({RecordedErrors.CauseSql("l.errors")},
                                    CASE WHEN l.missing > 0 THEN '{LossCause.SilentDataLoss}' WHEN NOT l.status_recovered THEN '{LossCause.Other}' END)
                   END AS cause
            FROM (
                SELECT i.user_id, i.bucket, i.received_at, i.succeeded_at, i.state, i.errors, i.status_recovered,
                       a.cause AS audit_cause, a.missing AS audit_missing, a.rejected AS audit_rejected,
                       i.status_recovered OR coalesce(r.outcome = 'Recovered', false) AS is_recovered,
                       a.raw_ingestion_id IS NOT NULL OR r.raw_ingestion_id IS NOT NULL AS is_audited,
                       CASE WHEN r.finished_at > coalesce(a.audited_at, '-infinity') THEN r.expected
                            WHEN a.raw_ingestion_id IS NOT NULL THEN a.expected
                            ELSE {Counted("expected_count")} END AS expected,
                       CASE WHEN r.finished_at > coalesce(a.audited_at, '-infinity') THEN r.missing
                            WHEN a.raw_ingestion_id IS NOT NULL THEN a.missing
                            WHEN i.status_recovered THEN 0
                            ELSE greatest({Counted("expected_count")} - {Counted("actual_count")}, 0) END AS missing
                FROM (
                    SELECT i.id, i.user_id, {ReceivedAt} AS received_at, width_bucket({ReceivedAt}, @bounds) AS bucket,
                           {table.ErrorsSql("i")} AS errors, {table.ErrorsSql("i")} -> 'processing_metadata' AS metadata,
                           {Status} = 'recovered' AS status_recovered,
                           CASE WHEN {Status} IN {Succeeded} THEN {ProcessedAt} END AS succeeded_at,
                           CASE WHEN {Status} IN {Succeeded} THEN 'processed' WHEN {Status} = '{Partial}' THEN 'partial'
                                WHEN {Status} IN {Failed} THEN 'failed' ELSE 'waiting' END AS state
                    FROM {table.Sql} i
                    WHERE {ReceivedAt} >= @oldest AND {ReceivedAt} < @now AND {OfUsers}
                    OFFSET 0
                ) i
                LEFT JOIN etl.ingestion_audits a ON a.raw_ingestion_id = i.id AND i.state <> 'waiting'
                    AND a.audited_at >= coalesce(i.succeeded_at, '-infinity')
                LEFT JOIN recovery r ON r.raw_ingestion_id = i.id
                OFFSET 0
            ) l
        ),
        cell AS MATERIALIZED (
            SELECT bucket, user_id, cause,
                   count(*) AS total,
                   count(*) FILTER (WHERE state = 'processed') AS processed,
                   count(*) FILTER (WHERE state = 'partial') AS partial,
                   count(*) FILTER (WHERE state = 'failed') AS failed,
                   count(*) FILTER (WHERE state = 'waiting') AS waiting,
                   count(*) FILTER (WHERE is_recovered AND state = 'processed') AS recovered,
                   sum(expected) FILTER (WHERE missing IS NOT NULL) AS expected,
                   sum(missing) AS missing,
                   count(*) FILTER (WHERE missing > 0) AS with_loss,
                   count(*) FILTER (WHERE is_audited) AS audited,
                   min(received_at) AS first_seen_at,
                   max(received_at) AS last_seen_at,
                   max(succeeded_at) AS last_success_at
            FROM payload
            GROUP BY bucket, user_id, cause
        )
        SELECT bucket AS window, NULL::uuid AS userid, NULL AS cause,
               sum(total)::bigint AS total, sum(processed)::bigint AS processed, sum(partial)::bigint AS partial, sum(failed)::bigint AS failed,
               sum(waiting)::bigint AS waiting, sum(recovered)::bigint AS recovered, coalesce(sum(expected), 0)::bigint AS expected,
               coalesce(sum(missing), 0)::bigint AS missing, sum(with_loss)::bigint AS itemswithloss, sum(audited)::bigint AS audited,
               NULL::timestamptz AS firstseenat, NULL::timestamptz AS lastseenat, max(last_success_at) AS lastsuccessat
        FROM cell
        GROUP BY bucket
        UNION ALL
        SELECT NULL, user_id, NULL,
               sum(total) FILTER (WHERE bucket = @current)::bigint, sum(processed) FILTER (WHERE bucket = @current)::bigint, 0,
               sum(failed + partial) FILTER (WHERE bucket = @current)::bigint, 0, 0,
               coalesce(sum(expected) FILTER (WHERE bucket = @current), 0)::bigint,
               coalesce(sum(missing) FILTER (WHERE bucket = @current), 0)::bigint, 0, 0,
               min(first_seen_at) FILTER (WHERE bucket = @current), NULL, max(last_success_at)
        FROM cell
        GROUP BY user_id
        HAVING bool_or(bucket = @current)
           AND (sum(failed + partial) FILTER (WHERE bucket = @current) > 0 OR sum(missing) FILTER (WHERE bucket = @current) > 0
                OR coalesce(max(last_success_at) < @from, true))
        UNION ALL
        SELECT NULL, NULL, cause, sum(total)::bigint, 0, 0, 0, 0, 0, 0, 0, 0, 0, min(first_seen_at), max(last_seen_at), NULL
        FROM cell
        WHERE cause IS NOT NULL
        GROUP BY cause
        """;

    /// <summary>Payloads that are not done, of all time, by their status.</summary>
    public string Waiting => $"""
        SELECT {Status} AS status, count(*) AS count, min({ReceivedAt}) AS oldestat,
               count(*) FILTER (WHERE {ReceivedAt} < @now - @stuck_after) AS stuck
        FROM {table.Sql} i
        WHERE {Status} NOT IN {Succeeded} AND {Status} NOT IN {Failed} AND {Status} <> '{Partial}' AND {OfUsers}
        GROUP BY 1
        ORDER BY 1
        """;

    /// <summary>The last success before the windows, of users that had none in them.</summary>
    public string EarlierSuccess => $"""
        SELECT i.user_id AS userid, max({ProcessedAt}) AS lastsuccessat
        FROM {table.Sql} i
        WHERE i.user_id = ANY(@silent) AND {ReceivedAt} < @oldest AND {Status} IN {Succeeded}
        GROUP BY 1
        """;

    public string LastSuccess => $"SELECT max({ProcessedAt}) FROM {table.Sql} i WHERE {Status} IN {Succeeded} AND {OfUsers}";
}
