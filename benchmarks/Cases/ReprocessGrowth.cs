using System.Globalization;
using EtlTools.Benchmarks.Data;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// Reprocessing a file costs what the file is worth, however long the history: the same file, of which some keys vanish
/// and fall back to earlier versions, in a large and in a small history.
/// </summary>
internal sealed class ReprocessGrowth : IBenchmark
{
    private const int FileRows = 10_000;
    private const int Vanishing = 100;
    private const string SupersedeName = "supersede_rows_updated";

    public string Name => "reprocess_growth";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        await using var small = await History.BuildAsync(workspace, rows: 100_000, files: 10);
        await using var large = await History.BuildAsync(workspace, rows: workspace.Options.Quick ? 400_000 : 10_000_000, files: 20);
        var seconds = await Comparison.RunAsync(workspace.Runs, large.ReprocessAsync, small.ReprocessAsync);
        var updated = await large.CountUpdatedRowsAsync();
        return
        [
            Result.Limit(
                Name,
                "seconds to reprocess a file of 10,000 rows in a history of 10,000,000 rows over those in one of 100,000",
                1.5,
                seconds.Ours.Median / seconds.Rival.Median,
                [
                    .. Result.Describe("large_history", seconds.Ours),
                    .. Result.Describe("small_history", seconds.Rival),
                ]),
            Result.Limit(SupersedeName, "raw rows that a soft reprocess updates or deletes", 0, updated, []),
        ];
    }

    /// <summary>A database with files of several versions of its keys, and one small file on top that is reprocessed.</summary>
    private sealed class History(SourceFolder source, BenchmarkDatabase database, EtlDatabase etl, int[] keys) : IAsyncDisposable
    {
        private int _fileId;
        private string _path = "";
        private int _version = 1000;

        public static async Task<History> BuildAsync(Workspace workspace, int rows, int files)
        {
            var source = workspace.CreateEvents(Dialects.Csv);
            var database = await workspace.Server.CreateDatabaseAsync(source.Pipeline);

            // Two and a half versions of each key, in files that each hold a random part of the keys.
            var keys = Events.ShuffledKeys(rows * 2 / 5);
            var history = new History(source, database, database.OpenEtl(), keys);
            var ring = new int[rows / files];
            for (var file = 0; file < files; file++)
            {
                for (var row = 0; row < ring.Length; row++)
                {
                    ring[row] = keys[(((long)file * ring.Length) + row) % keys.Length];
                }

                var path = source.NextPath();
                Events.Write(path, Dialects.Csv, ring, version: file);
                await history.LoadAsync();
                File.Delete(path);
            }

            history._path = source.NextPath();
            new Random(100).Shuffle(keys);
            history.WriteFile(FileRows);
            await history.LoadAsync();
            await database.ExecuteAsync("VACUUM ANALYZE");
            await history.FindFileAsync();
            return history;
        }

        /// <summary>Seconds of a reprocess in which keys vanish; before it, untimed, one that brings them back.</summary>
        public async Task<double> ReprocessAsync()
        {
            WriteFile(FileRows);
            await ReprocessFileAsync(restored: 0);
            WriteFile(FileRows - Vanishing);
            return await database.TimeAsync(() => ReprocessFileAsync(restored: Vanishing));
        }

        /// <summary>By the server's own statistics, over all that was done here.</summary>
        public async Task<long> CountUpdatedRowsAsync()
        {
            // Statistics arrive a little later; that the inserted rows are in shows that all are.
            const string RawTables = "FROM pg_stat_user_tables WHERE schemaname LIKE 'raw%'";
            var expected = await database.CountAsync($"SELECT count(*) FROM raw.{Events.Table}");
            for (var attempt = 0; await database.CountAsync($"SELECT coalesce(sum(n_tup_ins), 0) {RawTables}") < expected; attempt++)
            {
                if (attempt == 100)
                {
                    throw new InvalidOperationException("The server's statistics do not arrive.");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }

            return await database.CountAsync($"SELECT sum(n_tup_upd + n_tup_del) {RawTables}");
        }

        public async ValueTask DisposeAsync()
        {
            await etl.DisposeAsync();
            await database.DisposeAsync();
        }

        private void WriteFile(int rows) =>
            Events.Write(_path, Dialects.Csv, keys.AsSpan(0, rows), version: ++_version);

        private async Task LoadAsync()
        {
            var plan = await new FileDiscovery(etl, source.Pipeline).GetPlanAsync(
                new FileFilter(), TimeSpan.FromDays(30), [], 100, onUnrecognised: null, CancellationToken.None);
            var run = await new LoadEngine(etl, source.Pipeline).LoadAsync(plan, new LoadOptions(), progress: null, CancellationToken.None);
            if (run.Status != LoadRunStatus.Completed)
            {
                throw new InvalidOperationException("The history could not be loaded: " + run.Error);
            }
        }

        private async Task ReprocessFileAsync(int restored)
        {
            var receipts = await new ReprocessEngine(etl, source.Pipeline).ExecuteAsync(
                new ReprocessTarget { LoadRunFileIds = [_fileId] },
                new ReprocessOptions { Reason = "benchmark" },
                progress: null,
                CancellationToken.None);
            var receipt = receipts.Single();
            if (receipt.Status != "Completed" || receipt.Staging!.Restored != restored || receipt.Staging.Withdrawn != 0)
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Expected {restored} restored rows, found {receipt.Staging?.Restored} and {receipt.Staging?.Withdrawn} withdrawn. {receipt.Error}"));
            }

            _fileId = receipt.NewLoadRunFileId!.Value;
        }

        private async Task FindFileAsync() =>
            _fileId = (int)await database.CountAsync("SELECT max(load_run_file_id) FROM etl.load_run_files");
    }
}
