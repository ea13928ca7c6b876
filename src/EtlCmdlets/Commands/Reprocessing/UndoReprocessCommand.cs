using System.Globalization;
using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets.Commands.Reprocessing;

[Cmdlet(VerbsCommon.Undo, "Reprocess", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(ReprocessReceipt), typeof(ReprocessPlan))]
public sealed class UndoReprocessCommand : EtlReprocessCmdlet
{
    private const int NamesShown = 5;

    private readonly List<Guid> _receipts = [];
    private readonly List<int> _files = [];
    private readonly List<Guid> _runs = [];
    private bool _wasNothingDone;

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[] ReceiptId { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public int[] LoadRunFileId { get; set; } = [];

    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(LoadRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter(Mandatory = true)]
    [AllowEmptyString]
    public string Reason { get; set; } = "";

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void Begin() => Reasons.Require(Reason);

    // A receipt or a file says more than the run that wrote it. A receipt without an id is of a file that was not done: it must
    // not be taken for its whole run.
    protected override void Process()
    {
        if (LoadRunFileId.Length > 0)
        {
            _files.AddRange(LoadRunFileId);
        }
        else if (!MyInvocation.BoundParameters.ContainsKey(nameof(ReceiptId)))
        {
            _runs.AddRange(LoadRunId ?? []);
        }
        else if (ReceiptId is { Length: > 0 })
        {
            _receipts.AddRange(ReceiptId);
        }
        else
        {
            _wasNothingDone = true;
            WriteVerbose("A receipt of a file that was not reprocessed is passed over: there is nothing to undo.");
        }
    }

    protected override void End()
    {
        if (_receipts.Count + _files.Count + _runs.Count == 0 && !_wasNothingDone)
        {
            RequireInput("ReceiptId, -LoadRunFileId or -LoadRunId");
            return;
        }

        var engine = new ReprocessEngine(Database, Config);
        var asked = FindReceipts(engine);

        // Nobody is asked about what could not be done anyway.
        var receipts = Await(token => engine.RequireUndoableAsync(asked, token));
        if (Confirmed("Undo", Describe(receipts), out var isPreview))
        {
            WriteReceipts(Await(token => engine.UndoAsync(asked, Reason, token)), PassThru, "Undone");
        }
        else if (isPreview)
        {
            WriteObject(Await(token => engine.PreviewUndoAsync(asked, Reason, token)));
        }
    }

    private static string Describe(IReadOnlyList<ReprocessReceipt> receipts)
    {
        var keys = receipts.Select(receipt => receipt.Key).Distinct().ToList();
        var repairs = receipts.Sum(receipt => receipt.Repairs);
        return $"what brought in {Wording.Count(receipts.Sum(receipt => receipt.RowsIngested), "row")} of {Wording.First(keys, NamesShown)}"
            + (repairs == 0 ? "" : $", and {Wording.Count(repairs, "repair")} of its rows");
    }

    private IReadOnlyList<Guid> FindReceipts(ReprocessEngine engine)
    {
        if (_runs.Count + _files.Count > 0)
        {
            var found = Await(token => engine.GetReceiptsAsync([.. _runs.Distinct()], [.. _files.Distinct()], token));
            _receipts.AddRange(found.Select(receipt => receipt.ReceiptId).OfType<Guid>());
        }

        return _receipts.Count > 0
            ? [.. _receipts.Distinct()]
            : throw new EtlException(
                EtlErrorKind.NotFound,
                "NothingToUndo",
                "Nothing of it can still be undone: it was undone already, was not loaded, or came before loads left receipts.",
                string.Join(", ", _runs.Distinct().Select(run => run.ToString()).Concat(_files.Distinct().Select(file => file.ToString(CultureInfo.InvariantCulture)))),
                "Get-LoadFile shows how files stand; what is withdrawn Invoke-Reprocess -LoadRunFileId loads again.");
    }
}
