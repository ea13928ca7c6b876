namespace EtlTools.Core.Health;

/// <summary>What is asked about.</summary>
public sealed record HealthQuery
{
    /// <summary>The time looked at, up to now.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(24);

    /// <summary>So many windows before this one, for the trend.</summary>
    public int PreviousWindows { get; init; } = 7;

    /// <summary>Only these users: the ingestions alone are asked then, for files have no users.</summary>
    public IReadOnlyList<Guid> UserId { get; init; } = [];

    /// <summary>Only these practices: the loads alone are asked then, for payloads have no practice.</summary>
    public IReadOnlyList<string> PracticeId { get; init; } = [];

    /// <summary>The schema of raw_ingestions; null: the one that is found.</summary>
    public string? Schema { get; init; }
    public HealthThresholds Thresholds { get; init; } = new();

    /// <exception cref="EtlException">HealthWindowInvalid, HealthThresholdInvalid.</exception>
    internal void Require()
    {
        const int MaxPrevious = 366;
        if (Window < TimeSpan.FromMinutes(1) || PreviousWindows is < 0 or > MaxPrevious
            || Window > TimeSpan.FromDays(3660) || Window * (PreviousWindows + 1) > TimeSpan.FromDays(36_600))
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "HealthWindowInvalid",
                $"A window lasts from one minute to ten years, with 0 to {MaxPrevious} windows before it, a hundred years in all.",
                "Window",
                "Give a duration such as 24h or 7d.");
        }

        Thresholds.Require();
    }
}
