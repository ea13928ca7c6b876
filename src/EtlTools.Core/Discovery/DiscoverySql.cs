namespace EtlTools.Core.Discovery;

internal static class DiscoverySql
{
    /// <summary>Of the listed files, those whose content the ledger does not know, by their place in the question.</summary>
    public const string Unknown =
        """
        SELECT listed.place::integer - 1 AS Index,
               EXISTS (
                   SELECT FROM etl.load_run_files AS loaded
                   WHERE loaded.s3_bucket = @container AND loaded.s3_key = listed.s3_key
                     AND loaded.origin = 'source' AND loaded.status = 'completed' AND loaded.superseded_at IS NULL
               ) AS IsChanged
        FROM unnest(@keys, @hashes) WITH ORDINALITY AS listed (s3_key, file_hash, place)
        WHERE NOT EXISTS (
            SELECT FROM etl.load_run_files AS known
            WHERE known.s3_version_id = '' AND known.file_hash = listed.file_hash)
        ORDER BY listed.place
        """;

    /// <summary>What the ledger knows of named files: of this content, and of other content under the same key.</summary>
    public const string Known =
        """
        SELECT coalesce(same.attempts, 0) AS Attempts,
               coalesce(same.is_loaded, false) AS IsLoaded,
               EXISTS (
                   SELECT FROM etl.load_run_files AS other
                   WHERE other.s3_bucket = @container AND other.s3_key = named.s3_key AND other.file_hash <> named.file_hash
                     AND other.origin = 'source' AND other.status = 'completed' AND other.superseded_at IS NULL
               ) AS IsChanged
        FROM unnest(@keys, @hashes) WITH ORDINALITY AS named (s3_key, file_hash, place)
        LEFT JOIN LATERAL (
            SELECT max(attempt) AS attempts, bool_or(status = 'completed' AND superseded_at IS NULL) AS is_loaded
            FROM etl.load_run_files
            WHERE s3_version_id = '' AND file_hash = named.file_hash
        ) AS same ON true
        ORDER BY named.place
        """;

    /// <summary>
    /// The last attempt at every logical file (bucket and key) that is not loaded. An attempt that a live run has in hand is
    /// left alone: a run lives while a session holds its advisory lock; one that takes none is believed for two hours. A file that
    /// was loaded after all and then undone does not come back by itself as the failed one that it was before.
    /// </summary>
    public const string Failed =
        """
        WITH held AS (
            SELECT (classid::bigint << 32) | objid::bigint AS lease_key
            FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 1 AND granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ),
        last_attempt AS (
            SELECT DISTINCT ON (file.s3_bucket, file.s3_key)
                   file.*,
                   coalesce(file.finished_at, file.started_at, file.updated_at) AS last_attempt_at
            FROM etl.load_run_files AS file
            WHERE file.origin = 'source' AND file.superseded_at IS NULL AND file.status <> 'completed'
              AND (file.pipeline = @pipeline
                   OR (file.pipeline IS NULL AND file.s3_bucket = @container AND starts_with(file.s3_key, @prefix)))
              AND NOT EXISTS (
                  SELECT FROM etl.load_run_files AS loaded
                  WHERE loaded.s3_version_id = file.s3_version_id AND loaded.file_hash = file.file_hash
                    AND loaded.status = 'completed' AND loaded.superseded_at IS NULL)
              AND NOT EXISTS (
                  SELECT FROM etl.load_run_files AS later
                  WHERE later.s3_bucket = file.s3_bucket AND later.s3_key = file.s3_key AND later.origin = 'source'
                    AND later.load_run_file_id > file.load_run_file_id AND later.status = 'completed')
            ORDER BY file.s3_bucket, file.s3_key, file.load_run_file_id DESC
        )
        SELECT file.load_run_file_id AS LoadRunFileId,
               file.load_run_id AS LoadRunId,
               file.s3_bucket AS Container,
               file.s3_key AS Key,
               file.file_hash AS FileHash,
               file.extract_type AS ExtractType,
               file.per_org_id AS PerOrgId,
               file.practice_id AS PracticeId,
               file.extracted_at AS ExtractedAt,
               file.status AS Status,
               file.last_attempt_at AS LastAttemptAt,
               file.error_code AS ErrorCode,
               -- What another system wrote there may hold patients' data.
               CASE WHEN file.pipeline IS NOT NULL THEN file.error_message
                    WHEN file.error_message IS NOT NULL THEN 'Written by the former system: see error_message in etl.load_run_files.'
               END AS Error,
               (SELECT max(same.attempt)
                FROM etl.load_run_files AS same
                WHERE same.s3_version_id = file.s3_version_id AND same.file_hash = file.file_hash) AS Attempts,
               now() AS AskedAt
        FROM last_attempt AS file
        JOIN etl.load_runs AS run USING (load_run_id)
        WHERE (file.status = 'failed'
               OR NOT (run.status = 'running'
                       AND CASE WHEN run.lease_key IS NULL THEN run.started_at > now() - interval '2 hours'
                                ELSE run.lease_key IN (SELECT lease_key FROM held) END))
          AND file.last_attempt_at >= now() - @maxAge
          AND (@types::text[] IS NULL OR lower(file.extract_type) = ANY (@types))
          AND (@from::timestamp IS NULL OR file.extracted_at >= @from)
          AND (@to::timestamp IS NULL OR file.extracted_at < @to)
        """;

    /// <summary>A condition on file: the last attempt at its logical file, withdrawn by an undo; no other attempt with its content counts.</summary>
    public const string IsWithdrawn =
        """
        file.origin = 'source' AND file.status = 'completed'
          AND file.superseded_at IS NOT NULL AND file.superseded_by_load_run_file_id IS NULL
          AND NOT EXISTS (
              SELECT FROM etl.load_run_files AS later
              WHERE later.s3_bucket = file.s3_bucket AND later.s3_key = file.s3_key AND later.origin = 'source'
                AND later.load_run_file_id > file.load_run_file_id)
          AND NOT EXISTS (
              SELECT FROM etl.load_run_files AS other
              WHERE other.s3_bucket = file.s3_bucket AND other.s3_key = file.s3_key AND other.origin = 'source'
                AND other.status = 'completed' AND other.superseded_at IS NULL
                AND other.s3_version_id = file.s3_version_id AND other.file_hash = file.file_hash)
        """;

    public const string Withdrawn =
        $"""
        SELECT file.load_run_file_id
        FROM etl.load_run_files AS file
        WHERE file.pipeline = @pipeline AND {IsWithdrawn}
          AND (@types::text[] IS NULL OR lower(file.extract_type) = ANY (@types))
          AND (@from::timestamp IS NULL OR file.extracted_at >= @from)
          AND (@to::timestamp IS NULL OR file.extracted_at < @to)
        ORDER BY file.load_run_file_id
        """;
}
