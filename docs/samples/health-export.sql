-- A small Health Export database to try Find-LostData and Invoke-DataRecovery on: an invented user, five payloads, and what a
-- service has left of them. It lies in a schema of its own; DROP SCHEMA health_sample CASCADE takes it away again.
--
--   psql -d ingest -f docs/samples/health-export.sql

BEGIN;
CREATE SCHEMA health_sample;
SET LOCAL search_path = health_sample;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email varchar(255) NOT NULL UNIQUE
);

CREATE TABLE raw_ingestions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users,
    payload_hash varchar(64) NOT NULL,
    payload_size_bytes integer NOT NULL,
    raw_payload jsonb NOT NULL,
    processing_status varchar(50) DEFAULT 'pending',
    processing_errors jsonb,
    processed_at timestamptz,
    created_at timestamptz DEFAULT now()
);

CREATE TABLE heart_rate_metrics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users,
    recorded_at timestamptz NOT NULL,
    heart_rate integer,
    source_device varchar(255),
    created_at timestamptz DEFAULT now(),
    UNIQUE (user_id, recorded_at)
);

CREATE TABLE blood_pressure_metrics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users,
    recorded_at timestamptz NOT NULL,
    systolic integer NOT NULL,
    diastolic integer NOT NULL,
    source_device varchar(255),
    created_at timestamptz DEFAULT now(),
    UNIQUE (user_id, recorded_at)
);

INSERT INTO users VALUES ('50000000-0000-4000-8000-000000000000', 'sample@example.org');

-- Four payloads of 250 heart rates and 10 blood pressures, an hour apart, and one that the service has replaced by a stub.
INSERT INTO raw_ingestions (id, user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, processing_errors, created_at)
SELECT ('60000000-0000-4000-8000-00000000000' || p)::uuid, u.id, md5(p::text), length(payload::text), payload, status, errors::jsonb,
       now() - make_interval(hours => 5 - p)
FROM users u
CROSS JOIN (VALUES
    (1, 'processed', NULL),
    (2, 'processed', NULL),
    (3, 'error', '[{"metric_type": "HeartRate", "error_message": "bind message supplies 70000 parameters, but only 65535 are allowed"}]'),
    (4, 'error', '[{"metric_type": "Payload", "error_message": "timeout while processing"}]')) s (p, status, errors)
CROSS JOIN LATERAL (
    SELECT jsonb_build_object('data', jsonb_build_object('metrics', jsonb_agg(metric), 'workouts', '[]'::jsonb)) AS payload
    FROM (
        SELECT jsonb_build_object('type', 'HeartRate', 'recorded_at', date_trunc('hour', now()) - make_interval(hours => p, secs => 10 * n),
                                  'heart_rate', 55 + n % 60, 'source_device', 'sample watch') AS metric
        FROM generate_series(1, 250) n
        UNION ALL
        SELECT jsonb_build_object('type', 'BloodPressure', 'recorded_at', date_trunc('hour', now()) - make_interval(hours => p, mins => n),
                                  'systolic', 110 + n, 'diastolic', 70 + n, 'source_device', 'sample cuff')
        FROM generate_series(1, 10) n) m
) made;
INSERT INTO raw_ingestions (id, user_id, payload_hash, payload_size_bytes, raw_payload, processing_status)
SELECT '60000000-0000-4000-8000-000000000005', id, 'stub', 52428800, '{"large_payload": true}', 'partial_success' FROM users;

-- The service stored the first payload whole, the second without its blood pressures, of the third a part, of the fourth nothing.
INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate, source_device)
SELECT user_id, (m ->> 'recorded_at')::timestamptz, (m ->> 'heart_rate')::integer, m ->> 'source_device'
FROM raw_ingestions CROSS JOIN LATERAL jsonb_array_elements(raw_payload -> 'data' -> 'metrics') WITH ORDINALITY e (m, n)
WHERE m ->> 'type' = 'HeartRate' AND (right(id::text, 1) IN ('1', '2') OR (right(id::text, 1) = '3' AND n <= 100));
INSERT INTO blood_pressure_metrics (user_id, recorded_at, systolic, diastolic, source_device)
SELECT user_id, (m ->> 'recorded_at')::timestamptz, (m ->> 'systolic')::integer, (m ->> 'diastolic')::integer, m ->> 'source_device'
FROM raw_ingestions CROSS JOIN LATERAL jsonb_array_elements(raw_payload -> 'data' -> 'metrics') m
WHERE m ->> 'type' = 'BloodPressure' AND right(id::text, 1) = '1';
COMMIT;
