-- Copies of a source's tables: what was synced, when, how much, and where the next sync begins. No value of a row is kept here
-- but watermarks: the highest date or key that was read.

-- One row a Sync-Table or Undo-TableSync.
CREATE TABLE IF NOT EXISTS etl.table_sync_runs (
    table_sync_run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- sync or undo.
    kind              text NOT NULL,
    source            text NOT NULL,
    started_at        timestamptz NOT NULL DEFAULT now(),
    finished_at       timestamptz,
    tables_total      integer NOT NULL DEFAULT 0,
    tables_failed     integer NOT NULL DEFAULT 0,
    requested_by      text NOT NULL DEFAULT session_user,
    reason            text
);

CREATE INDEX IF NOT EXISTS table_sync_runs_started_idx ON etl.table_sync_runs (started_at);

-- One row a table of a run: the metrics.
CREATE TABLE IF NOT EXISTS etl.table_syncs (
    table_sync_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_sync_run_id uuid NOT NULL REFERENCES etl.table_sync_runs,
    source            text NOT NULL,
    target_schema     text NOT NULL,
    table_name        text NOT NULL,
    importance        text NOT NULL,
    -- As configured: full_table, incremental, incremental_chunked; or undo.
    strategy          text NOT NULL,
    -- What was read: every row (full), those that may have changed (incremental), or none (undo).
    mode              text NOT NULL,
    -- running, completed or failed. One that says running while nobody holds the table's lease was interrupted.
    status            text NOT NULL DEFAULT 'running',
    started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at       timestamptz,
    -- Transactions that were committed: more than one where it goes by ranges of the key.
    commits           integer NOT NULL DEFAULT 0,
    rows_read         bigint NOT NULL DEFAULT 0,
    rows_inserted     bigint NOT NULL DEFAULT 0,
    rows_updated      bigint NOT NULL DEFAULT 0,
    rows_deleted      bigint NOT NULL DEFAULT 0,
    rows_discarded    bigint NOT NULL DEFAULT 0,
    values_discarded  bigint NOT NULL DEFAULT 0,
    zero_dates        bigint NOT NULL DEFAULT 0,
    bytes_read        bigint NOT NULL DEFAULT 0,
    -- The share of the rows read that was found in the copy.
    verified          double precision,
    -- The copy was empty before: everything in it came with this sync, and no history of it is kept.
    is_initial        boolean NOT NULL DEFAULT false,
    -- What the copy was changed by, and what did not fit.
    drift             text[] NOT NULL DEFAULT '{}',
    -- etl.table_states.state as it was before, for an undo.
    state_before      jsonb,
    undone_at         timestamptz,
    undone_by_table_sync_id bigint REFERENCES etl.table_syncs,
    -- Its history is gone, and with it the way back.
    history_cleared_at timestamptz,
    error_code        text,
    error             text
);

CREATE INDEX IF NOT EXISTS table_syncs_table_idx ON etl.table_syncs (target_schema, table_name, table_sync_id);
CREATE INDEX IF NOT EXISTS table_syncs_run_idx ON etl.table_syncs (table_sync_run_id);
CREATE INDEX IF NOT EXISTS table_syncs_started_idx ON etl.table_syncs (started_at);

-- Where the next sync of a table begins. Written in the transaction of its rows.
CREATE TABLE IF NOT EXISTS etl.table_states (
    target_schema   text NOT NULL,
    table_name      text NOT NULL,
    source          text NOT NULL,
    -- Watermarks by column, the highest key, the columns that were synced, and how far a pass by ranges of the key has come.
    state           jsonb NOT NULL DEFAULT '{}',
    table_sync_id   bigint REFERENCES etl.table_syncs,
    last_success_at timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (target_schema, table_name)
);
