using EtlTools.Benchmarks.Data;

namespace EtlTools.Benchmarks.Cases;

/// <summary>The loading process's highest resident memory, for a small and for a large file.</summary>
internal sealed class PeakMemory : IBenchmark
{
    private const int SmallRows = 1_600_000;
    private const int LargeRows = 16_000_000;

    public string Name => "peak_memory_mb";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        var (small, smallMegabytes) = await MeasureAsync(workspace, SmallRows);
        var (large, largeMegabytes) = await MeasureAsync(workspace, LargeRows);
        return
        [
            Result.Limit(
                Name,
                "resident memory of the loading process at its highest, for a CSV of 2 GB",
                200,
                large,
                [("file_mb", largeMegabytes), ("small_file_peak_mb", Result.Format("", Math.Round(small, 1))), ("small_file_mb", smallMegabytes)]),
        ];
    }

    private static async Task<(double Peak, string Megabytes)> MeasureAsync(Workspace workspace, int fullRows)
    {
        var source = workspace.CreateEvents(Dialects.Csv);
        var path = source.NextPath();
        Events.Write(path, Dialects.Csv, Events.ShuffledKeys(workspace.Rows(fullRows)), version: 1);
        var megabytes = Result.Format("", Math.Round(new FileInfo(path).Length / 1e6));
        await using var database = await workspace.Server.CreateDatabaseAsync(source.Pipeline);
        var peak = await LoaderProcess.LoadAsync(source.PipelineFile, database);
        File.Delete(path);
        return (peak, megabytes);
    }
}
