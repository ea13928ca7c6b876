using System.CommandLine;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class LoadCommand
{
    private const int BatchSize = 100;

    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(30);

    public static Command Create()
    {
        var skipStaging = new Option<bool>("--skip-staging") { Description = "raw only; a later run brings staging up to date" };
        var concurrency = new Option<int>("--concurrency")
        {
            Description = "files at once, each on a connection of its own",
            DefaultValueFactory = _ => new LoadOptions().MaxConcurrency,
        };
        var first = SharedOptions.First("at most so many files");
        var extractTypes = SharedOptions.ExtractTypes();
        var maxErrorRate = SharedOptions.MaxErrorRate("share of a file's rows that may be bad before the whole file fails");
        var triggeredBy = new Option<string>("--triggered-by") { Description = "manual, scheduled or backfill", DefaultValueFactory = _ => "manual" };
        triggeredBy.AcceptOnlyFromAmong("manual", "scheduled", "backfill");
        var reason = new Option<string?>("--reason") { Description = "why; kept with the run" };
        var command = new Command("load", "Loads what is there: failed files first, then new ones, parents before children.")
        {
            skipStaging, concurrency, first, extractTypes, maxErrorRate, triggeredBy, reason,
        };
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.ReadPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var filter = new FileFilter { ExtractTypes = parsed.GetValue(extractTypes)!, First = parsed.GetValue(first) };
            var options = new LoadOptions
            {
                SkipStaging = parsed.GetValue(skipStaging),
                MaxErrorRate = parsed.GetValue(maxErrorRate),
                MaxConcurrency = parsed.GetValue(concurrency),
                TriggeredBy = parsed.GetValue(triggeredBy)!,
                Reason = parsed.GetValue(reason),
            };
            return await RunAsync(database, pipeline, filter, options, token).ConfigureAwait(false);
        });
        return command;
    }

    /// <summary>What there is to load, in order; a file whose name says nothing is a line and no more.</summary>
    public static Task<IReadOnlyList<LoadPlanItem>> FindAsync(
        EtlDatabase database, PipelineConfig pipeline, FileFilter filter, CancellationToken cancellationToken) =>
        new FileDiscovery(database, pipeline).GetPlanAsync(
            filter, MaxAge, pipeline.Priority, BatchSize, OnUnrecognised, cancellationToken);

    private static async Task<int> RunAsync(
        EtlDatabase database, PipelineConfig pipeline, FileFilter filter, LoadOptions options, CancellationToken cancellationToken)
    {
        var plan = await FindAsync(database, pipeline, filter, cancellationToken).ConfigureAwait(false);
        var engine = new LoadEngine(database, pipeline);
        if (plan.Count == 0
            && (options.SkipStaging || !await engine.HasUnstagedFilesAsync(cancellationToken).ConfigureAwait(false)))
        {
            Line.Write(("run", "none"), ("status", LoadRunStatus.Completed), ("files", 0), ("failed", 0), ("rows", 0), ("rejected", 0));
            return ExitCode.Ok;
        }

        var run = await engine.LoadAsync(plan, options, new FinishedFiles(), cancellationToken).ConfigureAwait(false);
        RunLines.Write(run);
        return run.Status switch
        {
            LoadRunStatus.Completed => ExitCode.Ok,
            LoadRunStatus.Cancelled => ExitCode.Cancelled,
            _ => ExitCode.NotGood,
        };
    }

    private static void OnUnrecognised(UnrecognisedFile file) =>
        Line.Write(("unrecognised", file.Object.Key), ("error", file.ErrorId));

    /// <summary>A line for every file, as it ends.</summary>
    private sealed class FinishedFiles : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            if (value.FinishedFile is not { } file)
            {
                return;
            }

            Line.Write(
                ("file", file.LoadRunFileId),
                ("status", file.Status),
                ("type", file.ExtractType),
                ("name", file.FileName),
                ("attempt", file.Attempt),
                ("read", file.RowsRead),
                ("ingested", file.RowsIngested),
                ("rejected", file.RowsRejected),
                ("error", file.ErrorCode));
            if (file.Status == LoadFileStatus.Failed)
            {
                Failures.Write(
                    file.ErrorCode ?? "LoadFileFailed",
                    $"{file.Key}: {file.Error}",
                    $"{value.NextStep ?? "Put the cause right."} Nothing of the file was kept; load again: failed files come first.");
            }
        }
    }
}
