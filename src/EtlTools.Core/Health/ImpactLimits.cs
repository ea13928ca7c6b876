using EtlTools.Core.Tables.Configuration;

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

    /// <summary>One step for what is important, two for what is critical, and not beyond the highest.</summary>
    public static ImpactUrgency Raise(ImpactUrgency urgency, TableImportance importance)
    {
        var steps = importance switch { TableImportance.Critical => 2, TableImportance.Important => 1, _ => 0 };
        return (ImpactUrgency)Math.Min((int)urgency + steps, (int)ImpactUrgency.Urgent);
    }

    public static ImpactUrgency Urgency(double lossRate, TimeSpan sinceSuccess) =>
        Limits.Where(limit => lossRate > limit.Loss || sinceSuccess.TotalDays > limit.Days).Select(limit => limit.Urgency).FirstOrDefault();
}
