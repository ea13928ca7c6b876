using System.CommandLine;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Report;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class RecoverCommand
{
    public static Command Create()
    {
        var options = new RecoveryOptionSet();
        var batchSize = new Option<int?>("--batch-size") { Description = "ingestions that are listed at a time" };
        var concurrency = new Option<int?>("--concurrency") { Description = "ingestions at once" };
        var noVerify = new Option<bool>("--no-verify") { Description = "do not reconcile and hash again after writing" };
        var legacy = new Option<bool>("--legacy") { Description = "only status error with a recorded parameter-limit error" };
        var reason = new Option<string?>("--reason") { Description = "why; kept with every recovery" };
        var report = new Option<string>("--report") { Description = "folder or .json file of the report", DefaultValueFactory = _ => "." };
        var whatIf = new Option<bool>("--what-if") { Description = "do it in a transaction that is rolled back, and show what would change" };
        var command = new Command("recover", "Brings metrics that are in stored payloads and not in their tables into the tables.")
        {
            batchSize, concurrency, noVerify, legacy, reason, report, whatIf,
        };
        options.AddTo(command);
        command.SetAction(async (parsed, token) =>
        {
            await using var database = SharedOptions.OpenDatabase(parsed);
            Func<string, string?> environment = Environment.GetEnvironmentVariable;
            var recovery = new RecoveryOptions
            {
                RawIngestionIds = options.Ingestions(parsed),
                UserIds = options.Users(parsed),
                Status = options.Status(parsed),
                BatchSize = parsed.GetValue(batchSize) ?? BatchEnvironment.BatchSize(environment) ?? RecoveryOptions.DefaultBatchSize,
                MaxConcurrency = parsed.GetValue(concurrency) ?? BatchEnvironment.MaxConcurrency(environment) ?? RecoveryOptions.DefaultMaxConcurrency,
                Verifies = !parsed.GetValue(noVerify) && (BatchEnvironment.Verifies(environment) ?? true),
                IsLegacy = parsed.GetValue(legacy),
                Reason = parsed.GetValue(reason),
                Schema = options.Schema(parsed),
            };
            var engine = new RecoveryEngine(database, options.Map(parsed));
            if (parsed.GetValue(whatIf))
            {
                return Write(await engine.PreviewAsync(recovery, progress: null, token).ConfigureAwait(false));
            }

            var file = RecoveryReportFile.Locate(parsed.GetValue(report)!, DateTimeOffset.UtcNow);
            var done = await engine.ExecuteAsync(recovery, progress: null, token).ConfigureAwait(false);
            return Write(await RecoveryReportFile.WriteAsync(done, file, CancellationToken.None).ConfigureAwait(false));
        });
        return command;
    }

    private static int Write(DataRecoveryReport report)
    {
        foreach (var record in report.Record)
        {
            Line.Write(
                ("ingestion", record.RawIngestionId),
                ("outcome", record.Outcome),
                ("status", record.Status),
                ("expected", record.Expected),
                ("recovered", record.Recovered),
                ("completed", record.Completed),
                ("failed", record.Failed),
                ("error", record.ErrorCode));
        }

        foreach (var table in report.Table)
        {
            Line.Write(
                ("table", table.Table),
                ("recovered", table.Recovered),
                ("completed", table.Completed),
                ("refused", table.Refused),
                ("present", table.PresentBefore));
        }

        Line.Write(
            ("ingestions", report.TotalRecords),
            ("failed", report.FailedRecords),
            ("skipped", report.SkippedRecords),
            ("recovered", report.TotalMetricsRecovered),
            ("missing", report.TotalMetricsMissing),
            ("report", report.Path));
        return report.FailedRecords == 0 && report.TotalMetricsFailed == 0 ? ExitCode.Ok : ExitCode.NotGood;
    }
}
