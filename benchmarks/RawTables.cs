namespace EtlTools.Benchmarks;

/// <summary>States of our raw tables between timed parts.</summary>
internal static class RawTables
{
    /// <summary>Nothing was ever loaded.</summary>
    public static Task EmptyAsync(BenchmarkDatabase database) => database.ExecuteAsync(
        DropSegments("true") + "TRUNCATE etl.load_runs, etl.load_run_files, etl.staging_runs, etl.rejected_rows, etl.reprocess_receipts CASCADE");

    /// <summary>
    /// Only the last load is there. Where it filled its segment, the next run has to build that segment's indexes: so each
    /// timed run pays for the indexes of as many rows as it loads.
    /// </summary>
    public static Task KeepLastLoadAsync(BenchmarkDatabase database) => database.ExecuteAsync(
        DropSegments("segment_no < (SELECT max(segment_no) FROM etl.raw_segments)"));

    private static string DropSegments(string which) => $"""
        DO $$
        DECLARE gone record;
        BEGIN
            FOR gone IN SELECT segment FROM etl.raw_segments WHERE {which} LOOP
                EXECUTE 'DROP TABLE ' || gone.segment;
                DELETE FROM etl.raw_segments WHERE segment = gone.segment;
            END LOOP;
        END $$;

        """;
}
