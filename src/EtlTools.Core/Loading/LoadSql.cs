namespace EtlTools.Core.Loading;

internal static class LoadSql
{
    /// <summary>The last block there is now: rows copied from here on lie in it or after it.</summary>
    public const string FirstBlock = """
        SELECT greatest(pg_relation_size(@segment::regclass) / current_setting('block_size')::bigint - 1, 0)
        """;

    public const string ForgetFiles = """
        DELETE FROM etl.rejected_rows WHERE load_run_file_id = ANY(@files);
        UPDATE etl.load_run_files SET raw_deleted_at = now(), updated_at = now() WHERE load_run_file_id = ANY(@files)
        """;
}
