namespace EtlTools.Core.Health;

/// <summary>The stable names of alerts.</summary>
internal static class AlertIds
{
    public const string DataLoss = "DataLoss";
    public const string RejectedMetrics = "RejectedMetrics";
    public const string UnreadablePayload = "UnreadablePayload";
    public const string ProcessingFailure = "ProcessingFailure";
    public const string RunFailed = "RunFailed";
    public const string SubjectSuccess = "SubjectSuccess";
    public const string StuckWork = "StuckWork";
    public const string BacklogAge = "BacklogAge";

    /// <summary>TableOverdue and so on.</summary>
    public static string Of(FindingKind kind) => $"Table{kind}";
}
