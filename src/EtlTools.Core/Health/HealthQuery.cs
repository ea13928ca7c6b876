namespace EtlTools.Core.Health;

/// <summary>What is asked about.</summary>
public sealed record HealthQuery
{
    /// <summary>The time looked at, up to now.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(24);

    /// <summary>So many windows before this one, for the trend.</summary>
    public int PreviousWindows { get; init; } = 7;

    /// <summary>Only these users: the ingestions alone are asked then, for nothing else has users.</summary>
    public IReadOnlyList<Guid> UserId { get; init; } = [];

    /// <summary>Only these practices: the loads alone are asked then, for nothing else has a practice.</summary>
    public IReadOnlyList<string> PracticeId { get; init; } = [];

    /// <summary>The schema of raw_ingestions; null: the one that is found.</summary>
    public string? Schema { get; init; }
    public HealthThresholds Thresholds { get; init; } = new();

    /// <exception cref="EtlException">HealthWindowInvalid, HealthThresholdInvalid.</exception>
    internal void Require()
    {
        const int MaxPrevious = 366;
        const int MaxYears = 10;
        const int MaxYearsInAll = 100;
        if (Window < TimeSpan.FromMinutes(1))
        {
            throw Invalid($"A window of {Duration.Write(Window)} is shorter than a minute.", "Window", "Give a duration such as 24h or 7d.");
        }

        if (Window > Years(MaxYears))
        {
            throw Invalid(
                $"A window of {Duration.Write(Window)} is longer than {MaxYears} years.", "Window",
                "Give a duration such as 24h or 7d; a number without a unit is hours.");
        }

        if (PreviousWindows is < 0 or > MaxPrevious)
        {
            throw Invalid($"{PreviousWindows} windows before the one asked about are not 0 to {MaxPrevious}.", "PreviousWindow", $"Give 0 to {MaxPrevious}.");
        }

        if (Window * (PreviousWindows + 1) > Years(MaxYearsInAll))
        {
            throw Invalid(
                $"A window of {Duration.Write(Window)} with {PreviousWindows} before it reaches back more than {MaxYearsInAll} years.", "PreviousWindow",
                "Give fewer previous windows, or a shorter one.");
        }

        Thresholds.Require();
        static TimeSpan Years(int years) => TimeSpan.FromDays(366 * years);
        static EtlException Invalid(string message, string target, string nextStep) =>
            new(EtlErrorKind.InvalidInput, "HealthWindowInvalid", message, target, nextStep);
    }
}
