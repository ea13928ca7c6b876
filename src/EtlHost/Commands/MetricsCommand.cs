using System.CommandLine;
using EtlTools.Core.Reprocessing;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class MetricsCommand
{
    public static Command Create()
    {
        var days = new Option<int>("--days") { Description = "over so many days", DefaultValueFactory = _ => 30 };
        var command = new Command("metrics", "How reprocessing went.") { days };
        command.SetAction(async (parsed, token) =>
        {
            await using var database = SharedOptions.OpenDatabase(parsed);
            var since = DateTimeOffset.UtcNow.AddDays(-parsed.GetValue(days));
            var metric = await new ReprocessMetrics(database).GetAsync(since, token).ConfigureAwait(false);
            Line.Write(
                ("reprocessing_runs", metric.TotalReprocessingRuns),
                ("success_rate", metric.SuccessRate),
                ("average_seconds", metric.AverageReprocessingTime),
                ("rows", metric.DataVolumeProcessed),
                ("undone", metric.RollbackIncidents),
                ("recovery_rate", metric.FailedFileRecoveryRate),
                ("mean_seconds_to_recovery", metric.MeanTimeToRecovery),
                ("failed_first_accuracy", metric.FailedFirstAccuracy),
                ("open_failed_files", metric.OpenFailedFiles),
                ("superseded_row_share", metric.SupersededRowShare),
                ("staging_dead_row_share", metric.StagingDeadRowShare));
            return ExitCode.Ok;
        });
        return command;
    }
}
