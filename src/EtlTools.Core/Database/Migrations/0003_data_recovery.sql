-- What audits of raw ingestions found, and what recoveries did. No value of a payload is kept here.

-- The last audit of each ingestion.
CREATE TABLE IF NOT EXISTS etl.ingestion_audits (
    raw_ingestion_id  uuid PRIMARY KEY,
    user_id           uuid NOT NULL,
    audited_at        timestamptz NOT NULL DEFAULT now(),
    -- The ingestion's status when it was audited.
    processing_status text,
    -- Distinct keys of the payload's metrics, those in the tables, and those not.
    expected          bigint NOT NULL,
    present           bigint NOT NULL,
    missing           bigint NOT NULL,
    -- Metrics of the payload that repeat a key of it, and those that are no row at all.
    duplicates        bigint NOT NULL,
    rejected          bigint NOT NULL,
    -- The name of a LossCause; None where nothing is lost.
    cause             text NOT NULL,
    recoverable       boolean NOT NULL,
    not_recoverable_because text,
    -- table: {expected, present, missing, duplicates}
    by_table          jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS ingestion_audits_lost_idx ON etl.ingestion_audits (user_id) WHERE missing > 0 OR rejected > 0;
CREATE INDEX IF NOT EXISTS ingestion_audits_audited_idx ON etl.ingestion_audits (audited_at);

-- One row for each recovery of an ingestion, whatever it came to.
CREATE TABLE IF NOT EXISTS etl.data_recoveries (
    data_recovery_id  uuid PRIMARY KEY,
    -- The same for all ingestions of one Invoke-DataRecovery.
    recovery_run_id   uuid NOT NULL,
    raw_ingestion_id  uuid NOT NULL,
    user_id           uuid NOT NULL,
    -- Recovered, PartiallyRecovered, NothingMissing, Unrecoverable or Failed: the truth, where the ingestion's own
    -- status is an enum that lacks the word.
    outcome           text NOT NULL,
    cause             text NOT NULL,
    expected          bigint NOT NULL DEFAULT 0,
    present_before    bigint NOT NULL DEFAULT 0,
    metrics_recovered bigint NOT NULL DEFAULT 0,
    metrics_completed bigint NOT NULL DEFAULT 0,
    metrics_failed    bigint NOT NULL DEFAULT 0,
    -- table: {expected, present, recovered, completed, refused}
    by_table          jsonb NOT NULL DEFAULT '{}',
    -- [{table, reason, name, count}]: constraints and reasons, never a value.
    faults            jsonb NOT NULL DEFAULT '[]',
    -- Of raw_payload::text in UTF-8, in lower-case hexadecimal.
    sha256_before     text,
    sha256_after      text,
    payload_bytes     bigint,
    verified          boolean NOT NULL DEFAULT false,
    error_code        text,
    error             text,
    -- As they were before: the ingestion keeps its errors too.
    original_status   text,
    new_status        text,
    original_errors   jsonb,
    requested_by      text NOT NULL DEFAULT session_user,
    reason            text,
    started_at        timestamptz NOT NULL,
    finished_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS data_recoveries_ingestion_idx ON etl.data_recoveries (raw_ingestion_id, finished_at);
CREATE INDEX IF NOT EXISTS data_recoveries_run_idx ON etl.data_recoveries (recovery_run_id);
CREATE INDEX IF NOT EXISTS data_recoveries_finished_idx ON etl.data_recoveries (finished_at);
