using EtlTools.Core.Health.TableSyncs;

namespace EtlTools.Core.Health;

/// <summary>Judges what was read of one family by the limits. It asks no database.</summary>
internal sealed class HealthAssessment(IHealthFamily family, FamilyReading reading, HealthWindows windows, HealthQuery query, TimeZoneInfo zone)
{
    private readonly FamilyReading _reading = reading with
    {
        Subjects = [.. reading.Subjects.Select(subject => subject with { Findings = family.Judge(subject, windows, query.Thresholds) })],
    };

    private readonly WindowReading _current = reading.Windows.GetValueOrDefault(windows.Current) ?? new WindowReading();

    public FamilyHealth Health(IReadOnlyList<HealthAlert> alerts)
    {
        var status = alerts.Count == 0
            ? _current.Total == 0 ? HealthStatus.NoData : HealthStatus.Healthy
            : alerts.Any(alert => alert.Severity == HealthSeverity.Critical) ? HealthStatus.Critical : HealthStatus.Warning;
        return new FamilyHealth
        {
            Family = family.Family,
            Title = Words.Of(family.Family),
            IsIncluded = true,
            Status = status,
            LastSuccessAt = InZone(_reading.LastSuccessAt),
            Detail = _current.Total == 0 ? $"no {_reading.Unit} {_reading.Arrival}" : "",
        };
    }

    public HealthOverall Overall() => new()
    {
        Family = family.Family,
        Unit = _reading.Unit,
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
        Unit = _reading.Unit,
        RecordUnit = _reading.RecordUnit,
        Items = _current.ItemsWithLoss,
        Expected = _current.Expected,
        Present = _current.Expected - _current.Missing,
        Missing = _current.Missing,
        Rate = Rate(_current.Missing, _current.Expected),
        Rejected = OfAudits(_current.Rejected),
        RejectedItems = OfAudits(_current.ItemsWithRejected),
        RejectedRate = RejectedRate(_reading, _current),
        Unreadable = OfAudits(_current.Unreadable),
        BeyondRecovery = OfAudits(_current.BeyondRecovery),
        Audited = _current.Audited,
    };

    public IEnumerable<ErrorPattern> ErrorPatterns() => _reading.ErrorPatterns
        .OrderByDescending(pattern => pattern.Count).ThenBy(pattern => pattern.Category, StringComparer.Ordinal)
        .Select(pattern => pattern with { Family = family.Family, FirstSeen = InZone(pattern.FirstSeen), LastSeen = InZone(pattern.LastSeen) });

    public IEnumerable<StuckWork> Stuck() => _reading.Stuck.Select(work => work with { Family = family.Family, Since = InZone(work.Since) });

    public HealthBacklog Backlog() => new()
    {
        Family = family.Family,
        Unit = _reading.Unit,
        Count = _reading.BacklogCount,
        OldestAt = InZone(_reading.BacklogOldestAt),
        OldestAge = windows.Now - _reading.BacklogOldestAt,
    };

