using System.CommandLine;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Host.Commands;

namespace EtlTools.Host.Demo;

/// <summary>
/// A bad week, told with etl's own commands, for a machine without PowerShell: scripts/demo/Demo.ps1 tells the same one with
/// the module's. It works on an empty database and on a folder of its own, and checks at the end what it has claimed.
/// </summary>
internal static class DemoStory
{
    public static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await RequireEmptyAsync(parsed, cancellationToken).ConfigureAwait(false);
        var folder = Directory.CreateTempSubdirectory("etl-demo-");
        try
        {
            var pipeline = Path.Combine(folder.FullName, "pipeline.yaml");
            await File.WriteAllTextAsync(
                pipeline, "extends: indici\nsource:\n  kind: folder\n  path: ./extracts\n", cancellationToken).ConfigureAwait(false);
            var story = new StoryTeller(SharedOptions.Repeat(parsed, pipeline), cancellationToken);
            await TellAsync(story, PipelineReader.Read(pipeline)).ConfigureAwait(false);
            story.Chapter("What was claimed, checked");
            story.ShowChecks();
            return story.Holds ? ExitCode.Ok : ExitCode.NotGood;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task TellAsync(StoryTeller story, PipelineConfig pipeline)
    {
        var folder = pipeline.Source.Path!;
        story.Chapter("An empty database becomes the practice's");
        await story.RunAsync("init", "--what-if").ConfigureAwait(false);
        await story.RunAsync("init").ConfigureAwait(false);

        var full = DemoExtracts.Full(pipeline);
        story.Chapter("The full extract arrives, and the nightly load is killed half-way");
        Send(full, folder);
        await story.RunAsync("plan").ConfigureAwait(false);
        await story.RunKilledAsync("load.before-commit:6", "load").ConfigureAwait(false);
        await story.WaitForAsync("run=", "runs", "--problem", "Stuck").ConfigureAwait(false);
        await story.RunAsync("runs", "--problem", "Stuck").ConfigureAwait(false);
        story.Check("the dead run is found as stuck", story.Values("run").Count == 1);
        await story.RunAsync("failed").ConfigureAwait(false);
        story.Check("its unfinished files are found", story.Values("state").Contains("LeftBehind"));
        var finished = await story.RunAsync("load").ConfigureAwait(false);
        story.Check("the next run takes up what was left", finished == ExitCode.Ok);
        await story.RunAsync("verify").ConfigureAwait(false);
        story.Check(
            "every row of the full extract is in staging, once",
            story.Values("rows").Sum(long.Parse) == full.Sum(file => file.RowCount));

        await TellOfFaultsAsync(story, pipeline, folder).ConfigureAwait(false);
    }

    private static async Task TellOfFaultsAsync(StoryTeller story, PipelineConfig pipeline, string folder)
    {
        var changes = DemoExtracts.Changes(pipeline);
        story.Chapter("A week later: the changes, with faults");
        Send(changes, folder);
        await story.RunAsync("load").ConfigureAwait(false);
        var run = story.Values("run")[^1];
        story.Check("a file with a strange name is a line and no more", story.Values("unrecognised").Count == 1);
        await story.RunAsync("runs", "--problem", "Failed", "--problem", "LowQuality").ConfigureAwait(false);
        story.Check("the run is found as failed and of low quality", story.Values("problem").Contains("Failed,LowQuality"));
        await story.RunAsync("failed").ConfigureAwait(false);
        story.Check("the file in the wrong encoding is the one that failed", story.Values("type").SequenceEqual(["Appointments"]));
        await story.RunAsync("rejected", "--run", run, "--first", "12").ConfigureAwait(false);

        story.Chapter("The vendor sends the faulty files again; first a preview, then the real thing");
        Send(DemoExtracts.Corrected(pipeline), folder);
        await story.RunAsync("reprocess", "--run", run, "--reason", "corrected by the vendor", "--what-if").ConfigureAwait(false);
        var preview = story.Values("inserted").Take(story.Lines("status=").Count).ToList();
        await story.RunAsync("reprocess", "--run", run, "--reason", "corrected by the vendor").ConfigureAwait(false);
        var receipts = story.Lines("receipt=");
        story.Check("the preview told what would happen", story.Values("inserted").SequenceEqual(preview));
        story.Check("every file is in now", story.Values("status").All(status => status == "Completed"));
        await story.RunAsync("failed").ConfigureAwait(false);
        story.Check("no file is left failed", story.Values("file").Count == 0);
        var repaired = await story.RunAsync("verify").ConfigureAwait(false);
        story.Check("staging is what raw says after the reprocess", repaired == ExitCode.Ok);

        story.Chapter("One of them was not meant: it is taken back, and nothing else");
        var immunisation = receipts.First(line => line.Contains("type=Immunisation", StringComparison.Ordinal));
        var undone = await story.RunAsync(
            "undo", "--receipt", immunisation.Split(' ')[0]["receipt=".Length..], "--reason", "the practice wants to look first").ConfigureAwait(false);
        story.Check("the undo was possible", undone == ExitCode.Ok);
        var measured = await story.RunAsync("metrics").ConfigureAwait(false);
        story.Check("the metrics know of the reprocess and of its undoing", measured == ExitCode.Ok && story.Values("undone").SequenceEqual(["1"]));
        var intact = await story.RunAsync("verify").ConfigureAwait(false);
        story.Check("staging is what raw says at the end", intact == ExitCode.Ok);
    }

    private static void Send(IReadOnlyList<DemoFile> files, string folder)
    {
        foreach (var file in files)
        {
            file.WriteTo(folder);
        }

        StoryTeller.Say($"(The vendor sends {files.Count} files with {files.Sum(file => file.RowCount)} rows.)");
    }

    private static async Task RequireEmptyAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var database = SharedOptions.OpenDatabase(parsed);
        var info = await database.GetInfoAsync(cancellationToken).ConfigureAwait(false);
        if (info.Schema != "NotInitialized")
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "DatabaseNotEmpty",
                $"{database.Description} is in use; the demo writes invented data.",
                database.Description,
                "Run scripts/demo.sh or scripts/demo.ps1, which make a database of their own, or give an empty one.");
        }
    }
}
