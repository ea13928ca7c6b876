using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets.Commands.Reprocessing;

[Cmdlet(VerbsCommon.Undo, "Reprocess", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(ReprocessReceipt), typeof(ReprocessPlan))]
public sealed class UndoReprocessCommand : EtlReprocessCmdlet
{
    private readonly List<Guid> _receipts = [];
    private readonly List<Guid> _runs = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[] ReceiptId { get; set; } = [];

    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(LoadRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter(Mandatory = true)]
    [AllowEmptyString]
    public string Reason { get; set; } = "";

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void Begin() => Reasons.Require(Reason);

    // A receipt says more than the run that wrote it.
    protected override void Process()
    {
        if (ReceiptId.Length > 0)
        {
            _receipts.AddRange(ReceiptId);
        }
        else
        {
            _runs.AddRange(LoadRunId);
        }
    }

    protected override void End()
    {
        if (_receipts.Count + _runs.Count == 0)
        {
            RequireInput("ReceiptId or -LoadRunId");
            return;
        }

        var engine = new ReprocessEngine(Database, Config);
        if (_runs.Count > 0)
        {
            var ofRuns = Await(token => engine.GetReceiptsAsync([.. _runs.Distinct()], token));
            _receipts.AddRange(ofRuns.Select(receipt => receipt.ReceiptId).OfType<Guid>());
        }

        IReadOnlyList<Guid> receipts = [.. _receipts.Distinct()];
        if (receipts.Count == 0)
        {
            throw new EtlException(
                EtlErrorKind.NotFound,
                "NothingToUndo",
                "These runs have no receipt that can still be undone.",
                string.Join(", ", _runs.Distinct()),
                "Get-LoadRun -Kind Reprocess lists reprocess runs; each can be undone once.");
        }

        if (Confirmed("Undo", $"the reprocess of {receipts.Count} files", out var isPreview))
        {
            WriteReceipts(Await(token => engine.UndoAsync(receipts, Reason, token)), PassThru);
        }
        else if (isPreview)
        {
            WriteObject(Await(token => engine.PreviewUndoAsync(receipts, Reason, token)));
        }
    }
}
