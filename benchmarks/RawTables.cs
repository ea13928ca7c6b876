using EtlTools.Core.Configuration;
using EtlTools.Core.Loading;
using EtlTools.Core.Staging;

namespace EtlTools.Benchmarks;

/// <summary>States of our raw tables between timed parts, and their indexes.</summary>
internal static class RawTables
{
    /// <summary>Nothing was ever loaded.</summary>
    public static Task EmptyAsync(BenchmarkDatabase database) => database.ExecuteAsync("""
        DO $$
        DECLARE gone record;
        BEGIN
            FOR gone IN SELECT segment FROM etl.raw_segments LOOP
                EXECUTE 'DROP TABLE ' || gone.segment;
                DELETE FROM etl.raw_segments WHERE segment = gone.segment;
            END LOOP;
        END $$;
        TRUNCATE etl.load_runs, etl.load_run_files, etl.staging_runs, etl.rejected_rows, etl.reprocess_receipts CASCADE
        """);

    /// <summary>Builds the indexes of every row loaded so far. A run that stages does it beside, for segments that are full.</summary>
    public static async Task SealAsync(BenchmarkDatabase database, PipelineConfig pipeline, string extractType)
    {
        await using var etl = database.OpenEtl();
        var segments = new SegmentCare(etl, new ExtractTableReader(pipeline), new SegmentLimits { ScanBytes = 0 });
        await segments.PrepareLookBackAsync([extractType], CancellationToken.None);
    }
}
