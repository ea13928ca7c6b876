using System.CommandLine;
using EtlTools.Core;
using EtlTools.Core.Reprocessing;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class UndoCommand
{
    public static Command Create()
    {
        var receipts = new Option<Guid[]>("--receipt") { Description = "id of a receipt; may be given several times", DefaultValueFactory = _ => [] };
        var runs = new Option<Guid[]>("--run") { Description = "id of a run that loaded or reprocessed, for all its receipts; may be given several times", DefaultValueFactory = _ => [] };
        var reason = SharedOptions.Reason();
        var command = new Command("undo", "Takes loads and reprocesses back, all of those named or none; later runs are left alone.") { receipts, runs, reason };
        command.Validators.Add(result =>
        {
            if (result.GetResult(receipts) is null && result.GetResult(runs) is null)
            {
                result.AddError("Say what to undo with --receipt or --run.");
            }
        });
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.ReadPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var engine = new ReprocessEngine(database, pipeline);
            var ids = await ResolveAsync(engine, parsed.GetValue(receipts)!, parsed.GetValue(runs)!, token).ConfigureAwait(false);
            foreach (var undone in await engine.UndoAsync(ids, parsed.GetValue(reason)!, token).ConfigureAwait(false))
            {
                ReceiptLines.Write(undone);
            }

            Line.Write(("undone", ids.Count));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<IReadOnlyList<Guid>> ResolveAsync(
        ReprocessEngine engine, Guid[] receipts, Guid[] runs, CancellationToken cancellationToken)
    {
        if (runs.Length == 0)
        {
            return receipts.Distinct().ToList();
        }

        var found = await engine.GetReceiptsAsync(runs, [], cancellationToken).ConfigureAwait(false);
        return found.Count > 0
            ? found.Select(receipt => receipt.ReceiptId!.Value).Concat(receipts).Distinct().ToList()
            : throw new EtlException(
                EtlErrorKind.NotFound,
                "ReceiptNotFound",
                "The run left no receipt that can be undone.",
                runs[0].ToString(),
                "Give a run of etl load or etl reprocess that has not been undone.");
    }
}
