using EtlTools.Core;
using EtlTools.Core.Health;
using EtlTools.Core.Health.Loads;
using EtlTools.Core.Runs;

namespace EtlTools.Tests.Health;

/// <summary>The limits, at their edges. What the tables say is made up here; the readings have tests of their own.</summary>
public sealed class AssessmentTests
{
    private static readonly DateTime Now = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(5, null)]
    [InlineData(6, HealthSeverity.Warning)]
    [InlineData(10, HealthSeverity.Warning)]
    [InlineData(11, HealthSeverity.Critical)]
    public void Data_loss_is_a_warning_above_5_percent_and_critical_above_10(long missing, HealthSeverity? severity) =>
        AssertAlert("DataLoss", severity, new WindowReading { Total = 1, Processed = 1, Expected = 100, Missing = missing, ItemsWithLoss = 1 });

    [Theory]
    [InlineData(5, null)]
    [InlineData(6, HealthSeverity.Warning)]
    [InlineData(10, HealthSeverity.Warning)]
    [InlineData(11, HealthSeverity.Critical)]
    public void Rejected_metrics_are_judged_as_loss_is(long rejected, HealthSeverity? severity) => AssertAlert(
        "RejectedMetrics", severity, new WindowReading { Total = 1, Processed = 1, Expected = 100 - rejected, Rejected = rejected, ItemsWithRejected = 1 });

    [Theory]
    [InlineData(5, null)]
    [InlineData(6, HealthSeverity.Warning)]
    [InlineData(11, HealthSeverity.Critical)]
    public void Payloads_that_cannot_be_read_are_judged_as_loss_is(long unreadable, HealthSeverity? severity) =>
        AssertAlert("UnreadablePayload", severity, new WindowReading { Total = 100, Processed = 100, Unreadable = unreadable });

    [Fact]
    public void What_is_rejected_or_unreadable_makes_a_user_urgent()
    {
        var (_, impact) = Assess(Reading(new WindowReading { Total = 1, Processed = 1 }) with
        {
            Subjects =
            [
                new SubjectReading { PracticeId = "a", Total = 1, Processed = 1, Rejected = 60, Expected = 40, LastSuccessAt = Now, FirstSeenAt = Now },
                new SubjectReading { PracticeId = "b", Total = 10, Processed = 10, Unreadable = 3, Expected = 40, LastSuccessAt = Now, FirstSeenAt = Now },
                new SubjectReading { PracticeId = "c", Total = 1, Processed = 1, Rejected = 5, Expected = 95, LastSuccessAt = Now, FirstSeenAt = Now },
            ],
        });

        Assert.Equal([("a", ImpactUrgency.Urgent), ("b", ImpactUrgency.High)], impact.Select(one => (one.PracticeId!, one.Urgency)));
    }

    [Theory]
    [InlineData(10, null)]
    [InlineData(11, HealthSeverity.Warning)]
    [InlineData(20, HealthSeverity.Warning)]
    [InlineData(21, HealthSeverity.Critical)]
    public void Failures_are_a_warning_above_10_percent_and_critical_above_20(long failed, HealthSeverity? severity) =>
        AssertAlert("ProcessingFailure", severity, new WindowReading { Total = 100, Processed = 100 - failed, Failed = failed });

    [Theory]
    [InlineData(80, 20, false)]
    [InlineData(79, 21, true)]
    public void A_practice_below_80_percent_needs_action(long processed, long failed, bool isAlert)
    {
        var reading = Reading(new WindowReading { Total = 1000, Processed = 1000 }) with
        {
            Subjects = [new SubjectReading { PracticeId = "535", Total = 100, Processed = processed, Failed = failed, LastSuccessAt = Now, FirstSeenAt = Now }],
        };

        var (alerts, impact) = Assess(reading);

        Assert.Equal(isAlert, alerts.Any(alert => alert is { Id: "SubjectSuccess", Severity: HealthSeverity.Warning, Threshold: 0.80 }));
        Assert.Equal(processed / 100.0, Assert.Single(impact).SuccessRate);
    }

    [Theory]
    [InlineData(240, null)]
    [InlineData(241, HealthSeverity.Warning)]
    [InlineData(1440, HealthSeverity.Warning)]
    [InlineData(1441, HealthSeverity.Critical)]
    public void A_backlog_is_a_warning_after_4_hours_and_critical_after_24(int minutes, HealthSeverity? severity)
    {
        var (alerts, _) = Assess(Reading(null) with { BacklogCount = 1, BacklogOldestAt = Now.AddMinutes(-minutes) });

        Assert.Equal(severity, alerts.SingleOrDefault(alert => alert.Id == "BacklogAge")?.Severity);
    }

    [Fact]
    public void Stuck_work_is_a_warning_and_a_run_that_read_nothing_is_critical()
    {
        var (alerts, _) = Assess(Reading(null) with
        {
            FailedRuns = 1,
            Stuck = [new StuckWork { Count = 1, Age = TimeSpan.FromHours(3) }],
        });

        Assert.Equal(
            [("RunFailed", HealthSeverity.Critical), ("StuckWork", HealthSeverity.Warning)],
            alerts.Select(alert => (alert.Id, alert.Severity)).Order());
    }

    [Theory]
    [InlineData(0, 0, ImpactUrgency.Low)]
    [InlineData(0.10, 1, ImpactUrgency.Low)]
    [InlineData(0.11, 0, ImpactUrgency.Medium)]
    [InlineData(0, 1.01, ImpactUrgency.Medium)]
    [InlineData(0.20, 3, ImpactUrgency.Medium)]
    [InlineData(0.21, 0, ImpactUrgency.High)]
    [InlineData(0, 3.01, ImpactUrgency.High)]
    [InlineData(0.50, 7, ImpactUrgency.High)]
    [InlineData(0.51, 0, ImpactUrgency.Urgent)]
    [InlineData(0, 7.01, ImpactUrgency.Urgent)]
    public void The_urgency_goes_by_loss_or_days_since_success_whichever_is_worse(double loss, double days, ImpactUrgency urgency) =>
        Assert.Equal(urgency, ImpactLimits.Urgency(loss, TimeSpan.FromDays(days)));

    [Fact]
    public void One_that_never_succeeded_is_as_urgent_as_it_has_been_known()
    {
        var (_, impact) = Assess(Reading(new WindowReading { Total = 1, Failed = 1 }) with
        {
            Subjects = [new SubjectReading { PracticeId = "535", Total = 1, Failed = 1, FirstSeenAt = Now.AddDays(-4) }],
        });

        var one = Assert.Single(impact);
        Assert.Equal((ImpactUrgency.High, null, "HIGH: Schedule a reload for this practice"), (one.Urgency, one.DaysSinceSuccess, one.RecommendedAction));
    }

    [Fact]
    public void Nothing_at_all_is_no_data_and_something_good_is_healthy()
    {
        Assert.Equal(HealthStatus.NoData, Status(null));
        Assert.Equal(HealthStatus.Healthy, Status(new WindowReading { Total = 1, Processed = 1 }));
        Assert.Equal(HealthStatus.Critical, Status(new WindowReading { Total = 1, Failed = 1 }));
    }

    [Fact]
    public void Limits_can_be_set_and_must_be_in_order()
    {
        var strict = new HealthThresholds { FailureWarning = 0, FailureCritical = 0.5 };
        var (alerts, _) = Assess(Reading(new WindowReading { Total = 100, Failed = 1, Processed = 99 }), strict);
        Assert.Equal((HealthSeverity.Warning, 0.0, 0.01), (alerts.Single().Severity, alerts.Single().Threshold, alerts.Single().Value));

        foreach (var wrong in new[]
        {
            new HealthThresholds { DataLossWarning = 0.11 },
            new HealthThresholds { FailureCritical = 0.09 },
            new HealthThresholds { MinSuccessRate = 1.1 },
            new HealthThresholds { DataLossCritical = double.NaN },
            new HealthThresholds { BacklogWarning = TimeSpan.FromDays(2) },
            new HealthThresholds { StuckAfter = TimeSpan.Zero },
        })
        {
            var error = Assert.Throws<EtlException>(wrong.Require);
            Assert.Equal((EtlErrorKind.InvalidInput, "HealthThresholdInvalid"), (error.Kind, error.ErrorId));
        }
    }

    private static void AssertAlert(string id, HealthSeverity? severity, WindowReading window)
    {
        var (alerts, _) = Assess(Reading(window));
        Assert.Equal(severity, alerts.SingleOrDefault()?.Severity);
        Assert.All(alerts, alert => Assert.Equal(id, alert.Id));
        Assert.All(alerts, alert => Assert.True(alert.Value > alert.Threshold));
    }

    private static FamilyReading Reading(WindowReading? current) => new()
    {
        Unit = "file",
        RecordUnit = "row",
        SubjectUnit = "practice",
        CountsRejected = true,
        Windows = current is null ? [] : new Dictionary<int, WindowReading> { [1] = current },
    };

    private static HealthStatus Status(WindowReading? window)
    {
        var assessment = Assessment(Reading(window), new HealthThresholds());
        return assessment.Health(assessment.Alerts([])).Status;
    }

    private static (IReadOnlyList<HealthAlert> Alerts, IReadOnlyList<HealthImpact> Impact) Assess(FamilyReading reading, HealthThresholds? limits = null)
    {
        var assessment = Assessment(reading, limits ?? new HealthThresholds());
        var impact = assessment.Impact();
        return (assessment.Alerts(impact), impact);
    }

    private static HealthAssessment Assessment(FamilyReading reading, HealthThresholds limits) => new(
        new LoadHealth(new RunLiveness(LeasesVisible: true, [])),
        reading,
        new HealthWindows(Now, TimeSpan.FromDays(1), 0),
        new HealthQuery { PreviousWindows = 0, Thresholds = limits },
        TimeZoneInfo.Utc);
}
