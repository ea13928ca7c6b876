-- The ledger: runs, files, staging runs. The names and types are those of the Indici deployment, so that an existing
-- database is adopted in place: what is there stays as it is, what is missing is added.

CREATE SCHEMA IF NOT EXISTS etl;

CREATE TABLE IF NOT EXISTS etl.load_runs (
    load_run_id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    started_at            timestamptz NOT NULL DEFAULT now(),
    completed_at          timestamptz,
    status                text NOT NULL,
    triggered_by          text NOT NULL,
    notes                 text,
    total_files_processed integer DEFAULT 0,
    total_rows_ingested   integer DEFAULT 0,
    total_rows_rejected   integer DEFAULT 0,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE etl.load_runs
    ADD COLUMN IF NOT EXISTS parent_run_id uuid REFERENCES etl.load_runs,
    ADD COLUMN IF NOT EXISTS kind          text NOT NULL DEFAULT 'load',
    ADD COLUMN IF NOT EXISTS pipeline      text,
    ADD COLUMN IF NOT EXISTS requested_by  text,
    ADD COLUMN IF NOT EXISTS reason        text,
    ADD COLUMN IF NOT EXISTS heartbeat_at  timestamptz,
    -- Proof of life: the run's own session holds pg_advisory_lock(lease_key). Null: the run gives no sign.
    ADD COLUMN IF NOT EXISTS lease_key     bigint,
    ADD COLUMN IF NOT EXISTS stop_requested_at timestamptz,
    ADD COLUMN IF NOT EXISTS error_code    text,
    ADD COLUMN IF NOT EXISTS error         text;

CREATE INDEX IF NOT EXISTS load_runs_started_idx ON etl.load_runs (started_at);
CREATE INDEX IF NOT EXISTS load_runs_running_idx ON etl.load_runs (load_run_id) WHERE status = 'running';

CREATE TABLE IF NOT EXISTS etl.load_run_files (
    load_run_file_id serial PRIMARY KEY,
    load_run_id      uuid NOT NULL REFERENCES etl.load_runs,
    s3_bucket        text NOT NULL,
    s3_key           text NOT NULL,
    s3_version_id    text NOT NULL,
    file_hash        text NOT NULL,
    date_extracted   text NOT NULL,
    extract_type     text NOT NULL,
    per_org_id       text NOT NULL,
    practice_id      text NOT NULL,
    rows_read        integer DEFAULT 0,
    rows_ingested    integer DEFAULT 0,
    rows_rejected    integer DEFAULT 0,
    started_at       timestamptz,
    finished_at      timestamptz,
    status           text NOT NULL,
    error_message    text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE etl.load_run_files
    ADD COLUMN IF NOT EXISTS pipeline       text,
    -- One row an attempt. The identity of the content is (s3_version_id, file_hash).
    ADD COLUMN IF NOT EXISTS attempt        integer NOT NULL DEFAULT 1,
    -- source: read from the bucket or folder. repair: rows an admin corrected.
    ADD COLUMN IF NOT EXISTS origin         text NOT NULL DEFAULT 'source',
    ADD COLUMN IF NOT EXISTS repairs_load_run_file_id integer REFERENCES etl.load_run_files,
    -- Wall-clock times in the pipeline's zone. extracted_at orders the versions of a key.
    ADD COLUMN IF NOT EXISTS extracted_at   timestamp,
    ADD COLUMN IF NOT EXISTS date_from      timestamp,
    ADD COLUMN IF NOT EXISTS date_to        timestamp,
    ADD COLUMN IF NOT EXISTS size_bytes     bigint,
    ADD COLUMN IF NOT EXISTS etag           text,
    ADD COLUMN IF NOT EXISTS source_modified_at timestamptz,
    ADD COLUMN IF NOT EXISTS object_version text,
    -- The table that holds its raw rows: a segment, or null for rows that were there before EtlTools.
    ADD COLUMN IF NOT EXISTS raw_segment    text,
    ADD COLUMN IF NOT EXISTS staged_at      timestamptz,
    ADD COLUMN IF NOT EXISTS error_code     text,
    -- Supersession is a fact about a file: its raw rows no longer count.
    ADD COLUMN IF NOT EXISTS superseded_at  timestamptz,
    ADD COLUMN IF NOT EXISTS superseded_by_load_run_file_id integer REFERENCES etl.load_run_files,
    ADD COLUMN IF NOT EXISTS superseded_by_load_run_id uuid REFERENCES etl.load_runs,
    -- Set by a hard delete: the raw rows are gone, and with them the way back.
    ADD COLUMN IF NOT EXISTS raw_deleted_at timestamptz;

-- The deployment's unique index, extended by the attempt: a second try at the same content is a row of its own.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_indexes
        WHERE schemaname = 'etl' AND indexname = 'load_run_files_unique_idx' AND indexdef LIKE '%attempt%')
    THEN
        DROP INDEX IF EXISTS etl.load_run_files_unique_idx;
        CREATE UNIQUE INDEX load_run_files_unique_idx ON etl.load_run_files (s3_version_id, file_hash, attempt);
    END IF;
END $$;

-- Nothing is loaded twice: one completed attempt at a content counts at a time.
CREATE UNIQUE INDEX IF NOT EXISTS load_run_files_active_idx
    ON etl.load_run_files (s3_version_id, file_hash) WHERE status = 'completed' AND superseded_at IS NULL;
CREATE INDEX IF NOT EXISTS load_run_files_load_run_idx ON etl.load_run_files (load_run_id);
CREATE INDEX IF NOT EXISTS load_run_files_logical_idx ON etl.load_run_files (s3_bucket, s3_key);
CREATE INDEX IF NOT EXISTS load_run_files_open_idx ON etl.load_run_files (status, updated_at) WHERE status <> 'completed';
CREATE INDEX IF NOT EXISTS load_run_files_unstaged_idx
    ON etl.load_run_files (extract_type) WHERE staged_at IS NULL AND status = 'completed' AND superseded_at IS NULL;

-- An adopted ledger: read the time of extraction from whatever form it was kept in, and count old loads as staged.
UPDATE etl.load_run_files
SET extracted_at = CASE
        WHEN date_extracted ~ '^\d{10}$' THEN to_timestamp(date_extracted, 'YYMMDDHH24MI')::timestamp
        WHEN date_extracted ~ '^\d{12}$' THEN to_timestamp(date_extracted, 'YYYYMMDDHH24MI')::timestamp
        WHEN date_extracted ~ '^\d{14}$' THEN to_timestamp(date_extracted, 'YYYYMMDDHH24MISS')::timestamp
        WHEN date_extracted ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d' THEN
            replace(substring(date_extracted FROM '^[\d-]{10}[T ][\d:]{5,8}'), 'T', ' ')::timestamp
        ELSE created_at AT TIME ZONE 'UTC'
    END
WHERE extracted_at IS NULL;

UPDATE etl.load_run_files
SET staged_at = coalesce(finished_at, updated_at)
WHERE staged_at IS NULL AND status = 'completed' AND pipeline IS NULL;

CREATE TABLE IF NOT EXISTS etl.staging_runs (
    staging_run_id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    load_run_id             uuid NOT NULL REFERENCES etl.load_runs,
    extract_type            text NOT NULL,
    source_table            text NOT NULL,
    target_table            text NOT NULL,
    started_at              timestamptz NOT NULL DEFAULT now(),
    completed_at            timestamptz,
    status                  text NOT NULL,
    total_rows_read         integer DEFAULT 0,
    total_rows_transformed  integer DEFAULT 0,
    total_rows_rejected     integer DEFAULT 0,
    total_rows_deduplicated integer DEFAULT 0,
    successful_batches      integer DEFAULT 0,
    failed_batches          integer DEFAULT 0,
    duration_ms             integer,
    rows_per_second         integer,
    memory_usage_mb         numeric(10,2),
    error                   text,
    result                  text,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS staging_runs_load_run_idx ON etl.staging_runs (load_run_id);
CREATE INDEX IF NOT EXISTS staging_runs_status_idx ON etl.staging_runs (status);
CREATE UNIQUE INDEX IF NOT EXISTS staging_runs_load_run_completed_idx
    ON etl.staging_runs (load_run_id, extract_type) WHERE status = 'completed';
