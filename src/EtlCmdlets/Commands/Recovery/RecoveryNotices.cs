using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Report;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Cmdlets.Commands.Recovery;

/// <summary>What an admin should know about a recovery, or the preview of one, that is no error.</summary>
internal static class RecoveryNotices
{
    /// <param name="report">Of the recovery.</param>
    /// <param name="named">Ingestions that were asked for by their ids.</param>
    /// <param name="isLegacy">Whether it was the simple reprocessor.</param>
    public static IEnumerable<string> Of(DataRecoveryReport report, int named, bool isLegacy)
    {
        var would = report.IsPreview ? "would be " : "";
        if (Count(RecoveryOutcome.PartiallyRecovered) is var partly and > 0)
        {
            yield return $"{Wording.Count(partly, "ingestion")} {would}recovered in part: some metrics cannot be taken, and the Problem of the {(partly == 1 ? "record" : "records")} says why.";
        }

        if (Count(RecoveryOutcome.Unrecoverable) is var lost and > 0)
        {
            yield return $"{Wording.Count(lost, "ingestion")} {(lost == 1 ? "holds" : "hold")} nothing that could be brought back.";
        }

        if (Count(RecoveryOutcome.Skipped) is var skipped and > 0)
        {
            yield return $"{Wording.Count(skipped, "ingestion")} skipped: somebody else is at {(skipped == 1 ? "it, or has changed its" : "them, or has changed their")} status.";
        }

        if (named > report.TotalRecords)
        {
            yield return $"{Wording.Count(named - report.TotalRecords, "ingestion")} of those named left out: "
                + (isLegacy ? "-Legacy takes status error with a recorded parameter-limit error only." : "-Status or -UserId asks for others.");
        }

        var lacking = report.Record
            .SelectMany(record => record.Problem)
            .Where(problem => problem.Reason == nameof(RefusalReason.NoPermission))
            .GroupBy(problem => (problem.Table, problem.Name));
        foreach (var right in lacking)
        {
            yield return $"{right.Key.Table}: this database user lacks the right to {right.Key.Name}; "
                + $"{Wording.Count(right.Sum(problem => problem.Count), "metric")} could not be {(right.Any(problem => problem.IsRowLost) ? "taken" : "completed")}. "
                + "See Get-Help about_EtlTools_Grants.";
        }

        long Count(RecoveryOutcome outcome) => report.Record.Count(record => record.Outcome == outcome);
    }
}
