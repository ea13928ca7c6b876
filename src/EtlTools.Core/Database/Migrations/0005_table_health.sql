-- What health has to know of a source's configuration, so that it needs neither the source nor the file.

-- One row for each table of a source's configuration, as Sync-Table last read it.
CREATE TABLE IF NOT EXISTS etl.configured_tables (
    source            text NOT NULL,
    table_name        text NOT NULL,
    target_schema     text NOT NULL,
    -- The file that it stands in; one that is taken out of it is forgotten when that file is read again.
    config_file       text NOT NULL,
    importance        text NOT NULL,
    -- evolve, freeze, discard_row or discard_value.
    contract          text NOT NULL,
    alerts_on_failure boolean NOT NULL,
    -- NULL: none.
    time_limit        interval,
    threshold         double precision NOT NULL,
    overdue_after     interval NOT NULL,
    -- When it was first seen in the configuration: how long one that was never synced has been waiting.
    configured_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, table_name)
);

-- What a run came to. Totals of all time are sums over runs, which are few, and not over the syncs of their tables.
ALTER TABLE etl.table_sync_runs
    ADD COLUMN IF NOT EXISTS syncs_completed bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS syncs_failed    bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_read       bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_changed    bigint NOT NULL DEFAULT 0;

UPDATE etl.table_sync_runs r
SET syncs_completed = s.completed, syncs_failed = s.failed, rows_read = s.rows_read, rows_changed = s.rows_changed
FROM (
    SELECT table_sync_run_id, count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE status <> 'completed') AS failed,
           sum(rows_read) AS rows_read, sum(rows_inserted + rows_updated + rows_deleted) AS rows_changed
    FROM etl.table_syncs
    GROUP BY table_sync_run_id) s
WHERE s.table_sync_run_id = r.table_sync_run_id AND r.finished_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS table_sync_runs_unfinished_idx ON etl.table_sync_runs (table_sync_run_id) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS table_syncs_running_idx ON etl.table_syncs (table_sync_id) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS table_syncs_not_completed_idx ON etl.table_syncs (started_at) WHERE status <> 'completed';
