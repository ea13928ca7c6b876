namespace EtlTools.Core.Health;

/// <summary>The alerts of one family: by the general limits, by the findings of subjects that have limits of their own, and by stuck work.</summary>
/// <param name="family">Whose they are.</param>
/// <param name="reading">What was read, its subjects judged.</param>
/// <param name="current">The window asked about.</param>
/// <param name="now">Its end.</param>
/// <param name="limits">The general limits.</param>
internal sealed class HealthAlerts(PipelineFamily family, FamilyReading reading, WindowReading current, DateTime now, HealthThresholds limits)
{
    /// <summary>So many tables are named in an alert.</summary>
    private const int MostNames = 5;

    private readonly List<HealthAlert> _alerts = [];
    private readonly string _name = Words.Of(family);

    public IReadOnlyList<HealthAlert> For(IReadOnlyList<HealthImpact> impact)
    {
        if (!reading.HasOwnLimits)
        {
            AddRates();
            AddFailedRuns();
            AddSubjects(impact);
            AddBacklog();
        }

        AddFindings();
        AddStuck();
        return _alerts;
    }

    private void AddRates()
    {
        AddRate(
            AlertIds.DataLoss, $"share of {reading.RecordUnit}s missing", HealthAssessment.Rate(current.Missing, current.Expected), limits.DataLossWarning, limits.DataLossCritical,
            (rate, limit) => $"{Words.Percent(rate)} of the {reading.RecordUnit}s expected are missing, in {Words.Count(current.ItemsWithLoss, reading.Unit)}{Above(limit)}.");
        AddRate(
            AlertIds.RejectedMetrics, $"share of {reading.RecordUnit}s rejected", HealthAssessment.RejectedRate(reading, current), limits.DataLossWarning, limits.DataLossCritical,
            (rate, limit) => $"{Words.Percent(rate)} of the {reading.RecordUnit}s were rejected, in {Words.Count(current.ItemsWithRejected, reading.Unit)}{Above(limit)}: the mapping has no place for them, or a rule turns them away.");
        AddRate(
            AlertIds.UnreadablePayload, $"share of {reading.Unit}s that cannot be read", HealthAssessment.Rate(current.Unreadable, current.Total), limits.DataLossWarning, limits.DataLossCritical,
            (rate, limit) => $"{Words.Percent(rate)} of the {reading.Unit}s cannot be read, or not to their end ({Words.Number(current.Unreadable)} of {Words.Number(current.Total)}){Above(limit)}: nobody can count what they lost.");
        AddRate(
            AlertIds.ProcessingFailure, $"share of {reading.Unit}s failed", HealthAssessment.Rate(current.Failed, current.Total), limits.FailureWarning, limits.FailureCritical,
            (rate, limit) => $"{Words.Percent(rate)} of the {reading.Unit}s failed ({Words.Number(current.Failed)} of {Words.Number(current.Total)}){Above(limit)}.");
    }

    private void AddFailedRuns()
    {
        if (reading.FailedRuns > 0)
        {
            Add(HealthSeverity.Critical, AlertIds.RunFailed, "runs failed before any file", reading.FailedRuns, 0,
                $"{Words.Count(reading.FailedRuns, "run")} failed before any {reading.Unit} was read.");
        }
    }

    private void AddSubjects(IReadOnlyList<HealthImpact> impact)
    {
        var low = impact.Where(one => one.SuccessRate < limits.MinSuccessRate).ToList();
        if (low.Count > 0)
        {
            var worst = low.Min(one => one.SuccessRate!.Value);
            Add(HealthSeverity.Warning, AlertIds.SubjectSuccess, $"success rate of a {reading.SubjectUnit}", worst, limits.MinSuccessRate,
                $"{Words.Count(low.Count, reading.SubjectUnit)} below a success rate of {Words.Percent(limits.MinSuccessRate)}; the lowest is {Words.Percent(worst)}.");
        }
    }

    private void AddBacklog()
    {
        var age = now - reading.BacklogOldestAt ?? TimeSpan.Zero;
        AddRate(
            AlertIds.BacklogAge, "hours that the oldest has waited", age.TotalHours, limits.BacklogWarning.TotalHours, limits.BacklogCritical.TotalHours,
            (_, limit) => $"{Words.Count(reading.BacklogCount, reading.Unit)} still to be done, the oldest for {Words.Age(age)}, above the limit of {Words.Age(TimeSpan.FromHours(limit))}.");
    }

    private void AddStuck()
    {
        var stuck = reading.Stuck.Sum(work => work.Count);
        if (stuck > 0)
        {
            Add(HealthSeverity.Warning, AlertIds.StuckWork, "stuck work", stuck, 0,
                $"{Words.Number(stuck)} stuck, the oldest for {Words.Age(reading.Stuck.Max(work => work.Age))}.");
        }
    }

    /// <summary>One alert for all tables of which the same is wrong and that are as important.</summary>
    private void AddFindings()
    {
        var groups = reading.Subjects.SelectMany(subject => subject.Findings).Where(finding => finding.IsAlert)
            .GroupBy(finding => (finding.Kind, finding.Importance)).OrderBy(group => group.Key.Importance);
        foreach (var group in groups)
        {
            var tables = group.ToList();
            var count = $"{Words.Number(tables.Count)} {group.Key.Importance.ToString().ToLowerInvariant()} {(tables.Count == 1 ? "table" : "tables")}";
            var named = string.Join("; ", tables.Take(MostNames).Select(finding => $"{finding.Name} ({finding.Message})"));
            var more = tables.Count > MostNames ? $"; and {Words.Number(tables.Count - MostNames)} more" : "";
            _alerts.Add(new HealthAlert
            {
                Severity = tables[0].Severity,
                Tier = tables[0].Tier,
                Id = AlertIds.Of(group.Key.Kind),
                Family = family,
                Metric = $"{group.Key.Importance.ToString().ToLowerInvariant()} tables {Words.Of(group.Key.Kind)}",
                Value = tables.Count,
                Message = $"{_name}: {count} {Words.Of(group.Key.Kind)}: {named}{more}.",
            });
        }
    }

    private static string Above(double limit) => $", above the limit of {Words.Percent(limit)}";

    private void AddRate(string id, string metric, double? value, double warning, double critical, Func<double, double, string> message)
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

    private void Add(HealthSeverity severity, string id, string metric, double value, double threshold, string message) => _alerts.Add(new HealthAlert
    {
        Severity = severity,
        Tier = AlertTiers.Of(severity, id),
        Id = id,
        Family = family,
        Metric = metric,
        Value = value,
        Threshold = threshold,
        Message = $"{_name}: {message}",
    });
}
