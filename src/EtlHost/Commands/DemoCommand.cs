using System.CommandLine;
using EtlTools.Core.Configuration;
using EtlTools.Host.Demo;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class DemoCommand
{
    public static Command Create()
    {
        var command = new Command("demo", "Tells the story of a bad week on an empty database: load, detect, preview, reprocess, verify, undo.") { CreateFiles() };
        command.SetAction((parsed, token) => DemoStory.RunAsync(parsed, token));
        return command;
    }

    private static Command CreateFiles()
    {
        var folder = new Option<string>("--folder") { Description = "where to write them", Required = true };
        var batch = new Option<string>("--batch") { Description = "full, changes or corrected", Required = true };
        batch.AcceptOnlyFromAmong("full", "changes", "corrected");
        var command = new Command("files", "Writes the sample files, of people who do not exist.") { folder, batch };
        command.SetAction(parsed => Write(parsed.GetValue(folder)!, parsed.GetValue(batch)!));
        return command;
    }

    private static int Write(string folder, string batch)
    {
        var pipeline = PipelineReader.Read("indici");
        var files = batch switch
        {
            "full" => DemoExtracts.Full(pipeline),
            "changes" => DemoExtracts.Changes(pipeline),
            _ => DemoExtracts.Corrected(pipeline),
        };
        foreach (var file in files)
        {
            Line.Write(
                ("type", file.ExtractType),
                ("name", file.Name),
                ("rows", file.RowCount),
                ("bytes", file.WriteTo(folder)),
                ("bad_rows", file.BadRows),
                ("invalid_rows", file.InvalidRows),
                ("fault", file.Fault));
        }

        Line.Write(("files", files.Count), ("rows", files.Sum(file => file.RowCount)));
        return ExitCode.Ok;
    }
}
