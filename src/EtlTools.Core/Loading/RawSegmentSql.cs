namespace EtlTools.Core.Loading;

internal static class RawSegmentSql
{
    public const string LockTable = "SELECT pg_advisory_xact_lock(hashtextextended('etl.raw_segments ' || @table, 0))";

    public const string Open = """
        SELECT segment FROM etl.raw_segments
        WHERE raw_table = @table AND closed_at IS NULL
        ORDER BY segment_no DESC LIMIT 1
        """;

    public const string Closed = """
        SELECT segment FROM etl.raw_segments
        WHERE raw_table = @table AND closed_at IS NOT NULL AND sealed_at IS NULL
        ORDER BY segment_no
        """;

    public const string All = "SELECT segment FROM etl.raw_segments WHERE raw_table = @table ORDER BY segment_no";

    public const string OfFiles =
        "SELECT DISTINCT raw_segment FROM etl.load_run_files WHERE load_run_file_id = ANY(@files) ORDER BY 1 NULLS FIRST";

    public const string NextNumber =
        "SELECT coalesce(max(segment_no), 0) + 1 FROM etl.raw_segments WHERE raw_table = @table";

    public const string Register =
        "INSERT INTO etl.raw_segments (raw_table, segment_no, segment) VALUES (@table, @number, @segment)";

    public const string CloseFull = """
        UPDATE etl.raw_segments
        SET closed_at = now()
        WHERE raw_table = @table AND closed_at IS NULL
          AND pg_relation_size(segment::regclass) > greatest(@limit, (
              SELECT sum(pg_relation_size(a.segment::regclass)) / 32 FROM etl.raw_segments a WHERE a.raw_table = @table))
        """;

    public const string CloseLarger = """
        UPDATE etl.raw_segments
        SET closed_at = now()
        WHERE raw_table = @table AND closed_at IS NULL AND pg_relation_size(segment::regclass) > @limit
        """;

    public const string IsSealed = "SELECT sealed_at IS NOT NULL FROM etl.raw_segments WHERE segment = @segment";

    public const string MarkSealed = "UPDATE etl.raw_segments SET sealed_at = now() WHERE segment = @segment";

    /// <summary>
    /// Keeps writers and other sealers out, and gives up where there is one. An autovacuum on the way ends itself within a
    /// second, which is waited for.
    /// </summary>
    public static string TakeForSealing(string segment) =>
        $"SET LOCAL lock_timeout = '3s'; LOCK TABLE {segment} IN SHARE ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = DEFAULT";
}
