namespace EtlTools.Core.Runs;

/// <summary>The writing side of the ledger: runs.</summary>
internal static class RunSql
{
    public const string TakeLease = "SELECT pg_advisory_lock(@leaseKey)";

    /// <summary>Ends the session, if it is the one that holds the lease.</summary>
    public const string EndLostLease = """
        SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = @session
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND classid::bigint = (@leaseKey >> 32) AND objid::bigint = (@leaseKey & 4294967295)
        """;

    public const string InsertRun = """
        INSERT INTO etl.load_runs (kind, pipeline, status, triggered_by, requested_by, reason, parent_run_id, heartbeat_at, lease_key)
        VALUES (@kind, @pipeline, 'running', @triggeredBy, session_user, @reason, @parentRunId, now(), @leaseKey)
        RETURNING load_run_id
        """;

    public const string Heartbeat = """
        WITH beat AS (
            UPDATE etl.load_runs SET heartbeat_at = now()
            WHERE load_run_id = @id AND status = 'running'
            RETURNING stop_requested_at
        )
        SELECT EXISTS (SELECT FROM beat) AS running,
               coalesce((SELECT stop_requested_at IS NOT NULL FROM beat), false) AS stop
        """;

    /// <summary>A file whose failure could not be recorded is not completed either.</summary>
    public const string CloseRun = """
        WITH files AS (
            SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
                   count(*) FILTER (WHERE status <> 'completed') AS failed,
                   coalesce(sum(rows_ingested) FILTER (WHERE status = 'completed'), 0) AS ingested,
                   coalesce(sum(rows_rejected), 0) AS rejected
            FROM etl.load_run_files
            WHERE load_run_id = @id
        )
        UPDATE etl.load_runs r
        SET status = CASE WHEN @status = 'completed' AND files.failed > 0 THEN 'failed' ELSE @status END,
            completed_at = now(),
            updated_at = now(),
            total_files_processed = files.completed,
            total_rows_ingested = files.ingested,
            total_rows_rejected = files.rejected,
            error_code = coalesce(@errorCode, CASE WHEN files.failed > 0 THEN 'FilesFailed' END),
            error = coalesce(@error, CASE WHEN files.failed > 0 THEN files.failed || ' file(s) failed' END)
        FROM files
        WHERE r.load_run_id = @id AND r.status = 'running'
        RETURNING r.status
        """;
}