    public IEnumerable<HealthTrend> Trend() => Enumerable.Range(1, windows.Current).Select(number =>
    {
        var window = _reading.Windows.GetValueOrDefault(number) ?? new WindowReading();
        var recoveries = _reading.Recoveries is { } all ? all.GetValueOrDefault(number) ?? new RecoveryReading() : null;
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
            Recovered = recoveries?.Recovered,
            RecoveriesFailed = recoveries?.Failed,
            RecordsRecovered = recoveries?.Records,
        };
    });

    /// <summary>The users, practices or tables that something is wrong for, the most urgent first.</summary>
    public IReadOnlyList<HealthImpact> Impact() => _reading.Subjects
        .Select(ToImpact)
        .Where(impact => impact.Urgency > ImpactUrgency.Low || impact.Failed > 0 || impact.DataLossRate > 0 || impact.Unreadable > 0 || impact.Finding.Count > 0)
        .OrderByDescending(impact => impact.Urgency).ThenBy(impact => impact.Importance).ThenByDescending(impact => impact.DataLossRate ?? 0)
        .ThenBy(impact => impact.SuccessRate).ThenBy(impact => impact.Subject, StringComparer.Ordinal)
        .ToList();

    /// <summary>The tables among what it is about, the most important first.</summary>
    public IEnumerable<HealthTable> Tables() => _reading.Subjects
        .Where(subject => subject.Table is not null)
        .Select(ToTable)
        .OrderBy(table => table.Importance).ThenBy(table => table.Source, StringComparer.Ordinal).ThenBy(table => table.Name, StringComparer.Ordinal);

    public IReadOnlyList<HealthAlert> Alerts(IReadOnlyList<HealthImpact> impact) =>
        new HealthAlerts(family.Family, _reading, _current, windows.Now, query.Thresholds).For(impact);

    public IEnumerable<HealthRecommendation> Recommendations() => family.Recommend(_reading, query)
        .Select(advice => new HealthRecommendation { Family = family.Family, Text = advice.Text, Command = advice.Command });

    public IEnumerable<HealthTotal> Totals() => _reading.Totals
        .Select(total => new HealthTotal { Family = family.Family, Name = total.Name, Value = total.Value });

    public static double? Rate(long part, long whole) => whole == 0 ? null : (double)part / whole;

    public static double? RejectedRate(FamilyReading reading, WindowReading window) =>
        reading.CountsRejected ? Rate(window.Rejected, window.Expected + window.Rejected) : null;

    private HealthImpact ToImpact(SubjectReading subject)
    {
        var loss = Rate(subject.Missing, subject.Expected);
        var lost = new[] { loss, Rate(subject.Rejected, subject.Expected + subject.Rejected), Rate(subject.Unreadable, subject.Total) }.Max() ?? 0;
        var urgency = Urgency(subject, lost);
        var (action, command) = family.Advise(subject, urgency, query);
        return new HealthImpact
        {
            Family = family.Family,
            SubjectUnit = _reading.SubjectUnit,
            Subject = subject.UserId?.ToString() ?? subject.PracticeId ?? subject.Table?.Name ?? "",
            UserId = subject.UserId,
            PracticeId = subject.PracticeId,
            TableName = subject.Table?.Name,
            Source = subject.Table?.Source,
            Importance = subject.Table?.Importance,
            Finding = [.. subject.Findings.Select(finding => finding.Kind)],
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

    /// <summary>What a day without success is to a user, the time after which it is overdue is to a table; what is important comes sooner.</summary>
    private ImpactUrgency Urgency(SubjectReading subject, double lost)
    {
        var since = windows.Now - (subject.LastSuccessAt ?? subject.FirstSeenAt);
        if (subject.Table is not { } table)
        {
            return ImpactLimits.Urgency(lost, since);
        }

        var lacking = subject.Findings.Where(finding => finding.Kind == FindingKind.BelowThreshold).Select(finding => 1 - finding.Value).FirstOrDefault();
        var urgency = ImpactLimits.Urgency(Math.Max(lost, lacking), TimeSpan.FromDays(Math.Min(since / table.OverdueAfter, 1000)));
        return subject.Findings.Any(finding => finding.Kind is FindingKind.Failing or FindingKind.Overdue or FindingKind.BelowThreshold)
            ? ImpactLimits.Raise(urgency, table.Importance)
            : urgency;
    }

    private HealthTable ToTable(SubjectReading subject)
    {
        var table = subject.Table!;
        return new HealthTable
        {
            Name = table.Name,
            Source = table.Source,
            Schema = table.Schema,
            Importance = table.Importance,
            LastSuccessAt = InZone(table.LastSuccessAt),
            Lag = TableFindings.Lag(table, windows.Now),
            OverdueAfter = table.OverdueAfter,
            Failures = TableFindings.CountFailures(table),
            ErrorCode = table.Failures is [var last, ..] ? last.ErrorCode : null,
            LastDuration = table.LastCompleted?.Duration,
            UsualDuration = table.UsualDuration,
            TimeLimit = table.TimeLimit,
            Verified = table.LastCompleted?.Verified,
            Threshold = table.Threshold,
            Total = subject.Total,
            Failed = subject.Failed,
            RowsRead = subject.Expected,
            RowsDiscarded = subject.Missing,
            ValuesDiscarded = table.ValuesDiscarded,
            Finding = subject.Findings,
        };
    }

    private long? OfAudits(long count) => _reading.CountsRejected ? count : null;

    private DateTimeOffset InZone(DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, zone);

    private DateTimeOffset? InZone(DateTime? time) => time is { } utc ? InZone(new DateTimeOffset(DateTime.SpecifyKind(utc, DateTimeKind.Utc))) : null;
}
