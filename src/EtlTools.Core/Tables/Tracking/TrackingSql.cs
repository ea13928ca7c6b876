namespace EtlTools.Core.Tables.Tracking;

internal static class TrackingSql
{
    public const string LockSetup = "SELECT pg_advisory_xact_lock(hashtextextended('etl.tables', 0))";

    public const string StartRun = """
        INSERT INTO etl.table_sync_runs (kind, source, reason, tables_total) VALUES (@kind, @source, @reason, @tables)
        RETURNING table_sync_run_id
        """;

    public const string FinishRun = """
        UPDATE etl.table_sync_runs
        SET finished_at = now(),
            tables_failed = s.failed,
            syncs_completed = s.completed,
            syncs_failed = s.failed,
            rows_read = s.rows_read,
            rows_changed = s.rows_changed
        FROM (
            SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
                   count(*) FILTER (WHERE status <> 'completed') AS failed,
                   coalesce(sum(rows_read), 0) AS rows_read,
                   coalesce(sum(rows_inserted + rows_updated + rows_deleted), 0) AS rows_changed
            FROM etl.table_syncs WHERE table_sync_run_id = @run) s
        WHERE table_sync_run_id = @run
        """;

    /// <summary>What the configuration has now, for those who do not have it. Rows that stay as they are are not touched.</summary>
    public const string WriteConfigured = """
        DELETE FROM etl.configured_tables WHERE source = @source AND config_file = @file AND table_name <> ALL (@tables);
        INSERT INTO etl.configured_tables AS c (
            source, table_name, target_schema, config_file, importance, contract, alerts_on_failure, time_limit, threshold, overdue_after)
        SELECT @source, t.name, @schema, @file, t.importance, t.contract, t.alerts_on_failure, t.time_limit, t.threshold, t.overdue_after
        FROM unnest(@tables, @importances, @contracts, @alertsOnFailure, @timeLimits, @thresholds, @overdueAfter)
            AS t (name, importance, contract, alerts_on_failure, time_limit, threshold, overdue_after)
        ON CONFLICT (source, table_name) DO UPDATE
        SET target_schema = excluded.target_schema,
            config_file = excluded.config_file,
            importance = excluded.importance,
            contract = excluded.contract,
            alerts_on_failure = excluded.alerts_on_failure,
            time_limit = excluded.time_limit,
            threshold = excluded.threshold,
            overdue_after = excluded.overdue_after
        WHERE (c.target_schema, c.config_file, c.importance, c.contract, c.alerts_on_failure, c.time_limit, c.threshold, c.overdue_after)
            IS DISTINCT FROM (excluded.target_schema, excluded.config_file, excluded.importance, excluded.contract,
                              excluded.alerts_on_failure, excluded.time_limit, excluded.threshold, excluded.overdue_after)
        """;

    /// <summary>@sources and @names go together; a name that is NULL is every table of the source.</summary>
    public const string RemoveConfigured = """
        DELETE FROM etl.configured_tables c
        USING unnest(@sources, @names) w (source, name)
        WHERE c.source = w.source AND c.table_name = coalesce(w.name, c.table_name)
        RETURNING c.source, c.table_name AS name, c.target_schema AS schema, c.importance, c.configured_at AS configuredat,
                  (SELECT last_success_at FROM etl.table_states st
                   WHERE st.target_schema = c.target_schema AND st.table_name = c.table_name) AS lastsuccessat
        """;

    /// <summary>
    /// Under the table's lease: whatever says running there has died. One that keeps no history says so at once: a part of it may be
    /// committed without the rest.
    /// </summary>
    public const string StartSync = """
        UPDATE etl.table_syncs
        SET status = 'failed', finished_at = now(), error_code = 'SyncInterrupted', error = 'The process that synced the table ended before it was done.'
        WHERE target_schema = @schema AND table_name = @table AND status = 'running';
        INSERT INTO etl.table_syncs (
            table_sync_run_id, source, target_schema, table_name, importance, strategy, mode, is_initial, drift, state_before, history_cleared_at)
        VALUES (@run, @source, @schema, @table, @importance, @strategy, @mode, @isInitial, @drift, @state::jsonb,
                CASE WHEN NOT @hasWayBack THEN clock_timestamp() END)
        RETURNING table_sync_id
        """;

