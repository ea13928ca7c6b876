using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Health;

/// <summary>How soon somebody has to hear of an alert.</summary>
public enum AlertTier
{
    /// <summary>In the daily summary.</summary>
    Daily,
    Within15Minutes,

    /// <summary>At once, whatever the hour.</summary>
    Immediate,
}

/// <summary>
/// The one rule for tiers. What is about a table goes by its importance: critical at once, important within 15 minutes, the
/// others daily; a time overrun wakes nobody up, and lost rows of an important table do. All else goes by its severity.
/// </summary>
internal static class AlertTiers
{
    public static AlertTier Of(FindingKind kind, TableImportance importance) => (importance, kind) switch
    {
        (TableImportance.Critical, FindingKind.Slow or FindingKind.Drifted) => AlertTier.Within15Minutes,
        (TableImportance.Critical, _) => AlertTier.Immediate,
        (TableImportance.Important, FindingKind.BelowThreshold) => AlertTier.Immediate,
        (TableImportance.Important, _) => AlertTier.Within15Minutes,
        _ => AlertTier.Daily,
    };

    public static AlertTier Of(HealthSeverity severity, string alertId) => (severity, alertId) switch
    {
        (HealthSeverity.Critical, _) => AlertTier.Immediate,
        (_, AlertIds.SubjectSuccess) => AlertTier.Daily,
        _ => AlertTier.Within15Minutes,
    };
}
