using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Staging;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>What numbers say about an ingestion: why it lost metrics, and whether they can be brought back.</summary>
internal static class AuditVerdict
{
    public static LossCause CauseOf(IngestionRef ingestion, StagedPayload payload, long missing)
    {
        if (payload.Summary.Unrecoverable == UnrecoverableReason.DataNotKept)
        {
            return LossCause.UnrecoverableStub;
        }

        // An export without a metric has lost none.
        var isUnread = payload.Summary is { Unrecoverable: not UnrecoverableReason.None, Shape: not PayloadShape.Empty };
        if (missing == 0 && payload.Problems.RowsLost == 0 && !isUnread && payload.Summary.TruncatedAt is null)
        {
            return LossCause.None;
        }

        if (ingestion.RecordedCause is { } recorded)
        {
            return recorded;
        }

        if (isUnread || payload.Summary.TruncatedAt is not null)
        {
            return LossCause.Parsing;
        }

        return missing > 0 ? LossCause.SilentDataLoss : CauseOf(payload.Problems.ToList(ingestion.Id));
    }

    /// <summary>Null where there is something to bring back, or nothing is lost.</summary>
    /// <param name="payload">What was read.</param>
    /// <param name="missing">Keys that are not in the tables.</param>
    /// <param name="refused">What the database refused at the last recovery.</param>
    public static string? NotRecoverableBecause(StagedPayload payload, long missing, long refused) => payload.Summary.Unrecoverable switch
    {
        UnrecoverableReason.DataNotKept => "the payload was too large for the service, which kept a note of it only",
        UnrecoverableReason.NoMetrics => "there is no metric in the payload",
        UnrecoverableReason.NotJson => "the payload is not JSON, and no complete metric stands in it",
        _ when missing > 0 && missing <= refused - payload.Problems.RowsLost =>
            "the database refused what is missing when it was recovered; its last recovery names the constraints",
        _ when missing == 0 && payload.Problems.RowsLost > 0 => "what is missing cannot be taken: the problems say why",
        _ => null,
    };

    // All of them have the same consequence; the most frequent is named.
    private static LossCause CauseOf(IReadOnlyList<MetricProblem> problems) =>
        problems.FirstOrDefault(problem => problem.IsRowLost)?.Reason switch
        {
            null => LossCause.None,
            nameof(MetricFaultReason.UnknownType) or "NoTable" => LossCause.UnknownType,
            nameof(MetricFaultReason.Malformed) or nameof(MetricFaultReason.Incomplete) or nameof(MetricFaultReason.TooLarge) => LossCause.Parsing,
            _ => LossCause.Validation,
        };
}
