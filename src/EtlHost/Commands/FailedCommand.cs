using System.CommandLine;
using EtlTools.Core.Discovery;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class FailedCommand
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(30);

    public static Command Create()
    {
        var extractTypes = SharedOptions.ExtractTypes();
        var first = SharedOptions.First("at most so many files");
        var command = new Command("failed", "Lists files that failed, are pending, or were left behind by a dead run.") { extractTypes, first };
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.ReadPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var filter = new FileFilter { ExtractTypes = parsed.GetValue(extractTypes)!, First = parsed.GetValue(first) };
            await foreach (var file in new FileDiscovery(database, pipeline).FindFailedAsync(filter, MaxAge, token).ConfigureAwait(false))
            {
                Line.Write(
                    ("file", file.LoadRunFileId),
                    ("state", file.State),
                    ("type", file.ExtractType),
                    ("name", file.FileName),
                    ("run", file.LoadRunId),
                    ("attempts", file.Attempts),
                    ("next_try", file.NextTryAt),
                    ("due", file.IsDue),
                    ("error", file.ErrorCode));
            }

            return ExitCode.Ok;
        });
        return command;
    }
}
