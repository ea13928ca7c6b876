using System.CommandLine;
using EtlTools.Core.Staging;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class VerifyCommand
{
    public static Command Create()
    {
        var extractTypes = SharedOptions.ExtractTypes();
        var command = new Command("verify", "Rebuilds staging from raw and compares: is it what raw says?") { extractTypes };
        command.SetAction(async (parsed, token) =>
        {
            var pipeline = SharedOptions.ReadPipeline(parsed);
            await using var database = SharedOptions.OpenDatabase(parsed);
            var broken = 0;
            var tables = 0;
            var results = new StagingIntegrity(database, pipeline).TestAsync(parsed.GetValue(extractTypes)!, token);
            await foreach (var result in results.ConfigureAwait(false))
            {
                Line.Write(
                    ("table", result.Table),
                    ("intact", result.IsIntact),
                    ("rows", result.Rows),
                    ("missing", result.Missing),
                    ("extra", result.Extra),
                    ("different", result.Different),
                    ("columns", string.Join(",", result.DifferentColumn.Select(column => column.Column)) is { Length: > 0 } names ? names : null),
                    ("unstaged_files", result.UnstagedFiles));
                tables++;
                broken += result.IsIntact ? 0 : 1;
            }

            Line.Write(("intact", broken == 0), ("tables", tables), ("broken", broken));
            return broken == 0 ? ExitCode.Ok : ExitCode.NotGood;
        });
        return command;
    }
}
