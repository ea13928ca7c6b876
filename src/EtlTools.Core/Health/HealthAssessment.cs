namespace EtlTools.Core.Health;

/// <summary>Judges what was read of one family by the limits. It asks no database.</summary>
internal sealed class HealthAssessment(IHealthFamily family, FamilyReading reading, HealthWindows windows, HealthQuery query, TimeZoneInfo zone)
{
    private readonly WindowReading _current = reading.Windows.GetValueOrDefault(windows.Current) ?? new WindowReading();

    public FamilyHealth Health(IReadOnlyList<HealthAlert> alerts)
    {
        var status = alerts.Count == 0
            ? _current.Total == 0 ? HealthStatus.NoData : HealthStatus.Healthy
            : alerts.Any(alert => alert.Severity == HealthSeverity.Critical) ? HealthStatus.Critical : HealthStatus.Warning;
        return new FamilyHealth
        {
            Family = family.Family,
            IsIncluded = true,
            Status = status,
            LastSuccessAt = InZone(reading.LastSuccessAt),
            Detail = status == HealthStatus.NoData ? $"no {reading.Unit} came in" : "",
        };
    }

    public HealthOverall Overall() => new()
    {
        Family = family.Family,
        Unit = reading.Unit,
        Total = _current.Total,
        Processed = _current.Processed,
        Partial = _current.Partial,
        Failed = _current.Failed,
        Waiting = _current.Waiting,
        Recovered = _current.Recovered,
        SuccessRate = Rate(_current.Processed, _current.Total),
        FailureRate = Rate(_current.Failed, _current.Total),
    };

    public HealthDataLoss DataLoss() => new()
    {
        Family = family.Family,
        Unit = reading.Unit,
        RecordUnit = reading.RecordUnit,
        Items = _current.ItemsWithLoss,
        Expected = _current.Expected,
        Present = _current.Expected - _current.Missing,
        Missing = _current.Missing,
        Rate = Rate(_current.Missing, _current.Expected),
        Rejected = OfAudits(_current.Rejected),
        RejectedItems = OfAudits(_current.ItemsWithRejected),
        RejectedRate = RejectedRate,
        Unreadable = OfAudits(_current.Unreadable),
        BeyondRecovery = OfAudits(_current.BeyondRecovery),
        Audited = _current.Audited,
    };

    public IEnumerable<ErrorPattern> ErrorPatterns() => reading.ErrorPatterns
        .OrderByDescending(pattern => pattern.Count).ThenBy(pattern => pattern.Category, StringComparer.Ordinal)
        .Select(pattern => pattern with { FirstSeen = InZone(pattern.FirstSeen), LastSeen = InZone(pattern.LastSeen) });

    public IEnumerable<StuckWork> Stuck() => reading.Stuck.Select(work => work with { Since = InZone(work.Since) });

    public HealthBacklog Backlog() => new()
    {
        Family = family.Family,
        Unit = reading.Unit,
        Count = reading.BacklogCount,
        OldestAt = InZone(reading.BacklogOldestAt),
        OldestAge = windows.Now - reading.BacklogOldestAt,
    };

    public IEnumerable<HealthTrend> Trend() => Enumerable.Range(1, windows.Current).Select(number =>
    {
        var window = reading.Windows.GetValueOrDefault(number) ?? new WindowReading();
        var (from, to) = windows.Span(number);
        return new HealthTrend
        {
            Family = family.Family,
            From = InZone(new DateTimeOffset(from)),
            To = InZone(new DateTimeOffset(to)),
            IsCurrent = number == windows.Current,
            Total = window.Total,
            Failed = window.Failed,
            FailureRate = Rate(window.Failed, window.Total),
            Expected = window.Expected,
            Missing = window.Missing,
            DataLossRate = Rate(window.Missing, window.Expected),
        };
    });

    /// <summary>The users or practices that something is wrong for, the most urgent first.</summary>
    public IReadOnlyList<HealthImpact> Impact() => reading.Subjects
        .Select(ToImpact)
        .Where(impact => impact.Urgency > ImpactUrgency.Low || impact.Failed > 0 || impact.DataLossRate > 0 || impact.Unreadable > 0)
        .OrderByDescending(impact => impact.Urgency).ThenByDescending(impact => impact.DataLossRate ?? 0).ThenBy(impact => impact.SuccessRate)
        .ThenBy(impact => impact.PracticeId, StringComparer.Ordinal).ThenBy(impact => impact.UserId)
        .ToList();

