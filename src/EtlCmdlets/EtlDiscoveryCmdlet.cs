using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;

namespace EtlTools.Cmdlets;

/// <summary>A command that looks for files: the limits that all of them share, and the files whose names say nothing.</summary>
public abstract class EtlDiscoveryCmdlet : EtlPipelineCmdlet
{
    // A wrong name pattern makes every file of a bucket unrecognised: the first few tell the story.
    private const int WarningsShown = 10;

    private const int IdsShown = 10;

    /// <summary>The way back for failed files, the same wherever one is named.</summary>
    protected const string TryAgain = "Find-FailedFile | Invoke-Reprocess -Reason '...' tries them again now, with -WhatIf as a preview";

    private int _unrecognised;

    [Parameter]
    public DateTime? From { get; set; }

    [Parameter]
    public DateTime? To { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    /// <summary>The plan of everything that is found.</summary>
    protected IReadOnlyList<LoadPlanItem> FindPlan(string[] extractTypes, TimeSpan maxAge, string[] priority, int batchSize)
    {
        var discovery = new FileDiscovery(Database, Config);
        var filter = Filter(extractTypes);
        return Await(token => discovery.GetPlanAsync(filter, maxAge, priority, batchSize, OnUnrecognised, token));
    }

    /// <summary>Tells why there is nothing to load, or, where there is, what waits beside it.</summary>
    protected void TellWaiting(string[] extractTypes, TimeSpan maxAge, bool isPlanEmpty)
    {
        var discovery = new FileDiscovery(Database, Config);
        var filter = Filter(extractTypes);
        var waiting = Await(token => discovery.GetWaitingAsync(filter, maxAge, token));
        Action<string> tell = isPlanEmpty ? WriteWarning : WriteVerbose;
        if (waiting.NextTryAt is { } next)
        {
            tell($"Failed, and waiting for the next try: {Wording.Count(waiting.FailedCount, "file")}, the first until {next.LocalDateTime:yyyy-MM-dd HH:mm} (local). "
                + $"Find-FailedFile shows them; {TryAgain}.");
        }

        if (waiting.AgedCount > 0)
        {
            tell($"Failed, and last tried longer ago than -MaxAge: {Wording.Count(waiting.AgedCount, "file")}. Find-FailedFile -MaxAge 3650d shows them.");
        }

        if (waiting.WithdrawnLoadRunFileIds is { Count: > 0 } withdrawn)
        {
            var ids = Wording.First(withdrawn, IdsShown);
            tell($"Withdrawn by an undo, and waiting for Invoke-Reprocess: {Wording.Count(withdrawn.Count, "file")}. "
                + $"Invoke-Reprocess -LoadRunFileId {ids} -Reason '...' loads what is in the source now.");
        }
    }

    /// <summary>What became of the files of a run, after the run: so -ErrorAction Stop does not cut it short.</summary>
    protected void ReportOutcome(IReadOnlyList<LoadProgress> finished)
    {
        TellStaging(finished.Select(report => report.StagedFile is { } staged
            ? (staged.Key, staged.Staging, (int?)staged.LoadRunFileId)
            : (report.FinishedFile!.Key, report.FinishedStaging, report.FinishedFile.LoadRunFileId)));
        if (finished.Count(report => report.StagedFile is not null) is var late and > 0)
        {
            Tell($"Staged: {Wording.Count(late, "file")} that an earlier run had loaded.");
        }

        if (finished.Count(report => report.FinishedFile?.Status == LoadFileStatus.Skipped) is var known and > 0)
        {
            Tell($"Left alone: {Wording.Count(known, "file")} already loaded as in the source. Invoke-Reprocess loads a file again.");
        }

        foreach (var report in finished.Where(report => report.FinishedFile?.Status == LoadFileStatus.Failed))
        {
            WriteFailed(report.FinishedFile!, report.NextStep ?? "Put the cause right.");
        }
    }

    protected FileFilter Filter(string[] extractTypes)
    {
        var (from, to) = WallClock(From, To);
        return new FileFilter { ExtractTypes = extractTypes, From = from, To = to, First = First };
    }

    /// <summary>For the engine's callback; called off the pipeline thread.</summary>
    protected void OnUnrecognised(UnrecognisedFile file) => OnPipeline(() =>
    {
        var message = $"{file.Object.Key}: {file.Reason} ({file.ErrorId})";
        if (++_unrecognised <= WarningsShown)
        {
            WriteWarning(message);
        }
        else
        {
            WriteVerbose(message);
        }
    });

    protected override void End()
    {
        if (_unrecognised > WarningsShown)
        {
            var more = Wording.Count(_unrecognised - WarningsShown, "more file");
            WriteWarning($"Names that the pipeline does not recognise: {more}; -Verbose lists them.");
        }
    }

    private void WriteFailed(LoadFile file, string remedy) => WriteFailure(new EtlException(
        EtlErrorKind.Data,
        file.ErrorCode ?? "LoadFileFailed",
        $"{file.Key}: {file.Error ?? "the file could not be loaded."}",
        file.Key,
        NextStep(file, remedy)));

    private static string NextStep(LoadFile file, string remedy) => file switch
    {
        { ErrorCode: "FileBusy" } => "Wait for the other run; Get-LoadRun -Status Running shows it. What it does not load comes again with the next plan.",
        { RowsRejected: > 0 } => $"{remedy} Get-RejectedRow -LoadRunFileId {file.LoadRunFileId} shows bad rows. {TryAgain}.",
        _ => $"{remedy} {TryAgain}.",
    };
}
