using System.CommandLine;
using EtlTools.Core.Discovery;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class PlanCommand
{
    public static Command Create()
    {
        var extractTypes = SharedOptions.ExtractTypes();
        var first = SharedOptions.First("at most so many files");
        var command = new Command("plan", "Lists what load would take, in its order.") { extractTypes, first };
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.ReadPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var filter = new FileFilter { ExtractTypes = parsed.GetValue(extractTypes)!, First = parsed.GetValue(first) };
            var plan = await LoadCommand.FindAsync(database, pipeline, filter, token).ConfigureAwait(false);
            foreach (var item in plan)
            {
                Line.Write(
                    ("order", item.Order),
                    ("batch", item.Batch),
                    ("reason", item.Reason),
                    ("type", item.ExtractType),
                    ("name", item.FileName),
                    ("bytes", item.SizeBytes),
                    ("attempts", item.Attempts));
            }

            Line.Write(("files", plan.Count), ("bytes", plan.Sum(item => item.SizeBytes)));
            return ExitCode.Ok;
        });
        return command;
    }
}
