using System.CommandLine;
using EtlTools.Core.Runs;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class RejectedCommand
{
    public static Command Create()
    {
        var runs = new Option<Guid[]>("--run") { Description = "id of a run; may be given several times", DefaultValueFactory = _ => [] };
        var files = new Option<int[]>("--file") { Description = "id of a file entry of the ledger; may be given several times", DefaultValueFactory = _ => [] };
        var extractTypes = SharedOptions.ExtractTypes();
        var first = SharedOptions.First("at most so many rows");
        var command = new Command("rejected", "Lists rows in quarantine with their reasons, never their content.") { runs, files, extractTypes, first };
        command.SetAction(async (parsed, token) =>
        {
            await using var database = SharedOptions.OpenDatabase(parsed);
            var query = new RejectedRowQuery
            {
                LoadRunIds = parsed.GetValue(runs)!,
                LoadRunFileIds = parsed.GetValue(files)!,
                ExtractTypes = parsed.GetValue(extractTypes)!,
                First = parsed.GetValue(first),
            };
            await foreach (var row in new RunLedger(database).GetRejectedRowsAsync(query, token).ConfigureAwait(false))
            {
                Line.Write(
                    ("rejected", row.RejectedRowId),
                    ("stage", row.Stage),
                    ("type", row.ExtractType),
                    ("file", row.LoadRunFileId),
                    ("row", row.RowNumber),
                    ("line", row.LineNumber),
                    ("offset", row.ByteOffset),
                    ("reason", string.Join(',', row.Reason)));
            }

            return ExitCode.Ok;
        });
        return command;
    }
}
