using EtlTools.Core.Health;
using EtlTools.Core.Health.TableSyncs;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Tests.Health;

/// <summary>The limits of a table, at their edges. What the ledger says is made up here; its reading has tests of its own.</summary>
public sealed class TableFindingsTests
{
    private static readonly DateTime Now = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);
    private static readonly HealthWindows Windows = new(Now, TimeSpan.FromDays(1), 0);

    [Theory]
    [InlineData(1440, false)]
    [InlineData(1441, true)]
    public void A_table_is_overdue_above_its_limit(int minutes, bool isOverdue)
    {
        Assert.Equal(isOverdue, Find(Table() with { LastSuccessAt = Now.AddMinutes(-minutes) }, FindingKind.Overdue) is not null);
        Assert.Equal(isOverdue, Find(Table() with { LastSuccessAt = null, ConfiguredAt = Now.AddMinutes(-minutes) }, FindingKind.Overdue) is not null);
        Assert.Null(Find(Table() with { LastSuccessAt = Now.AddMinutes(-minutes), OverdueAfter = TimeSpan.FromDays(2) }, FindingKind.Overdue));
    }

    [Fact]
    public void Overdue_says_against_which_limit()
    {
        var finding = Find(Table() with { LastSuccessAt = Now.AddDays(-3) }, FindingKind.Overdue)!;

        Assert.Equal((72, 24, "last synced 3 days ago; the limit is 24h"), (finding.Value, finding.Limit, finding.Message));
        Assert.Equal(("patient", "practice", TableImportance.Standard), (finding.Name, finding.Source, finding.Importance));
    }

    [Fact]
    public void A_table_fails_until_it_succeeds()
    {
        Assert.Null(Find(Table(Good(1)), FindingKind.Failing));
        Assert.Null(Find(Table(Good(3), Bad(2), Good(1)), FindingKind.Failing));
        var finding = Find(Table(Bad(4), Bad(3) with { ErrorCode = null, State = TableSyncStatus.Interrupted }, Good(1)), FindingKind.Failing)!;
        Assert.Equal((2.0, "2 failures since the last success, the last with SourceUnreachable"), (finding.Value, finding.Message));
    }

    [Fact]
    public void A_run_that_tries_again_has_failed_once_and_not_while_it_is_at_it()
    {
        var run = Guid.NewGuid();
        var again = new[] { Bad(4) with { Run = run }, Bad(3) with { Run = run } };

        Assert.Equal(1, Find(Table([.. again, Good(1)]), FindingKind.Failing)!.Value);
        Assert.Null(Find(Table([Running(5) with { Run = run }, .. again, Good(1)]), FindingKind.Failing));
        Assert.Equal(1, Find(Table([Running(5), .. again, Good(1)]), FindingKind.Failing)!.Value);
    }

    [Theory]
    [InlineData(0.95, false)]
    [InlineData(0.9499, true)]
    public void Rows_below_the_threshold(double verified, bool isBelow)
    {
        var finding = Find(Table(Good(1) with { Verified = verified }) with { Threshold = 0.95 }, FindingKind.BelowThreshold);

        Assert.Equal(isBelow, finding is not null);
        Assert.Equal(isBelow ? 0.9499 : null, finding?.Value);
        Assert.Equal(isBelow ? 0.95 : null, finding?.Limit);
    }

    [Fact]
    public void A_sync_that_was_refused_for_its_rows_is_below_the_threshold_until_another_one_ends()
    {
        var refused = Bad(2) with { ErrorCode = "TableVerificationFailed", Verified = 0.999 };

        // One that was written and is not there is one too many.
        Assert.Equal((0.999, 1.0), Of(Find(Table(refused, Good(1)) with { Threshold = 0.95 }, FindingKind.BelowThreshold)!));
        Assert.Equal((0.5, 0.95), Of(Find(Table(refused with { Verified = 0.5 }, Good(1)) with { Threshold = 0.95 }, FindingKind.BelowThreshold)!));
        Assert.NotNull(Find(Table(Running(3), refused), FindingKind.BelowThreshold));
        Assert.Null(Find(Table(Good(3), refused), FindingKind.BelowThreshold));

        static (double, double) Of(HealthFinding finding) => (finding.Value, finding.Limit);
    }

    [Theory]
    [InlineData(30, false)]
    [InlineData(31, true)]
    public void Slow_is_above_three_times_the_usual(int minutes, bool isSlow) => Assert.Equal(
        isSlow, Find(Table(Good(5, minutes), Good(4, 9), Good(3, 10), Good(2, 12), Good(1, 600) with { Mode = SyncMode.Full }), FindingKind.Slow) is not null);

    [Fact]
    public void Slow_needs_a_usual_and_more_than_five_minutes()
    {
        Assert.Null(Find(Table(Good(3, 600), Good(2, 1), Good(1, 1)), FindingKind.Slow));
        Assert.NotNull(Find(Table(Good(4, 600), Good(3, 1), Good(2, 1), Good(1, 1)), FindingKind.Slow));
        Assert.Null(Find(Table(Good(4, 5), Good(3, 1), Good(2, 1), Good(1, 1)), FindingKind.Slow));
        Assert.NotNull(Find(Table(Good(4, 6), Good(3, 1), Good(2, 1), Good(1, 1)), FindingKind.Slow));
        Assert.NotNull(Find(Table(Good(4, 5), Good(3, 1), Good(2, 1), Good(1, 1)), FindingKind.Slow, new HealthThresholds { SlowAfter = TimeSpan.FromMinutes(4) }));
        Assert.Null(Find(Table(Good(4, 600), Good(3, 1), Good(2, 1), Good(1, 1)), FindingKind.Slow, new HealthThresholds { SlowFactor = 600 }));
    }

    [Theory]
    [InlineData(20, false)]
    [InlineData(21, true)]
    public void Slow_is_above_the_tables_limit_too(int minutes, bool isSlow)
    {
        var finding = Find(Table(Good(1, minutes)) with { TimeLimit = TimeSpan.FromMinutes(20) }, FindingKind.Slow);

        Assert.Equal(isSlow, finding is not null);
        Assert.Equal(isSlow ? "took 21m; the limit is 20m" : null, finding?.Message);
    }

    [Fact]
    public void A_sync_that_its_limit_ended_was_slow_and_one_of_long_ago_is_no_news()
    {
        var ended = Bad(2) with { ErrorCode = "TableTimeLimit", FinishedAt = Now.AddHours(-1), StartedAt = Now.AddHours(-2) };
        Assert.Equal((60, 60), Of(Find(Table(ended), FindingKind.Slow)!));
        Assert.Null(Find(Table(Bad(2)), FindingKind.Slow));

        var edge = Good(1, 60) with { StartedAt = Windows.From.AddHours(-1), FinishedAt = Windows.From };
        var limited = Table() with { TimeLimit = TimeSpan.FromMinutes(20) };
        Assert.NotNull(Find(limited with { Recent = [edge] }, FindingKind.Slow));
        Assert.Null(Find(limited with { Recent = [edge with { StartedAt = edge.StartedAt.AddTicks(-1), FinishedAt = Windows.From.AddTicks(-1) }] }, FindingKind.Slow));

        static (double, double) Of(HealthFinding finding) => (finding.Value, finding.Limit);
    }

    [Fact]
    public void Drift_that_the_copy_followed_is_told_once_and_what_is_left_out_each_time()
    {
        var known = Good(1) with { Drift = ["Old is gone"] };
        Assert.Null(Find(Table(known), FindingKind.Drifted));
        Assert.Equal("New is new", Find(Table(known) with { NewDrift = ["New is new"] }, FindingKind.Drifted)!.Message);
        Assert.Equal("Old is gone", Find(Table(known) with { Contract = SchemaContract.DiscardValue }, FindingKind.Drifted)!.Message);

        var discarding = Table(Good(1)) with { Contract = SchemaContract.DiscardRow };
        Assert.Null(Find(discarding, FindingKind.Drifted));
        Assert.Equal(
            (3, "1 row left out; 2 values left out"),
            Find(discarding with { Window = new WindowReading { Missing = 1 }, ValuesDiscarded = 2 }, FindingKind.Drifted) is { } finding ? (finding.Value, finding.Message) : default);
    }

    [Theory]
    [InlineData("SchemaDrift", true)]
    [InlineData("SchemaDriftUnsafe", true)]
    [InlineData("SchemaDriftBlocked", true)]
    [InlineData("TableConfigColumnMissing", true)]
    [InlineData("SourceUnreachable", false)]
    public void Drift_that_stops_a_sync_is_drift(string code, bool isDrift) =>
        Assert.Equal(isDrift, Find(Table(Bad(2) with { ErrorCode = code }, Good(1)), FindingKind.Drifted) is not null);

    [Theory]
    [InlineData(TableImportance.Critical, FindingKind.Failing, HealthSeverity.Critical, AlertTier.Immediate)]
    [InlineData(TableImportance.Critical, FindingKind.Overdue, HealthSeverity.Critical, AlertTier.Immediate)]
    [InlineData(TableImportance.Critical, FindingKind.BelowThreshold, HealthSeverity.Critical, AlertTier.Immediate)]
    [InlineData(TableImportance.Critical, FindingKind.Slow, HealthSeverity.Warning, AlertTier.Within15Minutes)]
    [InlineData(TableImportance.Critical, FindingKind.Drifted, HealthSeverity.Warning, AlertTier.Within15Minutes)]
    [InlineData(TableImportance.Important, FindingKind.Failing, HealthSeverity.Warning, AlertTier.Within15Minutes)]
    [InlineData(TableImportance.Important, FindingKind.BelowThreshold, HealthSeverity.Warning, AlertTier.Immediate)]
    [InlineData(TableImportance.Important, FindingKind.Slow, HealthSeverity.Warning, AlertTier.Within15Minutes)]
    [InlineData(TableImportance.Audit, FindingKind.Failing, HealthSeverity.Warning, AlertTier.Daily)]
    [InlineData(TableImportance.Reference, FindingKind.Overdue, HealthSeverity.Warning, AlertTier.Daily)]
    [InlineData(TableImportance.Standard, FindingKind.BelowThreshold, HealthSeverity.Warning, AlertTier.Daily)]
    public void How_bad_it_is_and_how_soon_it_is_heard_of_goes_by_importance(TableImportance importance, FindingKind kind, HealthSeverity severity, AlertTier tier)
    {
        var wrong = Table(Bad(3, 600) with { ErrorCode = "TableVerificationFailed" }, Good(1)) with
        {
            Importance = importance,
            LastSuccessAt = Now.AddDays(-2),
        };
        wrong = kind switch
        {
            FindingKind.Slow => Table(Good(1, 600)) with { Importance = importance, TimeLimit = TimeSpan.FromMinutes(1) },
            FindingKind.Drifted => Table(Good(1)) with { Importance = importance, NewDrift = ["New is new"] },
            _ => wrong,
        };

        var alert = Assess(wrong).Alerts.Single(alert => alert.Id == $"Table{kind}");

        Assert.Equal((severity, tier, 1.0), (alert.Severity, alert.Tier, alert.Value));
    }

    [Fact]
    public void Every_alert_has_a_tier_by_its_severity()
    {
        Assert.Equal(AlertTier.Immediate, AlertTiers.Of(HealthSeverity.Critical, AlertIds.DataLoss));
        Assert.Equal(AlertTier.Immediate, AlertTiers.Of(HealthSeverity.Critical, AlertIds.BacklogAge));
        Assert.Equal(AlertTier.Within15Minutes, AlertTiers.Of(HealthSeverity.Warning, AlertIds.StuckWork));
        Assert.Equal(AlertTier.Daily, AlertTiers.Of(HealthSeverity.Warning, AlertIds.SubjectSuccess));
    }

    [Fact]
    public void Tables_of_one_importance_share_an_alert_and_the_general_limits_are_not_theirs()
    {
        var failing = Enumerable.Range(1, 7).Select(n => Table(Bad(2), Good(1)) with
        {
            Name = $"t{n}",
            Importance = n == 7 ? TableImportance.Critical : TableImportance.Reference,
            Window = new WindowReading { Total = 1, Failed = 1, Expected = 10, Missing = 0 },
        }).ToArray();

        var (alerts, impact) = Assess(failing);

        Assert.Equal(
            [("TableFailing", HealthSeverity.Critical, 1.0), ("TableFailing", HealthSeverity.Warning, 6.0)],
            alerts.Select(alert => (alert.Id, alert.Severity, alert.Value)));
        Assert.EndsWith("t5 (1 failure since the last success, the last with SourceUnreachable); and 1 more.", alerts[1].Message, StringComparison.Ordinal);
        Assert.Equal(7, impact.Count);
        Assert.Equal(("t7", ImpactUrgency.High), (impact[0].TableName, impact[0].Urgency));
    }

    [Fact]
    public void A_table_whose_failures_are_nobodys_alert_is_shown_all_the_same()
    {
        var (alerts, impact) = Assess(Table(Bad(2), Good(1)) with { AlertsOnFailure = false, Window = new WindowReading { Total = 1, Failed = 1 } });

        Assert.Empty(alerts);
        Assert.Equal([FindingKind.Failing], Assert.Single(impact).Finding);
    }

    [Theory]
    [InlineData(TableImportance.Standard, 1.01, ImpactUrgency.Medium)]
    [InlineData(TableImportance.Standard, 3, ImpactUrgency.Medium)]
    [InlineData(TableImportance.Standard, 3.01, ImpactUrgency.High)]
    [InlineData(TableImportance.Standard, 7.01, ImpactUrgency.Urgent)]
    [InlineData(TableImportance.Important, 1.01, ImpactUrgency.High)]
    [InlineData(TableImportance.Important, 3.01, ImpactUrgency.Urgent)]
    [InlineData(TableImportance.Critical, 1.01, ImpactUrgency.Urgent)]
    [InlineData(TableImportance.Critical, 1, null)]
    public void The_urgency_goes_by_importance_and_by_how_often_the_limit_has_passed(TableImportance importance, double limits, ImpactUrgency? urgency)
    {
        var (_, impact) = Assess(Table(Good(1)) with { Importance = importance, OverdueAfter = TimeSpan.FromDays(7), LastSuccessAt = Now.AddDays(-7 * limits) });

        Assert.Equal(urgency, impact.SingleOrDefault()?.Urgency);
    }

    [Fact]
    public void The_action_is_about_what_is_worst_and_names_a_command()
    {
        var (_, impact) = Assess(
            Table(Bad(2), Good(1)) with { Name = "fails", LastSuccessAt = Now.AddDays(-9) },
            Table(Good(1)) with { Name = "it's late", LastSuccessAt = Now.AddDays(-2), Importance = TableImportance.Critical },
            Table(Good(1) with { Verified = 0.1 }) with { Name = "lacks" });

        Assert.Equal(
            [
                ("it's late", "URGENT: Sync this table now", "Sync-Table -Name 'it''s late' -Source 'practice' -WhatIf"),
                ("fails", "URGENT: Look at the error and sync this table now", "Get-TableStatus -Name 'fails' -Source 'practice' | Format-List Name, Condition, Failures, ErrorCode, Error"),
                ("lacks", "URGENT: Compare this table with its source now", "Compare-Table -Name 'lacks' -Source 'practice'"),
            ],
            impact.Select(one => (one.Subject, one.RecommendedAction, one.Command)));
    }

    [Fact]
    public void What_fails_is_looked_at_before_it_is_synced()
    {
        var failing = Table(Bad(2) with { ErrorCode = "SchemaDrift" }, Good(1)) with { Name = "fails", LastSuccessAt = Now.AddDays(-2) };
        var late = Table(Good(1)) with { Name = "late", LastSuccessAt = Now.AddDays(-2) };

        var advice = Assessment(failing, late, late with { Name = "later", Source = "other" }).Recommendations().Select(one => one.Command).ToList();

        Assert.Equal(
            [
                "Get-TableStatus -Name 'fails' -Source 'practice' | Format-List Name, Condition, Failures, ErrorCode, Error",
                "Sync-Table -Name 'late' -Source 'practice' -WhatIf",
                "Sync-Table -Name 'later' -Source 'other' -WhatIf",
            ],
            advice);
    }

    [Fact]
    public void Many_tables_are_found_by_their_condition()
    {
        var many = Enumerable.Range(1, 21).Select(n => Table(Bad(2), Good(1)) with { Name = $"t{n}", LastSuccessAt = Now.AddDays(-2) });
        var late = Enumerable.Range(1, 21).Select(n => Table(Good(1)) with { Name = $"l{n}", LastSuccessAt = Now.AddDays(-2) });

        var advice = Assessment([.. many, .. late]).Recommendations().Select(one => one.Command).ToList();

        Assert.Equal(
            [
                "Get-TableStatus -Source 'practice' -Condition Failed, Interrupted | Format-List Name, Condition, Failures, ErrorCode, Error",
                "Get-TableStatus -Source 'practice' | Where-Object IsOverdue | Sync-Table -Source 'practice' -WhatIf",
            ],
            advice);
    }

    private static TableReading Table(params SyncReading[] recent) => new()
    {
        Name = "patient",
        Source = "practice",
        OverdueAfter = TimeSpan.FromDays(1),
        Threshold = 0.95,
        ConfiguredAt = Now.AddDays(-30),
        LastSuccessAt = Now,
        Recent = recent,
    };

    private static SyncReading Good(long id, int minutes = 1) => new()
    {
        Id = id,
        Run = Guid.NewGuid(),
        Mode = SyncMode.Incremental,
        State = TableSyncStatus.Completed,
        StartedAt = Now.AddMinutes(-minutes),
        FinishedAt = Now,
        Verified = 1,
    };

    private static SyncReading Bad(long id, int minutes = 1) =>
        Good(id, minutes) with { State = TableSyncStatus.Failed, ErrorCode = "SourceUnreachable", Verified = null };

    private static SyncReading Running(long id) => Good(id) with { State = TableSyncStatus.Running, FinishedAt = null, Verified = null };

    private static HealthFinding? Find(TableReading table, FindingKind kind, HealthThresholds? limits = null) =>
        TableFindings.Of(table, Windows, limits ?? new HealthThresholds()).SingleOrDefault(finding => finding.Kind == kind);

    private static (IReadOnlyList<HealthAlert> Alerts, IReadOnlyList<HealthImpact> Impact) Assess(params TableReading[] tables)
    {
        var assessment = Assessment(tables);
        var impact = assessment.Impact();
        return (assessment.Alerts(impact), impact);
    }

    private static HealthAssessment Assessment(params TableReading[] tables) => new(
        new TableHealth([]),
        new FamilyReading
        {
            Unit = "sync",
            RecordUnit = "row",
            SubjectUnit = "table",
            HasOwnLimits = true,
            BacklogCount = 1,
            BacklogOldestAt = Now.AddDays(-9),
            Windows = new Dictionary<int, WindowReading> { [1] = new() { Total = 1, Failed = 1 } },
            Subjects = [.. tables.Select(TableHealth.ToSubject)],
        },
        Windows,
        new HealthQuery { PreviousWindows = 0 },
        TimeZoneInfo.Utc);
}
