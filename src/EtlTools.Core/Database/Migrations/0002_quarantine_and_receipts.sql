-- Rows that could not be taken, with every reason; and what each reprocess did, so that it can be undone.

CREATE TABLE IF NOT EXISTS etl.rejected_rows (
    rejected_row_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    load_run_id      uuid NOT NULL,
    load_run_file_id integer NOT NULL REFERENCES etl.load_run_files ON DELETE CASCADE,
    extract_type     text NOT NULL,
    -- load: the row did not reach raw. staging: it is in raw and not in staging.
    stage            text NOT NULL CHECK (stage IN ('load', 'staging')),
    row_number       bigint,
    line_number      bigint,
    byte_offset      bigint,
    -- column:code for a column, a bare code for the row; all of them at once.
    reasons          text[] NOT NULL,
    -- The row as the file has it (load), or by column (staging). Patients' data: it never leaves by a message or a log.
    content          bytea,
    fields           jsonb,
    repaired_by_load_run_file_id integer REFERENCES etl.load_run_files,
    rejected_at      timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS rejected_rows_file_idx ON etl.rejected_rows (load_run_file_id, stage);
CREATE INDEX IF NOT EXISTS rejected_rows_run_idx ON etl.rejected_rows (load_run_id);

CREATE TABLE IF NOT EXISTS etl.reprocess_receipts (
    receipt_id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    load_run_id          uuid NOT NULL REFERENCES etl.load_runs,
    kind                 text NOT NULL CHECK (kind IN ('reprocess', 'undo', 'repair')),
    -- The receipt that an undo reverses.
    undoes_receipt_id    uuid UNIQUE REFERENCES etl.reprocess_receipts,
    extract_type         text NOT NULL,
    -- The attempts whose rows went, and the one whose rows came.
    old_load_run_file_ids integer[] NOT NULL DEFAULT '{}',
    new_load_run_file_id integer REFERENCES etl.load_run_files,
    skip_raw             boolean NOT NULL DEFAULT false,
    hard_delete          boolean NOT NULL DEFAULT false,
    source_changed       boolean NOT NULL DEFAULT false,
    rows_read            bigint NOT NULL DEFAULT 0,
    rows_ingested        bigint NOT NULL DEFAULT 0,
    rows_rejected        bigint NOT NULL DEFAULT 0,
    staging_table        text,
    keys_inserted        bigint NOT NULL DEFAULT 0,
    keys_changed         bigint NOT NULL DEFAULT 0,
    keys_withdrawn       bigint NOT NULL DEFAULT 0,
    keys_restored        bigint NOT NULL DEFAULT 0,
    keys_unchanged       bigint NOT NULL DEFAULT 0,
    keys_rejected        bigint NOT NULL DEFAULT 0,
    requested_by         text NOT NULL DEFAULT session_user,
    reason               text NOT NULL CHECK (btrim(reason) <> ''),
    created_at           timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS reprocess_receipts_run_idx ON etl.reprocess_receipts (load_run_id);
CREATE INDEX IF NOT EXISTS reprocess_receipts_new_file_idx ON etl.reprocess_receipts (new_load_run_file_id);

-- Raw rows live in segments: tables that inherit from raw.<table>. The newest one of a table is open: loads append to it,
-- and it has no index. A full one is closed, then sealed: its indexes are built in bulk, once.
CREATE TABLE IF NOT EXISTS etl.raw_segments (
    raw_table  text NOT NULL,
    segment_no integer NOT NULL,
    segment    text NOT NULL UNIQUE,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,
    sealed_at  timestamptz,
    PRIMARY KEY (raw_table, segment_no)
);

-- Whether a text is valid input for a type: for the types that no pattern covers. Only the row that fails pays for it.
CREATE OR REPLACE FUNCTION etl.input_is_valid(value text, type_name text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF value IS NOT NULL THEN
        EXECUTE format('SELECT $1::%s', type_name) USING value;
    END IF;
    RETURN true;
EXCEPTION WHEN data_exception OR invalid_text_representation THEN
    RETURN false;
END $$;

-- A text read with a to_timestamp format (wall-clock, no zone), or null where it does not fit.
CREATE OR REPLACE FUNCTION etl.timestamp_or_null(value text, format text) RETURNS timestamp
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN to_timestamp(value, format)::timestamp;
EXCEPTION WHEN data_exception OR invalid_text_representation THEN
    RETURN NULL;
END $$;
