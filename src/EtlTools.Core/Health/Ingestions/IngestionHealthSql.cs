using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Core.Health.Ingestions;

/// <summary>Statements over raw_ingestions as it stands in a database.</summary>
internal sealed class IngestionHealthSql(IngestionTable table)
{
    /// <summary>A status without one of these words waits. The most frequent come first: the first that fits ends the comparing.</summary>
    private const string Done = "('processed', 'completed', 'recovered', 'success', 'error', 'partial_success', 'failed', 'recovery_failed')";
    private const string Succeeded = "('processed', 'completed', 'recovered', 'success')";
    private const string Failed = "('error', 'failed', 'recovery_failed')";
    private const string Unsuccessful = "('error', 'partial_success', 'failed', 'recovery_failed')";

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

    /// <summary>The recoveries that ended in each window, whenever their payloads came in.</summary>
    public const string Recoveries = """
        SELECT width_bucket(finished_at, @bounds) AS window, count(*) FILTER (WHERE outcome = 'Recovered') AS recovered,
               count(*) FILTER (WHERE outcome IN ('Failed', 'PartiallyRecovered', 'Unrecoverable')) AS failed,
               coalesce(sum(metrics_recovered), 0)::bigint AS records
        FROM etl.data_recoveries
        WHERE finished_at >= @oldest AND finished_at < @now AND (@users::uuid[] IS NULL OR user_id = ANY(@users))
        GROUP BY 1
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

    private string OfUsers => "(@users::uuid[] IS NULL OR i.user_id = ANY(@users))";

    /// <summary>The windows before the one asked about: what a trend is made of.</summary>
    public string Earlier => $"""
        SELECT p.bucket AS window, count(*) AS total, count(*) FILTER (WHERE p.status IN {Failed}) AS failed,
               coalesce(sum(p.expected) FILTER (WHERE p.missing IS NOT NULL), 0)::bigint AS expected, coalesce(sum(p.missing), 0)::bigint AS missing
        FROM ({Payloads("@oldest", "@from")}) p
        GROUP BY p.bucket
        """;

    /// <summary>
    /// The window asked about: all of it, by cause of what went wrong, and by user. Users only where something may be wrong:
    /// something failed or is lost, or nothing succeeded.
    /// </summary>
    public string Current => $"""
        WITH cell AS MATERIALIZED (
            SELECT p.user_id, p.status, p.cause,
                   count(*) AS total,
                   sum(p.expected) FILTER (WHERE p.missing IS NOT NULL) AS expected,
                   sum(p.missing) AS missing,
                   count(*) FILTER (WHERE p.missing > 0) AS with_loss,
                   sum(p.rejected) AS rejected,
                   count(*) FILTER (WHERE p.rejected > 0) AS with_rejected,
                   count(*) FILTER (WHERE p.is_unreadable) AS unreadable,
                   count(*) FILTER (WHERE p.is_audited) AS audited,
                   count(*) FILTER (WHERE CASE WHEN p.is_audited THEN p.recoverable ELSE p.missing > 0 OR p.status IN {Unsuccessful} END) AS to_recover,
                   count(*) FILTER (WHERE p.audit_cause <> '{LossCause.None}' AND NOT p.recoverable AND p.rejected = 0) AS beyond_recovery,
                   count(*) FILTER (WHERE p.audit_cause = '{LossCause.None}') AS whole,
                   min(p.received_at) AS first_seen_at, max(p.received_at) AS last_seen_at, max(p.processed_at) AS processed_at
            FROM (
                SELECT p.*,
                       CASE
                           WHEN p.audit_cause <> '{LossCause.None}' THEN p.audit_cause
                           WHEN p.status IN {Unsuccessful} OR p.status = 'recovered' OR p.missing > 0 THEN
                               coalesce({RecordedErrors.CauseSql("p.errors")},
                                        CASE WHEN p.missing > 0 THEN '{LossCause.SilentDataLoss}' WHEN p.status <> 'recovered' THEN '{LossCause.Other}' END)
                       END AS cause
                FROM ({Payloads("@from", "@now")}) p
            ) p
            GROUP BY p.user_id, p.status, p.cause
        )
        SELECT user_id AS userid, cause,
               sum(total)::bigint AS total,
               coalesce(sum(total) FILTER (WHERE status IN {Succeeded}), 0)::bigint AS processed,
               coalesce(sum(total) FILTER (WHERE status = 'partial_success'), 0)::bigint AS partial,
               coalesce(sum(total) FILTER (WHERE status IN {Failed}), 0)::bigint AS failed,
               coalesce(sum(total) FILTER (WHERE status NOT IN {Done}), 0)::bigint AS waiting,
               coalesce(sum(total) FILTER (WHERE status = 'recovered'), 0)::bigint AS recovered,
               coalesce(sum(expected), 0)::bigint AS expected, coalesce(sum(missing), 0)::bigint AS missing, sum(with_loss)::bigint AS itemswithloss,
               coalesce(sum(rejected), 0)::bigint AS rejected, sum(with_rejected)::bigint AS itemswithrejected, sum(unreadable)::bigint AS unreadable,
               sum(audited)::bigint AS audited, sum(to_recover)::bigint AS torecover, sum(beyond_recovery)::bigint AS beyondrecovery,
               coalesce(sum(whole) FILTER (WHERE status IN {Unsuccessful}), 0)::bigint AS failedandwhole,
               min(first_seen_at) AS firstseenat, max(last_seen_at) AS lastseenat,
               max(processed_at) FILTER (WHERE status IN {Succeeded}) AS lastsuccessat
        FROM cell
        GROUP BY GROUPING SETS ((), (cause), (user_id))
        HAVING GROUPING(cause, user_id) = 3
            OR cause IS NOT NULL
            OR (user_id IS NOT NULL
                AND (bool_or(status IN {Unsuccessful} OR missing > 0 OR rejected > 0 OR unreadable > 0)
                     OR coalesce(max(processed_at) FILTER (WHERE status IN {Succeeded}) < @from, true)))
        """;

    /// <summary>Payloads of the window that failed and were put right, where their status has no word for it.</summary>
    public string PutRight => $"""
        SELECT count(*)
        FROM {table.Sql} i
        WHERE {ReceivedAt} >= @from AND {ReceivedAt} < @now AND {OfUsers} AND {Status} IN {Succeeded} AND {Status} <> 'recovered'
          AND i.id IN (SELECT raw_ingestion_id FROM etl.data_recoveries WHERE outcome = 'Recovered')
        """;

    /// <summary>Payloads that are not done, of all time, by their status.</summary>
    public string Waiting => $"""
        SELECT {Status} AS status, count(*) AS count, min({ReceivedAt}) AS oldestat,
               count(*) FILTER (WHERE {ReceivedAt} < @now - @stuck_after) AS stuck
        FROM {table.Sql} i
        WHERE {Status} NOT IN {Done} AND {OfUsers}
        GROUP BY 1
        ORDER BY 1
        """;

    /// <summary>The last success before the window, of users that had none in it.</summary>
    public string EarlierSuccess => $"""
        SELECT i.user_id AS userid, max({ProcessedAt}) AS lastsuccessat
        FROM {table.Sql} i
        WHERE i.user_id = ANY(@silent) AND {ReceivedAt} < @from AND {Status} IN {Succeeded}
        GROUP BY 1
        """;

    public string LastSuccess => $"SELECT max({ProcessedAt}) FROM {table.Sql} i WHERE {Status} IN {Succeeded} AND {OfUsers}";

    /// <summary>
    /// The payloads of a time and what each has lost: what its last audit since it was processed found (a recovery keeps an
    /// audit too), without one what the service's own count says. A payload itself is not read.
    /// <para>
    /// The service's metadata is unpacked once. Without a volatile column PostgreSQL would merge the levels of this query, and
    /// unpack it at each use; and with OFFSET 0, the other way to keep them apart, it would not share the work among workers.
    /// </para>
    /// </summary>
    private string Payloads(string from, string to) => $"""
        SELECT i.user_id, i.bucket, i.received_at, i.processed_at, i.status, i.errors,
               a.cause AS audit_cause, a.recoverable, a.rejected,
               a.cause <> '{LossCause.None}' AND a.missing = 0 AND a.rejected = 0 AS is_unreadable,
               a.raw_ingestion_id IS NOT NULL AS is_audited,
               CASE WHEN a.raw_ingestion_id IS NOT NULL THEN a.expected ELSE {Whole("i.expected_count")} END AS expected,
               CASE WHEN a.raw_ingestion_id IS NOT NULL THEN a.missing
                    WHEN i.status = 'recovered' OR i.actual_count = i.expected_count THEN 0
                    WHEN {Whole("i.actual_count")} > {Whole("i.expected_count")} THEN 0
                    ELSE {Whole("i.expected_count")} - {Whole("i.actual_count")} END AS missing,
               clock_timestamp() AS kept_apart
        FROM (
            SELECT i.id, i.user_id, width_bucket({ReceivedAt}, @bounds) AS bucket, {ReceivedAt} AS received_at, {ProcessedAt} AS processed_at,
                   {Status} AS status, {table.ErrorsSql("i")} AS errors,
                   {table.ErrorsSql("i")} -> 'processing_metadata' ->> 'expected_count' AS expected_count,
                   {table.ErrorsSql("i")} -> 'processing_metadata' ->> 'actual_count' AS actual_count,
                   clock_timestamp() AS kept_apart
            FROM {table.Sql} i
            WHERE {ReceivedAt} >= {from} AND {ReceivedAt} < {to} AND {OfUsers}
        ) i
        LEFT JOIN etl.ingestion_audits a ON a.raw_ingestion_id = i.id AND i.status IN {Done}
            AND (a.audited_at >= i.processed_at OR i.status NOT IN {Succeeded})
        """;

    /// <summary>A text that is a whole number, as a number; NULL for anything else.</summary>
    private static string Whole(string text) =>
        $"CASE WHEN ltrim({text}, '0123456789') = '' AND length({text}) BETWEEN 1 AND 15 THEN {text}::bigint END";
}