    public const string AddToSync = """
        UPDATE etl.table_syncs
        SET commits = commits + 1,
            rows_read = rows_read + @read,
            rows_inserted = rows_inserted + @inserted,
            rows_updated = rows_updated + @updated,
            rows_deleted = rows_deleted + @deleted,
            rows_discarded = rows_discarded + @rowsDiscarded,
            values_discarded = values_discarded + @valuesDiscarded,
            zero_dates = zero_dates + @zeroDates,
            bytes_read = bytes_read + @bytes,
            verified = least(coalesce(verified, 1), @verified),
            status = CASE WHEN @isLast THEN 'completed' ELSE status END,
            finished_at = CASE WHEN @isLast THEN clock_timestamp() END
        WHERE table_sync_id = @id AND status = 'running'
        RETURNING commits
        """;

    public const string IsCommitted = "SELECT commits >= @commits FROM etl.table_syncs WHERE table_sync_id = @id";

    public const string FailSync = """
        UPDATE etl.table_syncs
        SET status = 'failed', finished_at = clock_timestamp(), error_code = @errorCode, error = @error,
            verified = coalesce(@verified, verified)
        WHERE table_sync_id = @id AND status = 'running'
        """;

    /// <summary>@source is NULL where it does not matter whose rows the copy has.</summary>
    public const string ReadState = """
        SELECT state::text FROM etl.table_states
        WHERE target_schema = @schema AND table_name = @table AND source = coalesce(@source::text, source)
        """;

    /// <summary>Copies that another source keeps up, as long as that one is registered.</summary>
    public const string FindTaken = """
        SELECT st.table_name AS name, st.source
        FROM etl.table_states st
        JOIN etl.configured_tables c ON c.source = st.source AND c.table_name = st.table_name AND c.target_schema = st.target_schema
        WHERE st.target_schema = @schema AND st.table_name = ANY (@tables) AND st.source <> @source
          AND to_regclass(format('%I.%I', st.target_schema, st.table_name)) IS NOT NULL
        ORDER BY st.table_name
        """;

    public const string WriteState = """
        INSERT INTO etl.table_states (target_schema, table_name, source, state, table_sync_id, last_success_at)
        VALUES (@schema, @table, @source, @state::jsonb, @id, CASE WHEN @isLast THEN clock_timestamp() END)
        ON CONFLICT (target_schema, table_name) DO UPDATE
        SET source = excluded.source,
            state = excluded.state,
            table_sync_id = excluded.table_sync_id,
            last_success_at = coalesce(excluded.last_success_at, etl.table_states.last_success_at),
            updated_at = clock_timestamp()
        """;

    /// <summary>How what alias s is of stands: what says running and is nobody's has died, as has what a later sync found so.</summary>
    public const string Standing = $"""
        CASE WHEN s.error_code = 'SyncInterrupted' THEN 'interrupted'
             WHEN s.status <> 'running' THEN s.status
             WHEN {IsHeld} THEN 'running'
             ELSE 'interrupted' END
        """;

    /// <summary>True where what alias s is of took back a sync. The undo of an undo takes back none: it brings some again.</summary>
    public const string TookBack = """
        (s.mode = 'undo' AND EXISTS (
            SELECT FROM etl.table_syncs u
            WHERE u.target_schema = s.target_schema AND u.table_name = s.table_name
              AND u.undone_by_table_sync_id = s.table_sync_id AND u.mode <> 'undo'))
        """;

    public const string TakeLease = "SELECT pg_try_advisory_lock(hashtextextended('etl.table:' || @schema || '.' || @table, 0))";

    public const string EndLease = "SELECT pg_advisory_unlock(hashtextextended('etl.table:' || @schema || '.' || @table, 0))";

    /// <summary>True while somebody holds the lease of the table that a sync of alias s is of.</summary>
    public const string IsHeld = """
        EXISTS (
            SELECT FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('etl.table:' || s.target_schema || '.' || s.table_name, 0))
        """;
}