    public IReadOnlyList<HealthAlert> Alerts(IReadOnlyList<HealthImpact> impact)
    {
        var limits = query.Thresholds;
        var alerts = new List<HealthAlert>();
        var name = Words.Of(family.Family);
        AddRate(
            "DataLoss", $"share of {reading.RecordUnit}s missing", Rate(_current.Missing, _current.Expected), limits.DataLossWarning, limits.DataLossCritical,
            (rate, limit) => $"{name}: {Words.Percent(rate)} of the {reading.RecordUnit}s expected are missing, in {Words.Count(_current.ItemsWithLoss, reading.Unit)}{Above(limit)}.");
        AddRate(
            "RejectedMetrics", $"share of {reading.RecordUnit}s rejected", RejectedRate, limits.DataLossWarning, limits.DataLossCritical,
            (rate, limit) => $"{name}: {Words.Percent(rate)} of the {reading.RecordUnit}s were rejected, in {Words.Count(_current.ItemsWithRejected, reading.Unit)}{Above(limit)}: the mapping has no place for them, or a rule turns them away.");
        AddRate(
            "UnreadablePayload", $"share of {reading.Unit}s that cannot be read", Rate(_current.Unreadable, _current.Total), limits.DataLossWarning, limits.DataLossCritical,
            (rate, limit) => $"{name}: {Words.Percent(rate)} of the {reading.Unit}s cannot be read, or not to their end ({Words.Number(_current.Unreadable)} of {Words.Number(_current.Total)}){Above(limit)}: nobody can count what they lost.");
        AddRate(
            "ProcessingFailure", $"share of {reading.Unit}s failed", Rate(_current.Failed, _current.Total), limits.FailureWarning, limits.FailureCritical,
            (rate, limit) => $"{name}: {Words.Percent(rate)} of the {reading.Unit}s failed ({Words.Number(_current.Failed)} of {Words.Number(_current.Total)}){Above(limit)}.");
        if (reading.FailedRuns > 0)
        {
            Add(HealthSeverity.Critical, "RunFailed", "runs failed before any file", reading.FailedRuns, 0,
                $"{name}: {Words.Count(reading.FailedRuns, "run")} failed before any {reading.Unit} was read.");
        }

        var low = impact.Where(one => one.SuccessRate < limits.MinSuccessRate).ToList();
        if (low.Count > 0)
        {
            var worst = low.Min(one => one.SuccessRate!.Value);
            Add(HealthSeverity.Warning, "SubjectSuccess", $"success rate of a {reading.SubjectUnit}", worst, limits.MinSuccessRate,
                $"{name}: {Words.Count(low.Count, reading.SubjectUnit)} below a success rate of {Words.Percent(limits.MinSuccessRate)}; the lowest is {Words.Percent(worst)}.");
        }

        var stuck = reading.Stuck.Sum(work => work.Count);
        if (stuck > 0)
        {
            Add(HealthSeverity.Warning, "StuckWork", "stuck work", stuck, 0,
                $"{name}: {Words.Number(stuck)} stuck, the oldest for {Words.Age(reading.Stuck.Max(work => work.Age))}.");
        }

        var age = windows.Now - reading.BacklogOldestAt ?? TimeSpan.Zero;
        AddRate(
            "BacklogAge", "hours that the oldest has waited", age.TotalHours, limits.BacklogWarning.TotalHours, limits.BacklogCritical.TotalHours,
            (_, limit) => $"{name}: {Words.Count(reading.BacklogCount, reading.Unit)} still to be done, the oldest for {Words.Age(age)}, above the limit of {Words.Age(TimeSpan.FromHours(limit))}.");
        return alerts;

        static string Above(double limit) => $", above the limit of {Words.Percent(limit)}";

        void AddRate(string id, string metric, double? value, double warning, double critical, Func<double, double, string> message)
        {
            if (value > critical)
            {
                Add(HealthSeverity.Critical, id, metric, value.Value, critical, message(value.Value, critical));
            }
            else if (value > warning)
            {
                Add(HealthSeverity.Warning, id, metric, value.Value, warning, message(value.Value, warning));
            }
        }

        void Add(HealthSeverity severity, string id, string metric, double value, double threshold, string message) => alerts.Add(new HealthAlert
        {
            Severity = severity,
            Id = id,
            Family = family.Family,
            Metric = metric,
            Value = value,
            Threshold = threshold,
            Message = message,
        });
    }

    public IEnumerable<HealthRecommendation> Recommendations() => family.Recommend(reading, query);

    public IReadOnlyList<HealthTotal> Totals() => reading.Totals;

    private HealthImpact ToImpact(SubjectReading subject)
    {
        var loss = Rate(subject.Missing, subject.Expected);
        var lost = new[] { loss, Rate(subject.Rejected, subject.Expected + subject.Rejected), Rate(subject.Unreadable, subject.Total) }.Max() ?? 0;
        var urgency = ImpactLimits.Urgency(lost, windows.Now - (subject.LastSuccessAt ?? subject.FirstSeenAt));
        var (action, command) = family.Advise(subject, urgency, query);
        return new HealthImpact
        {
            Family = family.Family,
            UserId = subject.UserId,
            PracticeId = subject.PracticeId,
            Total = subject.Total,
            Failed = subject.Failed,
            SuccessRate = Rate(subject.Processed, subject.Processed + subject.Failed),
            DataLossRate = loss,
            Rejected = subject.Rejected,
            Unreadable = subject.Unreadable,
            LastSuccessAt = InZone(subject.LastSuccessAt),
            DaysSinceSuccess = subject.LastSuccessAt is { } success ? Math.Max(0, (windows.Now - success).TotalDays) : null,
            Urgency = urgency,
            RecommendedAction = action,
            Command = command,
        };
    }

    private double? RejectedRate => reading.CountsRejected ? Rate(_current.Rejected, _current.Expected + _current.Rejected) : null;

    private long? OfAudits(long count) => reading.CountsRejected ? count : null;

    private static double? Rate(long part, long whole) => whole == 0 ? null : (double)part / whole;

    private DateTimeOffset InZone(DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, zone);

    private DateTimeOffset? InZone(DateTime? time) => time is { } utc ? InZone(new DateTimeOffset(DateTime.SpecifyKind(utc, DateTimeKind.Utc))) : null;
}
