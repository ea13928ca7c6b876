using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets;

/// <summary>A command that needs to know the files and tables: the pipeline given, the connection's, or $env:ETL_PIPELINE.</summary>
public abstract class EtlPipelineCmdlet : EtlDatabaseCmdlet
{
    // A fault that every file has makes as many lines.
    private const int LinesShown = 10;

    private PipelineConfig? _config;

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PipelineCompleter))]
    public string? Pipeline { get; set; }

    protected PipelineConfig Config => _config ??= PipelineReader.Read(
        PipelinePath.Resolve(this, Pipeline)
        ?? ConnectionPipeline
        ?? PipelinePath.FromEnvironment
        ?? throw new EtlException(
            EtlErrorKind.Configuration,
            "PipelineMissing",
            $"{MyInvocation.MyCommand.Name} needs to know the pipeline.",
            MyInvocation.MyCommand.Name,
            "Pass -Pipeline a built-in name or the path of a pipeline file, or give it to Connect-EtlDatabase once."));

    /// <summary>Tells what staging did on the quiet to rows that are in raw: keys that come twice in a file, values that a rule emptied.</summary>
    /// <param name="files">With the id of the attempt, where it was a plain load.</param>
    protected void TellStaging(IEnumerable<(string Key, StagingChange? Staging, int? Loaded)> files)
    {
        var told = 0;
        foreach (var (key, staging, loaded) in files)
        {
            // Whoever reprocesses knows that rows go; whoever loads may not.
            if (loaded is not null && staging?.Withdrawn + staging?.Restored > 0)
            {
                Say(WriteWarning, $"{key} took the place of an earlier file of this name: {Wording.Count(staging!.Withdrawn, "key")} gone from {staging.Table}, "
                    + $"{staging.Restored:N0} back to an earlier version. If that was not meant: Undo-Reprocess -LoadRunFileId {loaded} -Reason '...'");
            }

            if (staging?.Duplicates > 0)
            {
                Say(WriteWarning, $"{key}: {Wording.Count(staging.Duplicates, "row")} with a key that comes again later in the file; of each key {staging.Table} has the last row.");
            }

            if (staging?.Emptied > 0)
            {
                Say(Tell, $"{key}: {Wording.Count(staging.Emptied, "value")} set to NULL in {staging.Table} by on_invalid: set_null ({staging.EmptiedColumn}).");
            }
        }

        if (told > LinesShown)
        {
            Tell($"There are {told - LinesShown} more such lines; -Verbose shows them.");
        }

        void Say(Action<string> stream, string line) => (++told <= LinesShown ? stream : WriteVerbose)(line);
    }

    /// <summary>-From and -To as the pipeline's files have their dates.</summary>
    /// <exception cref="EtlException">DateRangeEmpty.</exception>
    protected (DateTime? From, DateTime? To) WallClock(DateTime? from, DateTime? to)
    {
        var range = (From: WallClock(from), To: WallClock(to));
        return range.From < range.To || range.From is null || range.To is null ? range : throw new EtlException(
            EtlErrorKind.InvalidInput,
            "DateRangeEmpty",
            "No file can be extracted at or after -From and before -To: -From is not the earlier one.",
            "From",
            "Give -From an earlier date than -To; files of one day are those from that day to the next.");
    }

    /// <summary>A date as the pipeline's files have it: wall-clock time in its zone. One without a zone is that already.</summary>
    private DateTime? WallClock(DateTime? date) =>
        date is { Kind: not DateTimeKind.Unspecified } instant
            ? TimeZoneInfo.ConvertTimeBySystemTimeZoneId(instant, Config.TimeZone)
            : date;
}
