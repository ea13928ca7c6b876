using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Discovery;
using EtlTools.Core.Sources;

namespace EtlTools.Cmdlets;

/// <summary>A command that looks for files: the limits that all of them share, and the files whose names say nothing.</summary>
public abstract class EtlDiscoveryCmdlet : EtlPipelineCmdlet
{
    // A wrong name pattern makes every file of a bucket unrecognised: the first few tell the story.
    private const int WarningsShown = 10;

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

    protected FileFilter Filter(string[] extractTypes) => new()
    {
        ExtractTypes = extractTypes,
        From = WallClock(From),
        To = WallClock(To),
        First = First,
    };

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
}
