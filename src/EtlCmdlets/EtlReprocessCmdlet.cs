using EtlTools.Core;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets;

/// <summary>A command that puts data right: its outcome is one receipt a file.</summary>
public abstract class EtlReprocessCmdlet : EtlPipelineCmdlet
{
    /// <summary>Writes the receipts where they were asked for, and reports what went wrong.</summary>
    protected void WriteReceipts(IReadOnlyList<ReprocessReceipt> receipts, bool passThru, string verb)
    {
        if (passThru)
        {
            WriteObject(receipts, enumerateCollection: true);
        }

        ReportOutcome(receipts, passThru, verb);
    }

    /// <summary>An error for every file that failed, a warning for those that were not begun.</summary>
    protected void ReportOutcome(IReadOnlyList<ReprocessReceipt> receipts, bool passThru, string verb)
    {
        foreach (var receipt in receipts.Where(receipt => receipt.Status == "Failed"))
        {
            WriteFailure(new EtlException(
                EtlErrorKind.Data,
                receipt.ErrorCode ?? "ReprocessFailed",
                $"{receipt.Key}: {receipt.Error ?? "the file could not be reprocessed."} Nothing was changed.",
                receipt.Key,
                NextStep(receipt)));
        }

        var stopped = receipts.Count(receipt => receipt.ErrorCode == ReprocessReceipt.RunStopped);
        if (stopped > 0)
        {
            WriteWarning($"Not done: {Wording.Count(stopped, "file")}, because Stop-LoadRun ended the run; Get-LoadRun shows who did and why. Nothing of them was changed.");
        }

        var left = receipts.Count(receipt => receipt.Status == "NotStarted") - stopped;
        if (left > 0)
        {
            WriteWarning($"Not begun: {Wording.Count(left, "file")}, because failures or error rate reached the limit (-MaxFailure, -MaxErrorRate).");
        }

        TellStaging(receipts.Select(receipt => (receipt.Key, receipt.Staging, (int?)null)));

        // Who took the receipts has it all; everybody else would be left with nothing.
        var done = receipts.Where(receipt => receipt.Status == "Completed").ToList();
        var outcome = receipts.Count == 0
            ? $"{verb}: nothing, for no file fits what was asked for"
            : $"{verb}: {done.Count} of {Wording.Count(receipts.Count, "file")}";
        Action<string> tell = passThru ? WriteVerbose : Tell;
        tell(done.Count == 0 ? outcome + "." : $"{outcome}, in run {done[0].LoadRunId}: {Changes(done)}.");
    }

    private static string NextStep(ReprocessReceipt receipt)
    {
        var nextStep = receipt.NextStep ?? "Put the cause right and reprocess the file again.";
        return receipt is { RowsRejected: > 0, NewLoadRunFileId: { } file }
            ? $"Get-RejectedRow -LoadRunFileId {file} shows bad rows. {nextStep}"
            : nextStep;
    }

    private static string Changes(IReadOnlyList<ReprocessReceipt> done)
    {
        var staged = done.Select(receipt => receipt.Staging).OfType<StagingChange>().ToList();
        return string.Join(", ", new[]
        {
            Wording.Count(staged.Sum(change => change.Inserted), "key") + " inserted",
            $"{staged.Sum(change => change.Changed):N0} changed",
            $"{staged.Sum(change => change.Withdrawn):N0} withdrawn",
            $"{staged.Sum(change => change.Restored):N0} restored",
            Wording.Count(done.Sum(receipt => receipt.RowsRejected), "row") + " rejected",
        });
    }
}
