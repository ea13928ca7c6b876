using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Health;

namespace EtlTools.Cmdlets;

/// <summary>A command that asks how processing goes: what about, and by which limits.</summary>
public abstract class EtlHealthCmdlet : EtlDatabaseCmdlet
{
    private static readonly HealthQuery Defaults = new();

    // Behind the path of an export; where there is none it is the first.
    [Parameter(Position = 1)]
    [Duration]
    public TimeSpan Window { get; set; } = Defaults.Window;

    [Parameter]
    [ValidateRange(0, 366)]
    public int PreviousWindow { get; set; } = Defaults.PreviousWindows;

    [Parameter]
    [ValidateNotNull]
    public Guid[] UserId { get; set; } = [];

    [Parameter]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(PracticeIdCompleter))]
    public string[] PracticeId { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(IngestionSchemaCompleter))]
    public string? Schema { get; set; }

    [Parameter]
    [Rate]
    public double? DataLossWarning { get; set; }

    [Parameter]
    [Rate]
    public double? DataLossCritical { get; set; }

    [Parameter]
    [Rate]
    public double? FailureWarning { get; set; }

    [Parameter]
    [Rate]
    public double? FailureCritical { get; set; }

    [Parameter]
    [Rate]
    public double? MinSuccessRate { get; set; }

    [Parameter]
    [Duration]
    public TimeSpan StuckAfter { get; set; }

    [Parameter]
    [Duration]
    public TimeSpan BacklogWarning { get; set; }

    [Parameter]
    [Duration]
    public TimeSpan BacklogCritical { get; set; }

    [Parameter]
    public double? SlowFactor { get; set; }

    [Parameter]
    [Duration]
    public TimeSpan SlowAfter { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationFile { get; set; }

    protected ProcessingHealth ReadHealth()
    {
        var monitor = new HealthMonitor(Database);
        var query = new HealthQuery
        {
            Window = Window,
            PreviousWindows = PreviousWindow,
            UserId = UserId,
            PracticeId = PracticeId,
            Schema = Schema,
            Thresholds = Limits(),
        };
        return Await(token => monitor.GetAsync(query, TimeZoneInfo.Local, token));
    }

    /// <summary>A health that was given; what says how to read one is of no use then, and so a mistake.</summary>
    protected void RequireUnasked()
    {
        var asked = typeof(EtlHealthCmdlet).GetProperties().FirstOrDefault(property =>
            property.DeclaringType == typeof(EtlHealthCmdlet) && IsBound(property.Name));
        if (asked is not null)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "HealthGivenTwice",
                $"-{asked.Name} says how to read the health, and a health that was read already came through the pipe.",
                asked.Name,
                $"Give -{asked.Name} to Get-ProcessingHealth, or leave the pipe out.");
        }
    }

    /// <summary>The parameters, over the limits of etl.yaml, over the defaults.</summary>
    private HealthThresholds Limits()
    {
        var configured = EtlProfiles.Load(ConfigurationFile is null ? null : GetUnresolvedProviderPathFromPSPath(ConfigurationFile), Folder).Health;
        return new HealthThresholds
        {
            DataLossWarning = DataLossWarning ?? configured.DataLossWarning,
            DataLossCritical = DataLossCritical ?? configured.DataLossCritical,
            FailureWarning = FailureWarning ?? configured.FailureWarning,
            FailureCritical = FailureCritical ?? configured.FailureCritical,
            MinSuccessRate = MinSuccessRate ?? configured.MinSuccessRate,
            StuckAfter = IsBound(nameof(StuckAfter)) ? StuckAfter : configured.StuckAfter,
            BacklogWarning = IsBound(nameof(BacklogWarning)) ? BacklogWarning : configured.BacklogWarning,
            BacklogCritical = IsBound(nameof(BacklogCritical)) ? BacklogCritical : configured.BacklogCritical,
            SlowFactor = SlowFactor ?? configured.SlowFactor,
            SlowAfter = IsBound(nameof(SlowAfter)) ? SlowAfter : configured.SlowAfter,
        };
    }

    private bool IsBound(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
}
