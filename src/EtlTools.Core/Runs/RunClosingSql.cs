namespace EtlTools.Core.Runs;

/// <summary>Ends runs from outside: what Stop-LoadRun and the start of a new run do.</summary>
internal static class RunClosingSql
{
    public const string Find = "SELECT status, lease_key AS leasekey FROM etl.load_runs WHERE load_run_id = @id";

    // Not FOR UPDATE: a file that is being loaded refers to its run, and would have to be waited for.
    public const string Lock = $"{Find} FOR NO KEY UPDATE";

    public const string LockUnlessBusy = $"{Lock} SKIP LOCKED";

    public const string TakeLease = "SELECT pg_try_advisory_xact_lock(@leaseKey)";

    public const string CountFiles = """
        SELECT count(*) FILTER (WHERE status = 'completed')::integer AS completed,
               count(*) FILTER (WHERE status IN ('pending', 'processing'))::integer AS unfinished
        FROM etl.load_run_files
        WHERE load_run_id = @id
        """;

    public const string AskToStop = $"""
        UPDATE etl.load_runs
        SET stop_requested_at = coalesce(stop_requested_at, now()), notes = {AppendedNote}, updated_at = now()
        WHERE load_run_id = @id AND status = 'running'
        """;

    /// <summary>A file that its worker commits meanwhile is waited for, and then left as it is.</summary>
    public const string CloseFiles = """
        UPDATE etl.load_run_files
        SET status = 'failed', error_code = 'OwnerDied', error_message = coalesce(nullif(error_message, ''), @ownerDied),
            finished_at = now(), updated_at = now()
        WHERE load_run_id = @id AND status IN ('pending', 'processing')
        """;

    public const string CloseStaging = """
        UPDATE etl.staging_runs
        SET status = 'failed', error = coalesce(error, @error), completed_at = now(), updated_at = now()
        WHERE load_run_id = @id AND status = 'running'
        """;

    /// <summary>The totals of an adopted run stay as its own system left them.</summary>
    public const string CloseRun = $"""
        WITH files AS (
            SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
                   coalesce(sum(rows_ingested) FILTER (WHERE status = 'completed'), 0) AS ingested,
                   coalesce(sum(rows_rejected), 0) AS rejected
            FROM etl.load_run_files
            WHERE load_run_id = @id
        )
        UPDATE etl.load_runs r
        SET status = 'failed',
            error_code = 'RunDied',
            error = @error,
            notes = CASE WHEN @note::text IS NULL THEN notes ELSE {AppendedNote} END,
            completed_at = now(),
            updated_at = now(),
            total_files_processed = CASE WHEN r.pipeline IS NULL THEN total_files_processed ELSE files.completed END,
            total_rows_ingested = CASE WHEN r.pipeline IS NULL THEN total_rows_ingested ELSE least(files.ingested, 2147483647) END,
            total_rows_rejected = CASE WHEN r.pipeline IS NULL THEN total_rows_rejected ELSE least(files.rejected, 2147483647) END
        FROM files
        WHERE r.load_run_id = @id
        """;

    /// <summary>Who holds the lease, for whoever has to end its process.</summary>
    public const string LeaseHolder = """
        SELECT l.pid
        FROM etl.load_runs r
        JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.classid = ((r.lease_key >> 32) & 4294967295)::oid
            AND l.objid = (r.lease_key & 4294967295)::oid
        WHERE r.load_run_id = @id
        """;

    private const string AppendedNote = """
        concat_ws(E'\n', nullif(notes, ''),
            to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ' ' || session_user || ' ' || @note)
        """;
}
