using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Commands.Loading;

[Cmdlet(VerbsLifecycle.Start, "LoadRun", SupportsShouldProcess = true, DefaultParameterSetName = "Found")]
[OutputType(typeof(LoadRun), typeof(LoadPlanItem))]
public sealed class StartLoadRunCommand : EtlDiscoveryCmdlet
{
    private const int BatchSize = 100;

    private readonly List<LoadPlanItem> _plan = [];
    private readonly List<string> _keys = [];

    [Parameter(Mandatory = true, ParameterSetName = "Plan", ValueFromPipeline = true)]
    public LoadPlanItem[] PlanItem { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "Key", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string[] Key { get; set; } = [];

    [Parameter(Position = 0, ParameterSetName = "Found")]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter(ParameterSetName = "Found")]
    [Duration]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(30);

    [Parameter(ParameterSetName = "Found")]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] Priority { get; set; } = [];

    [Parameter]
    public SwitchParameter SkipStaging { get; set; }

    [Parameter]
    [Rate]
    public double? MaxErrorRate { get; set; }

    [Parameter]
    [ValidateRange(1, 64)]
    public int MaxConcurrency { get; set; } = new LoadOptions().MaxConcurrency;

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Reason { get; set; }

    [Parameter]
    [ValidateSet("manual", "scheduled", "backfill")]
    public string TriggeredBy { get; set; } = "manual";

    protected override void Process()
    {
        _plan.AddRange(PlanItem);
        _keys.AddRange(Key);
    }

    protected override void End()
    {
        var plan = Plan();
        base.End();
        if (LoadsWhatIsFound)
        {
            TellWaiting(ExtractType, MaxAge, plan.Count == 0);
        }

        if (plan.Count == 0)
        {
            Tell("There is nothing to load.");
            StagePending();
        }
        else if (Confirmed("Load", $"{Wording.Count(plan.Count, "file")} into {Database.Description}", out var isPreview))
        {
            Load(plan);
        }
        else if (isPreview)
        {
            WriteObject(plan, enumerateCollection: true);
        }
    }

    // A search before the pipe that found nothing must not load everything.
    private bool LoadsWhatIsFound => _plan.Count == 0 && _keys.Count == 0 && !ReadsPipeline;

    // Files that were loaded with -SkipStaging need no new file to be staged.
    private void StagePending()
    {
        var engine = new LoadEngine(Database, Config);
        if (LoadsWhatIsFound
            && !SkipStaging
            && Await(engine.HasUnstagedFilesAsync)
            && Confirmed("Stage", $"what was loaded into {Database.Description} without staging", out _))
        {
            Load([]);
        }
    }

    private IReadOnlyList<LoadPlanItem> Plan()
    {
        if (LoadsWhatIsFound)
        {
            return FindPlan(ExtractType, MaxAge, Priority, BatchSize);
        }

        if (_keys.Count > 0)
        {
            var discovery = new FileDiscovery(Database, Config);
            _plan.AddRange(Await(token => discovery.PlanFilesAsync(
                _keys, refusal => OnPipeline(() => WriteFailure(refusal)), token)));
        }

        var (from, to) = WallClock(From, To);
        return [.. _plan.Where(item => !(item.ExtractedAt < from) && !(item.ExtractedAt >= to)).Take(First ?? int.MaxValue)];
    }

    private void Load(IReadOnlyList<LoadPlanItem> plan)
    {
        var finished = new List<LoadProgress>();
        var options = new LoadOptions
        {
            SkipStaging = SkipStaging,
            MaxErrorRate = MaxErrorRate,
            MaxConcurrency = MaxConcurrency,
            TriggeredBy = TriggeredBy,
            Reason = Reason,
        };
        using var bar = new ProgressBar(this, "Loading");
        var progress = new PostedProgress<LoadProgress>(report => OnPipeline(() =>
        {
            bar.Show(report);
            if (report.FinishedFile is not null || report.StagedFile is not null)
            {
                finished.Add(report);
            }
        }));
        var engine = new LoadEngine(Database, Config);
        var run = Await(token => engine.LoadAsync(plan, options, progress, token));
        bar.Dispose();
        WriteObject(run);
        ReportOutcome(finished);
    }
}
