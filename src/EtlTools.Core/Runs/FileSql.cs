namespace EtlTools.Core.Runs;

/// <summary>The writing side of the ledger: files.</summary>
internal static class FileSql
{
    public const string LockLogicalFile =
        "SELECT pg_advisory_xact_lock(hashtextextended('etl.file ' || @bucket || ' ' || @key, 0))";

    /// <summary>True where the run of alias r lives: its lease is held, or it gives no sign and is young.</summary>
    private const string RunIsAlive = """
        (r.status = 'running' AND CASE
            WHEN r.lease_key IS NULL THEN r.started_at > now() - interval '2 hours'
            ELSE EXISTS (
                SELECT FROM pg_locks l
                WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND l.classid::bigint = (r.lease_key >> 32) AND l.objid::bigint = (r.lease_key & 4294967295))
            END)
        """;

    public const string CloseOrphans = $"""
        UPDATE etl.load_run_files f
        SET status = 'failed',
            error_code = 'OwnerDied',
            error_message = 'The run that was loading this file ended without closing it.',
            finished_at = now(),
            updated_at = now()
        FROM etl.load_runs r
        WHERE f.s3_bucket = @bucket AND f.s3_key = @key AND f.status = 'processing'
          AND r.load_run_id = f.load_run_id AND NOT {RunIsAlive}
        """;

    /// <summary>The attempts at a logical file, and the repairs of their rows.</summary>
    public const string KnownAttempts = """
        SELECT load_run_file_id AS loadrunfileid, load_run_id AS loadrunid, file_hash AS filehash, attempt, status,
               superseded_at IS NOT NULL AS issuperseded, pipeline IS NULL AS isadopted, origin = 'repair' AS isrepair
        FROM etl.load_run_files
        WHERE s3_bucket = @bucket AND s3_key = @key
        ORDER BY load_run_file_id
        """;

    public const string IsBeingLoaded = """
        SELECT EXISTS (SELECT FROM etl.load_run_files
                       WHERE s3_bucket = @bucket AND s3_key = @key AND origin = 'source' AND status = 'processing'
                         AND load_run_id IS DISTINCT FROM @ownRun::uuid)
        """;

    public const string InsertAttempt = """
        INSERT INTO etl.load_run_files (
            load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extracted_at, date_from, date_to,
            extract_type, per_org_id, practice_id, size_bytes, etag, source_modified_at, attempt, status, started_at)
        VALUES (
            @loadRunId, @pipeline, @bucket, @key, '', @hash, @dateExtracted, @extractedAt, @dateFrom, @dateTo,
            @extractType, @perOrgId, @practiceId, @size, @etag, @modified, @attempt, 'processing', now())
        RETURNING load_run_file_id
        """;

    public const string Supersede = """
        UPDATE etl.load_run_files
        SET superseded_at = now(), superseded_by_load_run_file_id = @by, superseded_by_load_run_id = @byRun, updated_at = now()
        WHERE load_run_file_id = ANY(@files)
        """;

    /// <summary>
    /// What gave way to a file that was never staged still stands in staging. When that file gives way itself, the newcomer
    /// takes its place, so that whoever stages the newcomer withdraws all of them.
    /// </summary>
    public const string InheritUnstaged = """
        UPDATE etl.load_run_files o
        SET superseded_by_load_run_file_id = @by, updated_at = now()
        FROM etl.load_run_files u
        WHERE u.load_run_file_id = ANY(@files) AND u.staged_at IS NULL AND u.pipeline IS NOT NULL
          AND o.superseded_by_load_run_file_id = u.load_run_file_id
        """;

    public const string SupersededBy =
        "SELECT load_run_file_id FROM etl.load_run_files WHERE superseded_by_load_run_file_id = @by ORDER BY load_run_file_id";

    public const string Restore = """
        UPDATE etl.load_run_files
        SET superseded_at = NULL, superseded_by_load_run_file_id = NULL, superseded_by_load_run_id = NULL, updated_at = now()
        WHERE load_run_file_id = ANY(@files)
        """;

    /// <summary>A file's rows come in one transaction, whose now() is when it began.</summary>
    public const string Complete = """
        UPDATE etl.load_run_files
        SET status = 'completed', rows_read = @rowsRead, rows_ingested = @rowsIngested, rows_rejected = @rowsRejected,
            raw_segment = @segment, object_version = nullif(@objectVersion, ''),
            finished_at = clock_timestamp(), updated_at = clock_timestamp(), staged_at = CASE WHEN @staged THEN clock_timestamp() END
        WHERE load_run_file_id = @file AND status = 'processing'
        """;

    public const string Fail = """
        UPDATE etl.load_run_files
        SET status = 'failed', rows_read = @rowsRead, rows_ingested = 0, rows_rejected = @rowsRejected,
            error_code = @errorCode, error_message = @error, finished_at = now(), updated_at = now()
        WHERE load_run_file_id = @file AND status = 'processing'
        """;

    public const string IsCompleted =
        "SELECT status = 'completed' FROM etl.load_run_files WHERE load_run_file_id = @file";
}
