using EtlTools.Core;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets;

/// <summary>A command that puts data right: its outcome is one receipt a file.</summary>
public abstract class EtlReprocessCmdlet : EtlPipelineCmdlet
{
    /// <summary>Writes the receipts where they were asked for, and reports what went wrong.</summary>
    protected void WriteReceipts(IReadOnlyList<ReprocessReceipt> receipts, bool passThru)
    {
        if (passThru)
        {
            WriteObject(receipts, enumerateCollection: true);
        }

        ReportOutcome(receipts);
    }

    /// <summary>An error for every file that failed, a warning for those that were not begun.</summary>
    protected void ReportOutcome(IReadOnlyList<ReprocessReceipt> receipts)
    {
        foreach (var receipt in receipts.Where(receipt => receipt.Status == "Failed"))
        {
            WriteFailure(new EtlException(
                EtlErrorKind.Data,
                receipt.ErrorCode ?? "ReprocessFailed",
                $"{receipt.Key}: {receipt.Error ?? "the file could not be reprocessed."} Nothing was changed.",
                receipt.Key,
                $"See Get-LoadFile -LoadRunId {receipt.LoadRunId} and Get-RejectedRow -LoadRunId {receipt.LoadRunId}."));
        }

        var left = receipts.Count(receipt => receipt.Status == "NotStarted");
        if (left > 0)
        {
            WriteWarning($"Not begun: {Wording.Count(left, "file")}, because failures or error rate reached the limit (-MaxFailure, -MaxErrorRate).");
        }

        WriteVerbose($"{receipts.Count(receipt => receipt.Status == "Completed")} of {receipts.Count} files done.");
    }
}
