namespace EtlTools.Core.Reprocessing;

internal static class ReprocessSql
{
    /// <summary>
    /// For every logical file that the runs or entries touch: the attempt that counts now, else the last one. A repair is
    /// reached through the file it repairs.
    /// </summary>
    public const string Targets = """
        WITH touched AS (
            SELECT DISTINCT s3_bucket, s3_key
            FROM etl.load_run_files
            WHERE (load_run_id = ANY(@runs) OR load_run_file_id = ANY(@files))
              AND (@from::timestamp IS NULL OR extracted_at >= @from)
              AND (@to::timestamp IS NULL OR extracted_at < @to)
        )
        SELECT DISTINCT ON (f.s3_bucket, f.s3_key)
               f.load_run_file_id AS loadrunfileid, f.load_run_id AS loadrunid, f.s3_bucket AS container, f.s3_key AS "key",
               f.extract_type AS extracttype, f.file_hash AS filehash, f.extracted_at AS extractedat, f.raw_segment AS segment,
               coalesce(f.rows_ingested, 0)::bigint AS rowcount,
               f.status = 'completed' AND f.superseded_at IS NULL AS isactive,
               f.raw_deleted_at IS NOT NULL AS rawdeleted, f.pipeline
        FROM touched t
        JOIN etl.load_run_files f ON f.s3_bucket = t.s3_bucket AND f.s3_key = t.s3_key
        WHERE f.origin = 'source'
        ORDER BY f.s3_bucket, f.s3_key, (f.status = 'completed' AND f.superseded_at IS NULL) DESC, f.load_run_file_id DESC
        """;

    public const string InsertReceipt = """
        INSERT INTO etl.reprocess_receipts (
            load_run_id, kind, undoes_receipt_id, extract_type, old_load_run_file_ids, new_load_run_file_id, skip_raw, hard_delete,
            source_changed, rows_read, rows_ingested, rows_rejected, staging_table, keys_inserted, keys_changed, keys_withdrawn,
            keys_restored, keys_unchanged, keys_rejected, reason)
        VALUES (
            @run, @kind, @undoes, @extractType, @old, @new, @skipRaw, @hardDelete,
            @sourceChanged, @rowsRead, @rowsIngested, @rowsRejected, @table, @inserted, @changed, @withdrawn,
            @restored, @unchanged, @rejected, @reason)
        RETURNING receipt_id AS receiptid, requested_by AS requestedby, created_at AS at
        """;

    public const string CompleteLoad = """
        UPDATE etl.reprocess_receipts
        SET staging_table = @Table, keys_inserted = @Inserted, keys_changed = @Changed, keys_withdrawn = @Withdrawn,
            keys_restored = @Restored, keys_unchanged = @Unchanged, keys_rejected = @Rejected
        WHERE new_load_run_file_id = @file AND kind = 'load'
        """;

    public const string Receipts = """
        SELECT r.receipt_id AS receiptid, r.load_run_id AS loadrunid, r.kind, r.extract_type AS extracttype,
               coalesce(n.s3_key, o.s3_key, '') AS "key",
               r.old_load_run_file_ids AS oldfiles, r.new_load_run_file_id AS newfile, r.skip_raw AS skipraw,
               r.hard_delete AS harddelete, r.source_changed AS sourcechanged,
               r.rows_read AS rowsread, r.rows_ingested AS rowsingested, r.rows_rejected AS rowsrejected, r.staging_table AS stagingtable,
               r.keys_inserted AS inserted, r.keys_changed AS changed, r.keys_withdrawn AS withdrawn, r.keys_restored AS restored,
               r.keys_unchanged AS unchanged, r.keys_rejected AS rejected,
               r.requested_by AS requestedby, r.reason, r.created_at AS at, u.receipt_id AS undoneby
        FROM etl.reprocess_receipts r
        LEFT JOIN etl.load_run_files n ON n.load_run_file_id = r.new_load_run_file_id
        LEFT JOIN etl.load_run_files o ON o.load_run_file_id = r.old_load_run_file_ids[1]
        LEFT JOIN etl.reprocess_receipts u ON u.undoes_receipt_id = r.receipt_id
        WHERE r.receipt_id = ANY(@receipts) OR r.load_run_id = ANY(@runs)
           OR (r.new_load_run_file_id = ANY(@files) AND r.kind <> 'undo' AND NOT r.skip_raw)
        ORDER BY r.created_at, r.new_load_run_file_id
        """;

    /// <summary>Takes the ledger entries that an undo turns, in one order, so that two undos cannot cross.</summary>
    public const string LockFiles = """
        SELECT f.load_run_file_id AS loadrunfileid, f.s3_bucket AS container, f.s3_key AS "key", f.status, f.origin,
               f.superseded_at IS NOT NULL AS issuperseded, f.superseded_by_load_run_file_id AS supersededby,
               f.superseded_by_load_run_id AS supersededbyrun, f.staged_at IS NOT NULL AS isstaged, f.raw_deleted_at IS NOT NULL AS rawdeleted,
               f.raw_segment AS segment, f.extracted_at AS extractedat, coalesce(f.rows_ingested, 0)::bigint AS rowcount
        FROM etl.load_run_files f
        WHERE f.load_run_file_id = ANY(@files)
        ORDER BY f.load_run_file_id
        FOR UPDATE
        """;

    /// <summary>Files of the same name that count now, other than the one that an undo withdraws.</summary>
    public const string OtherActive = """
        SELECT load_run_file_id
        FROM etl.load_run_files
        WHERE s3_bucket = @container AND s3_key = @key AND origin = 'source' AND status = 'completed'
          AND superseded_at IS NULL AND load_run_file_id <> @file
        ORDER BY load_run_file_id
        """;

    /// <summary>Corrections of an attempt that count now; they are withdrawn with it.</summary>
    public const string LockRepairs = """
        SELECT load_run_file_id
        FROM etl.load_run_files
        WHERE s3_bucket = @Container AND s3_key = @Key AND repairs_load_run_file_id = @LoadRunFileId
          AND status = 'completed' AND superseded_at IS NULL
        ORDER BY load_run_file_id
        FOR UPDATE
        """;

    /// <summary>The attempts that they correct, one for each.</summary>
    public const string ActiveRepairs = """
        SELECT repairs_load_run_file_id
        FROM etl.load_run_files
        WHERE repairs_load_run_file_id = ANY(@files) AND status = 'completed' AND superseded_at IS NULL
        """;

    public const string HasReceipt = "SELECT EXISTS (SELECT FROM etl.reprocess_receipts WHERE receipt_id = @receipt)";

    public const string ReopenRepaired =
        "UPDATE etl.rejected_rows SET repaired_by_load_run_file_id = NULL WHERE repaired_by_load_run_file_id = @file";
}
