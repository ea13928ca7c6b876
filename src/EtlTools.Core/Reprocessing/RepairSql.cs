using EtlTools.Core.Runs;

namespace EtlTools.Core.Reprocessing;

internal static class RepairSql
{
    /// <summary>The logical files of the rows, in one order for everybody who locks them.</summary>
    public const string LogicalFiles = """
        SELECT DISTINCT f.s3_bucket AS container, f.s3_key AS "key"
        FROM etl.rejected_rows r
        JOIN etl.load_run_files f USING (load_run_file_id)
        WHERE r.rejected_row_id = ANY(@ids)
        ORDER BY 1, 2
        """;

    public const string LockRows = $"""
        SELECT r.rejected_row_id AS rejectedrowid, f.load_run_id AS loadrunid, r.load_run_file_id AS loadrunfileid,
               r.extract_type AS extracttype, f.s3_key AS "key", f.extracted_at AS extractedat, r.row_number AS rownumber,
               r.fields::text AS fields,
               r.repaired_by_load_run_file_id IS NOT NULL OR f.superseded_at IS NOT NULL OR f.status <> 'completed' AS isclosed,
               f.status = 'failed' AND NOT {LedgerSql.IsSettled} AS isoffailedfile
        FROM etl.rejected_rows r
        JOIN etl.load_run_files f USING (load_run_file_id)
        WHERE r.rejected_row_id = ANY(@ids)
        ORDER BY r.rejected_row_id
        FOR UPDATE OF r, f
        """;

    /// <summary>A file of its own for the corrected rows; its content's identity is made up, for it comes from no source.</summary>
    public const string InsertFile = """
        INSERT INTO etl.load_run_files (
            load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extracted_at, date_from, date_to,
            extract_type, per_org_id, practice_id, origin, repairs_load_run_file_id, status, started_at)
        SELECT @run, coalesce(f.pipeline, ''), f.s3_bucket, f.s3_key, 'repair', encode(sha256(gen_random_uuid()::text::bytea), 'hex'),
               f.date_extracted, f.extracted_at, f.date_from, f.date_to,
               f.extract_type, f.per_org_id, f.practice_id, 'repair', f.load_run_file_id, 'processing', now()
        FROM etl.load_run_files f
        WHERE f.load_run_file_id = @original
        RETURNING load_run_file_id
        """;

    public const string Finish = """
        UPDATE etl.load_run_files
        SET status = 'completed', rows_read = @count, rows_ingested = @count, raw_segment = @segment,
            staged_at = clock_timestamp(), finished_at = clock_timestamp()
        WHERE load_run_file_id = @file;
        UPDATE etl.rejected_rows SET repaired_by_load_run_file_id = @file WHERE rejected_row_id = ANY(@ids)
        """;

    public const string Reasons = """
        SELECT row_number AS row, reasons FROM etl.rejected_rows WHERE load_run_file_id = @file ORDER BY row_number
        """;
}
