using System.CommandLine;
using EtlTools.Core.Database;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class InitCommand
{
    public static Command Create()
    {
        var whatIf = new Option<bool>("--what-if") { Description = "only list the steps" };
        var command = new Command("init", "Creates or upgrades the ledger and a pipeline's tables; safe to run again.") { whatIf };
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.FindPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var schema = new SchemaManager(database);
            var isPreview = parsed.GetValue(whatIf);
            var steps = isPreview
                ? await schema.PlanAsync(pipeline, token).ConfigureAwait(false)
                : await schema.ApplyAsync(pipeline, progress: null, token).ConfigureAwait(false);
            foreach (var step in steps)
            {
                Line.Write(
                    ("step", step.Order),
                    ("status", step.Status),
                    ("kind", step.Kind),
                    ("target", step.Target),
                    ("description", step.Description));
            }

            Line.Write((isPreview ? "pending" : "applied", steps.Count));
            return ExitCode.Ok;
        });
        return command;
    }
}
