namespace EtlTools.Core.Health;

/// <summary>How soon somebody is to be looked after: by the share of data lost, or the time since the last success.</summary>
internal static class ImpactLimits
{
    private static readonly (ImpactUrgency Urgency, double Loss, double Days)[] Limits =
    [
        (ImpactUrgency.Urgent, 0.50, 7),
        (ImpactUrgency.High, 0.20, 3),
        (ImpactUrgency.Medium, 0.10, 1),
    ];

    public static ImpactUrgency Urgency(double lossRate, TimeSpan sinceSuccess) =>
        Limits.Where(limit => lossRate > limit.Loss || sinceSuccess.TotalDays > limit.Days).Select(limit => limit.Urgency).FirstOrDefault();
}
