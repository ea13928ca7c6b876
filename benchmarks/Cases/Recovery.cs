using EtlTools.Benchmarks.Data;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// The incident at its size: 35 payloads, 2.67 million metrics, 52.9 % of them in no table. Recovered metrics a second against
/// psql's \copy of the same rows into the same tables with their keys.
/// </summary>
internal sealed class Recovery : IBenchmark
{
    private const int Payloads = 35;
    private const int Metrics = 76_374;

    public string Name => "recovery_rows_per_s_vs_copy";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        var metrics = workspace.Rows(Metrics);

        // In every thousand 471 were stored.
        const string stored = "n % 1000 < 471";
        await using var database = await Ingestions.CreateAsync(workspace.Server, Payloads, metrics);
        await database.ExecuteAsync("CREATE SCHEMA stored; CREATE SCHEMA lost;"
            + string.Concat(Ingestions.TableNames.SelectMany(table => new[] { "stored", "lost" }.Select(schema =>
                $"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING DEFAULTS);"))));
        await database.ExecuteAsync(Ingestions.Store(stored, "stored.") + Ingestions.Store($"NOT ({stored})", "lost."));
        var lost = await CountAsync(database, "lost");
        var files = new Dictionary<string, string>();
        foreach (var table in Ingestions.TableNames)
        {
            files[table] = workspace.NewPath(table + ".csv");
            await Rivals.RunAsync(database.Psql, ["-X", "-q", "-c", $"\\copy lost.{table} to '{files[table]}' with (format csv)"], database.Variables);
        }

        await using var etl = database.OpenEtl();
        var engine = new RecoveryEngine(etl, MetricMapReader.ReadBuiltIn());
        var seconds = await Comparison.RunAsync(
            workspace.Runs,
            async () =>
            {
                await ResetAsync(database);
                return await database.TimeAsync(async () =>
                {
                    var report = await engine.ExecuteAsync(new RecoveryOptions { Status = ["processed"] }, progress: null, CancellationToken.None);
                    if (report.TotalMetricsRecovered != lost || report.TotalMetricsFailed != 0)
                    {
                        throw new InvalidOperationException($"{report.TotalMetricsRecovered} of {lost} were recovered, {report.TotalMetricsFailed} failed.");
                    }
                });
            },
            async () =>
            {
                await ResetAsync(database);
                return await database.TimeAsync(async () =>
                {
                    foreach (var (table, file) in files)
                    {
                        await Rivals.RunAsync(database.Psql, ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", $"\\copy {table} from '{file}' with (format csv)"], database.Variables);
                    }
                });
            });
        await database.RequireAsync(Payloads * (long)metrics, string.Join(" + ", Ingestions.TableNames.Select(table => $"(SELECT count(*) FROM {table})")).Insert(0, "SELECT "));
        return [Result.Speed(Name, "35 payloads of 2.67 million metrics, 52.9 % lost, recovered and verified, against \\copy of the lost rows", 0.5, seconds)];
    }

    /// <summary>As the service left it.</summary>
    private static Task ResetAsync(BenchmarkDatabase database) => database.ExecuteAsync(
        $"TRUNCATE {string.Join(", ", Ingestions.TableNames)}, etl.data_recoveries, etl.ingestion_audits;"
        + string.Concat(Ingestions.TableNames.Select(table => $"INSERT INTO {table} SELECT * FROM stored.{table};"))
        + "UPDATE raw_ingestions SET processing_status = 'processed';"
        + string.Concat(Ingestions.TableNames.Select(table => $"ANALYZE {table};")));

    private static Task<long> CountAsync(BenchmarkDatabase database, string schema) => database.CountAsync(
        "SELECT " + string.Join(" + ", Ingestions.TableNames.Select(table => $"(SELECT count(*) FROM {schema}.{table})")));
}
