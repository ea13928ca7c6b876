namespace EtlTools.Core.Health;

/// <summary>The limits that alerts go by. Rates are shares, 0 to 1; an alert is raised above a limit, not at it.</summary>
public sealed record HealthThresholds
{
    /// <summary>Share of the records missing; also of the metrics rejected, and of the payloads that cannot be read.</summary>
    public double DataLossWarning { get; init; } = 0.05;
    public double DataLossCritical { get; init; } = 0.10;
    public double FailureWarning { get; init; } = 0.10;
    public double FailureCritical { get; init; } = 0.20;

    /// <summary>A user or practice with a smaller share of items processed needs action.</summary>
    public double MinSuccessRate { get; init; } = 0.80;

    /// <summary>Age at which work that gives no sign of life counts as stuck.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromHours(2);
    public TimeSpan BacklogWarning { get; init; } = TimeSpan.FromHours(4);
    public TimeSpan BacklogCritical { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A sync of a table is slow that took so many times as long as usual, and longer than SlowAfter.</summary>
    public double SlowFactor { get; init; } = 3;
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A limit for a warning must not lie above that for an alert.</summary>
    /// <exception cref="EtlException">HealthThresholdInvalid.</exception>
    public void Require()
    {
        RequireRate(DataLossWarning, "DataLossWarning");
        RequireRate(DataLossCritical, "DataLossCritical");
        RequireRate(FailureWarning, "FailureWarning");
        RequireRate(FailureCritical, "FailureCritical");
        RequireRate(MinSuccessRate, "MinSuccessRate");
        RequireOrder(DataLossWarning <= DataLossCritical, "DataLossWarning", "DataLossCritical");
        RequireOrder(FailureWarning <= FailureCritical, "FailureWarning", "FailureCritical");
        RequireOrder(BacklogWarning <= BacklogCritical, "BacklogWarning", "BacklogCritical");
        if (!(SlowFactor is >= 1 and < double.PositiveInfinity))
        {
            throw Invalid("SlowFactor is less than 1, or no number.", "SlowFactor", "Give so many times the usual duration, such as 3.");
        }

        if (SlowAfter < TimeSpan.Zero)
        {
            throw Invalid("SlowAfter is less than zero.", "SlowAfter", "Give a duration such as 5m.");
        }

        if (StuckAfter <= TimeSpan.Zero || BacklogWarning <= TimeSpan.Zero)
        {
            throw Invalid("A time limit is zero or less.", "StuckAfter", "Give StuckAfter and BacklogWarning a duration such as 2h.");
        }
    }

    private static void RequireRate(double rate, string name)
    {
        if (!(rate is >= 0 and <= 1))
        {
            throw Invalid($"{name} is not a share from 0 to 1.", name, "Give a share such as 0.05 or 5%.");
        }
    }

    private static void RequireOrder(bool isInOrder, string warning, string critical)
    {
        if (!isInOrder)
        {
            throw Invalid(
                $"{warning} lies above {critical}, so that the alert would come before its warning.",
                warning,
                $"Give {warning} a value of at most {critical}; limits that are not given come from etl.yaml or are the defaults.");
        }
    }

    private static EtlException Invalid(string message, string target, string nextStep) =>
        new(EtlErrorKind.InvalidInput, "HealthThresholdInvalid", message, target, nextStep);
}
