using System.CommandLine;
using EtlTools.Core.Reprocessing;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class ReprocessCommand
{
    public static Command Create()
    {
        var files = new Option<int[]>("--file") { Description = "id of a file entry of the ledger; may be given several times", DefaultValueFactory = _ => [] };
        var runs = new Option<Guid[]>("--run") { Description = "id of a run, for all its files; may be given several times", DefaultValueFactory = _ => [] };
        var reason = SharedOptions.Reason();
        var extractTypes = SharedOptions.ExtractTypes();
        var skipRaw = new Option<bool>("--skip-raw") { Description = "only recompute staging from the raw rows that are there" };
        var hardDelete = new Option<bool>("--hard-delete") { Description = "delete the old raw rows; cannot be undone" };
        var maxErrorRate = SharedOptions.MaxErrorRate("share of rejected rows at which the rest is not started");
        var maxFailure = new Option<int?>("--max-failure") { Description = "failed files at which the rest is not started" };
        var whatIf = new Option<bool>("--what-if") { Description = "do it in transactions that are rolled back, and show what would change" };
        var command = new Command("reprocess", "Loads files again in place of what they left; one receipt a file.")
        {
            files, runs, reason, extractTypes, skipRaw, hardDelete, maxErrorRate, maxFailure, whatIf,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(files) is null && result.GetResult(runs) is null)
            {
                result.AddError("Say what to reprocess with --file or --run.");
            }
        });
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.ReadPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var target = new ReprocessTarget
            {
                LoadRunFileIds = parsed.GetValue(files)!.Distinct().ToList(),
                LoadRunIds = parsed.GetValue(runs)!.Distinct().ToList(),
            };
            var options = new ReprocessOptions
            {
                Reason = parsed.GetValue(reason)!,
                SkipRaw = parsed.GetValue(skipRaw),
                HardDelete = parsed.GetValue(hardDelete),
                ExtractTypes = parsed.GetValue(extractTypes)!,
                MaxErrorRate = parsed.GetValue(maxErrorRate),
                MaxFailure = parsed.GetValue(maxFailure),
            };
            var engine = new ReprocessEngine(database, pipeline);
            return parsed.GetValue(whatIf)
                ? await PreviewAsync(engine, target, options, token).ConfigureAwait(false)
                : await ExecuteAsync(engine, target, options, token).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> ExecuteAsync(
        ReprocessEngine engine, ReprocessTarget target, ReprocessOptions options, CancellationToken cancellationToken)
    {
        var receipts = await engine.ExecuteAsync(target, options, progress: null, cancellationToken).ConfigureAwait(false);
        foreach (var receipt in receipts)
        {
            ReceiptLines.Write(receipt);
        }

        var failed = receipts.Count(receipt => receipt.Status != "Completed");
        Line.Write(("files", receipts.Count), ("failed", failed));
        return receipts.Any(receipt => receipt.ErrorCode == ReprocessReceipt.RunStopped) ? ExitCode.Cancelled
            : failed == 0 ? ExitCode.Ok : ExitCode.NotGood;
    }

    private static async Task<int> PreviewAsync(
        ReprocessEngine engine, ReprocessTarget target, ReprocessOptions options, CancellationToken cancellationToken)
    {
        var plan = await engine.PreviewAsync(target, options, progress: null, cancellationToken).ConfigureAwait(false);
        foreach (var receipt in plan.File)
        {
            ReceiptLines.Write(receipt);
        }

        foreach (var change in plan.Staging)
        {
            ReceiptLines.Write(change);
        }

        Line.Write(("files", plan.FileCount), ("failed", plan.FailedFileCount));
        return plan.FailedFileCount == 0 ? ExitCode.Ok : ExitCode.NotGood;
    }
}
