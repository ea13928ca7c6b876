using System.CommandLine;
using EtlTools.Core.Runs;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class RunsCommand
{
    public static Command Create()
    {
        var problems = new Option<LoadRunProblem[]>("--problem")
        {
            Description = "only runs with this problem; may be given several times",
            DefaultValueFactory = _ => [],
        };
        var first = SharedOptions.First("at most so many runs");
        var command = new Command("runs", "Lists runs, the newest first.") { problems, first };
        command.SetAction(async (parsed, token) =>
        {
            await using var database = SharedOptions.OpenDatabase(parsed);
            var query = new RunQuery { Problem = parsed.GetValue(problems)!, First = parsed.GetValue(first) };
            await foreach (var run in new RunLedger(database).GetRunsAsync(query, token).ConfigureAwait(false))
            {
                RunLines.Write(run);
            }

            return ExitCode.Ok;
        });
        return command;
    }
}
