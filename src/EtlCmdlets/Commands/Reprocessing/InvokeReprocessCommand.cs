using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets.Commands.Reprocessing;

[Cmdlet(VerbsLifecycle.Invoke, "Reprocess", SupportsShouldProcess = true)]
[OutputType(typeof(ReprocessReceipt), typeof(ReprocessPlan))]
public sealed class InvokeReprocessCommand : EtlReprocessCmdlet
{
    private readonly List<Guid> _runs = [];
    private readonly List<int> _files = [];

    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(LoadRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public int[] LoadRunFileId { get; set; } = [];

    [Parameter(Mandatory = true)]
    [AllowEmptyString]
    public string Reason { get; set; } = "";

    [Parameter]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter]
    public DateTime? From { get; set; }

    [Parameter]
    public DateTime? To { get; set; }

    [Parameter]
    public SwitchParameter SkipRaw { get; set; }

    [Parameter]
    public SwitchParameter HardDelete { get; set; }

    [Parameter]
    [Rate]
    public double? MaxErrorRate { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxFailure { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void Begin() => Reasons.Require(Reason);

    // A file says more than the run that it belongs to.
    protected override void Process()
    {
        if (LoadRunFileId.Length > 0)
        {
            _files.AddRange(LoadRunFileId);
        }
        else
        {
            _runs.AddRange(LoadRunId);
        }
    }

    protected override void End()
    {
        if (_runs.Count + _files.Count == 0)
        {
            RequireInput("LoadRunId or -LoadRunFileId");
            return;
        }

        var target = new ReprocessTarget { LoadRunIds = [.. _runs.Distinct()], LoadRunFileIds = [.. _files.Distinct()] };
        var (from, to) = WallClock(From, To);
        var options = new ReprocessOptions
        {
            Reason = Reason,
            SkipRaw = SkipRaw,
            HardDelete = HardDelete,
            ExtractTypes = ExtractType,
            From = from,
            To = to,
            MaxErrorRate = MaxErrorRate,
            MaxFailure = MaxFailure,
        };
        var engine = new ReprocessEngine(Database, Config);

        // Nobody is asked about what could not be done anyway.
        var count = Await(token => engine.CountFilesAsync(target, options, token));
        var action = HardDelete ? "Reprocess and delete the old raw rows" : "Reprocess";
        if (Confirmed(action, Describe(target), out var isPreview))
        {
            if (!HardDelete || Force || ConfirmedDelete(target, count))
            {
                var receipts = WithProgress(PassThru, (progress, token) => engine.ExecuteAsync(target, options, progress, token));
                ReportOutcome(receipts, PassThru, "Reprocessed");
                WarnOfRepairs(receipts.Sum(receipt => receipt.Repairs));
            }
        }
        else if (isPreview)
        {
            WriteObject(WithProgress(false, (progress, token) => engine.PreviewAsync(target, options, progress, token)));
        }
    }

    // Somebody's work by hand: what takes its place may hold the correction, or not.
    private void WarnOfRepairs(int repairs)
    {
        if (repairs > 0)
        {
            WriteWarning($"Gone with the rows that they corrected: {Wording.Count(repairs, "repair")}. Get-RejectedRow shows rows that are refused again.");
        }
    }

    // A receipt is written as soon as its file is committed: what Ctrl+C leaves behind can then be undone.
    private T WithProgress<T>(bool writesReceipts, Func<IProgress<ReprocessProgress>, CancellationToken, Task<T>> work)
    {
        using var bar = new ProgressBar(this, "Reprocessing");
        var progress = new PostedProgress<ReprocessProgress>(report => OnPipeline(() =>
        {
            bar.Show(report);
            if (writesReceipts && report.FinishedFile is { } receipt)
            {
                WriteObject(receipt);
            }
        }));
        return Await(token => work(progress, token));
    }

    private bool ConfirmedDelete(ReprocessTarget target, int count) => ConfirmedForGood(
        $"Delete the old raw rows of {Describe(target)} ({Wording.Count(count, "file")})? They cannot be brought back, and the reprocess cannot be undone.",
        "Delete raw rows");

    private static string Describe(ReprocessTarget target) => string.Join(
        " and ",
        new[] { Count(target.LoadRunIds, "load run"), Count(target.LoadRunFileIds, "file") }.Where(text => text.Length > 0));

    private static string Count<T>(IReadOnlyList<T> ids, string noun) => ids.Count switch
    {
        0 => "",
        1 => $"{noun} {ids[0]}",
        _ => Wording.Count(ids.Count, noun),
    };
}
