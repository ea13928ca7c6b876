using System.Management.Automation;
using System.Runtime.CompilerServices;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Commands.Runs;

[Cmdlet(VerbsCommon.Get, "RejectedRow")]
[OutputType(typeof(RejectedRow))]
public sealed class GetRejectedRowCommand : EtlLedgerCmdlet
{
    [Parameter]
    [ValidateSet("load", "staging")]
    public string? Stage { get; set; }

    [Parameter]
    public SwitchParameter IncludeClosed { get; set; }

    [Parameter]
    public SwitchParameter IncludeContent { get; set; }

    protected override void Process()
    {
        var query = new RejectedRowQuery
        {
            LoadRunIds = RunsAsked,
            LoadRunFileIds = LoadRunFileId,
            ExtractTypes = ExtractType,
            Stage = Stage,
            IncludeClosed = IncludeClosed,
            First = First,
        };
        var ledger = Ledger(ExtractType);
        if (IncludeContent)
        {
            Stream(token => WithContent(ledger, query, token));
        }
        else
        {
            Stream(token => ledger.GetRejectedRowsAsync(query, token));
        }
    }

    private static async IAsyncEnumerable<PSObject> WithContent(
        RunLedger ledger, RejectedRowQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in ledger.GetRejectedRowsAsync(query, cancellationToken).ConfigureAwait(false))
        {
            var content = await ledger.GetRejectedRowContentAsync(row.RejectedRowId, cancellationToken).ConfigureAwait(false);
            var shown = PSObject.AsPSObject(row);
            shown.Properties.Add(new PSNoteProperty("Content", content));
            yield return shown;
        }
    }
}
