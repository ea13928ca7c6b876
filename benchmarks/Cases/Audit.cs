using EtlTools.Benchmarks.Data;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// The audit of 1,000 payloads of 10,000 metrics, the whole process, against what a careful author would write for these types
/// by hand; and its memory while it reads payloads of 100 MB.
/// </summary>
internal sealed class Audit : IBenchmark
{
    private const int Payloads = 1000;
    private const int Metrics = 10_000;
    private const int LargeMetrics = 480_000;

    public string Name => "audit_vs_sql";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace) =>
        [await SpeedAsync(workspace), await MemoryAsync(workspace)];

    private static async Task<Result> SpeedAsync(Workspace workspace)
    {
        var payloads = workspace.Options.Quick ? 50 : Payloads;
        await using var database = await Ingestions.CreateAsync(workspace.Server, payloads, Metrics);
        await database.ExecuteAsync(Ingestions.Store("n % 2 = 0"));
        await database.ExecuteAsync("VACUUM ANALYZE");
        var seconds = await Comparison.RunAsync(
            workspace.Runs,
            () => database.TimeAsync(() => LoaderProcess.RunAsync(["audit"], database, NotGood)),
            async () =>
            {
                await database.ExecuteAsync("DROP TABLE IF EXISTS losses");
                return await database.TimePsqlAsync(Ingestions.ReconcileByHand());
            });

        // Both found the same.
        await database.RequireAsync(payloads * (long)Metrics / 2, "SELECT sum(missing)::bigint FROM losses");
        await database.RequireAsync(payloads, "SELECT count(*) FROM losses l JOIN etl.ingestion_audits a ON a.raw_ingestion_id = l.id AND a.expected = l.expected AND a.missing = l.missing");
        return Result.Speed("audit_vs_sql", "1,000 payloads of 10,000 metrics reconciled, against hand-written SQL", 0.8, seconds);
    }

    private static async Task<Result> MemoryAsync(Workspace workspace)
    {
        var metrics = workspace.Rows(LargeMetrics);
        await using var database = await Ingestions.CreateAsync(workspace.Server, 4, metrics);
        var bytes = await database.CountAsync("SELECT max(octet_length(raw_payload::text)) FROM raw_ingestions");
        var audit = await LoaderProcess.RunAsync(["audit"], database, NotGood);
        var recovery = await LoaderProcess.RunAsync(["recover", "--status", "Processed", "--report", Path.GetTempPath()], database, 0);
        return Result.Limit(
            "audit_peak_memory_mb",
            "resident memory at its highest of an audit of payloads of 100 MB",
            300,
            audit,
            [("payload_mb", Result.Format("", Math.Round(bytes / 1e6))), ("recovery_peak_mb", Result.Format("", Math.Round(recovery, 1)))]);
    }

    /// <summary>The exit code of an audit that found something.</summary>
    private const int NotGood = 1;
}
