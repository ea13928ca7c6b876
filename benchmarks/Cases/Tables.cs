using EtlTools.Benchmarks.Data;
using EtlTools.Core.Tables.Comparison;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.TestEnvironment.MariaDb;

namespace EtlTools.Benchmarks.Cases;

/// <summary>The largest tables of a practice: a full load against its rivals, then what a sync and a comparison cost beside it.</summary>
internal sealed class Tables : IBenchmark
{
    private const int RowCount = 1_000_000;
    private const int AtOnce = 3;
    private const string FullMeaning = "five tables of 1,000,000 rows from MariaDB into new copies with their keys";

    public string Name => "table_full_vs_pgloader";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        if (MariaDbBinaries.Find() is null)
        {
            return [Result.Skipped(Name, FullMeaning, Result.Format(">= ", 2), MariaDbBinaries.SkipReason)];
        }

        var rows = workspace.Rows(RowCount);
        await using var source = await PracticeSource.CreateAsync();
        await source.ExecuteAsync(Practice.Create(rows));
        await using var database = await workspace.Server.CreateDatabaseAsync();
        await using var etl = database.OpenEtl();
        await new Core.Database.SchemaManager(etl).ApplyAsync(null, progress: null, CancellationToken.None);
        var config = new TableSyncConfig { Tables = [.. Practice.Tables.Select(table => Configure(table, rows))] };
        var settings = new TableSyncSettings { Overlap = TimeSpan.Zero };
        var engine = new TableSyncEngine(etl, source.Connection, config, settings);

        await FullAsync();
        await database.ExecuteAsync($"CREATE SCHEMA rival; {string.Concat(Practice.Tables.Select(table => $"CREATE TABLE rival.{table} (LIKE raw.{table});"))}");
        var pipe = await Comparison.RunAsync(workspace.Runs, FullAsync, PipeAsync);
        await database.RequireAsync(rows, "SELECT count(*) FROM rival.procedurelog");
        var (full, compared, incremental) = await ByTurnsAsync();
        return
        [
            await PgLoaderAsync(),
            Result.Speed("table_full_vs_pipe", FullMeaning + ", against mariadb | psql \\copy into tables without a key, three at once", 0.9, pipe),
            Result.Limit("table_incremental_cost", "1 % changed rows over the full load", 0.05, incremental.Median / full.Median, [.. Result.Describe("incremental", incremental), .. Result.Describe("full", full)]),
            Result.Limit("compare_vs_full", "comparing the five tables over the full load", 0.7, compared.Median / full.Median, [.. Result.Describe("compare", compared), .. Result.Describe("full", full)]),
        ];

        async Task<double> FullAsync()
        {
            await database.ExecuteAsync($"{string.Concat(Practice.Tables.Select(table => $"DROP TABLE IF EXISTS raw.{table};"))} TRUNCATE etl.table_states");
            return await database.TimeAsync(() => SyncAsync(new TableSyncOptions()));
        }

        async Task SyncAsync(TableSyncOptions options)
        {
            var done = await engine.SyncAsync(options, progress: null, CancellationToken.None);
            if (done.FirstOrDefault(sync => sync.Status != TableSyncStatus.Completed) is { } failed)
            {
                throw new InvalidOperationException($"The sync of {failed.Name} failed: {failed.Error}");
            }
        }

        async Task<double> PipeAsync()
        {
            await database.ExecuteAsync(string.Concat(Practice.Tables.Select(table => $"TRUNCATE rival.{table};")));
            var copy = $"set -e -o pipefail; {source.ClientCommand} -e \"SELECT * FROM $1\" {source.Name} | {database.Psql} -X -q -v ON_ERROR_STOP=1 -c \"\\\\copy rival.$1 from stdin with (null 'NULL')\"";
            return await database.TimeAsync(() => Rivals.RunAsync(
                "bash", ["-c", $"printf '%s\\n' {string.Join(' ', Practice.Tables)} | xargs -P {AtOnce} -n 1 bash -c '{copy.Replace("'", "'\\''", StringComparison.Ordinal)}' -"], database.Variables));
        }

        // One after the other, for the machine is not as fast in one minute as in the next.
        async Task<(Sample Full, Sample Compared, Sample Incremental)> ByTurnsAsync()
        {
            List<double> full = [], compared = [], incremental = [];
            for (var run = 1; run <= workspace.Runs; run++)
            {
                full.Add(await FullAsync());
                await database.ExecuteAsync("VACUUM ANALYZE");
                compared.Add(await database.TimeAsync(CompareAsync));
                await source.ExecuteAsync(Practice.Change(rows, run));
                incremental.Add(await database.TimeAsync(() => SyncAsync(new TableSyncOptions())));
            }

            await CompareAsync();
            return (new Sample(full), new Sample(compared), new Sample(incremental));
        }

        async Task CompareAsync()
        {
            var done = await new TableComparisonEngine(etl, config, settings)
                .CompareAsync(source.Connection, new TableComparisonOptions(), progress: null, CancellationToken.None);
            if (done.FirstOrDefault(comparison => !comparison.IsEqual) is { } different)
            {
                throw new InvalidOperationException($"{different.Name} is not equal: {different.Error} {different.Different} {different.Missing} {different.Extra}");
            }
        }

        async Task<Result> PgLoaderAsync()
        {
            const double Target = 2;
            if (Workspace.MissingProgram("pgloader") is { } missing)
            {
                return Result.Skipped(Name, FullMeaning + ", against pgloader", Result.Format(">= ", Target), $"{missing} is not installed");
            }

            var script = workspace.NewPath("tables.load");
            await File.WriteAllTextAsync(script, $"""
                LOAD DATABASE FROM mysql://{MariaDbServer.AdminUser}@127.0.0.1:{source.Port}/{source.Name} INTO {database.Uri}
                WITH include drop, create tables, create indexes, reset no sequences, quote identifiers;
                """);
            var seconds = await Comparison.RunAsync(1, FullAsync, () => database.TimeAsync(() => Rivals.RunAsync("pgloader", ["--quiet", script], database.Variables)));
            return Result.Speed(Name, FullMeaning + ", against pgloader, once", Target, seconds);
        }
    }

    private static TableConfig Configure(string table, int rows) => new()
    {
        Name = table,
        Importance = TableImportance.Critical,
        Strategy = SyncStrategy.Incremental,
        EstimatedRows = rows,
        IncrementalColumns = table switch
        {
            "paysplit" => ["SecDateTEdit"],
            "securitylog" => ["SecurityLogNum"],
            "sheetfield" => ["SheetFieldNum"],
            _ => ["DateTStamp"],
        },
    };
}
