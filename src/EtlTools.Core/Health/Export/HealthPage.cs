using System.Globalization;
using System.Reflection;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Health.Export;

/// <summary>One page that needs nothing beside it: style and charts are inside, and no script.</summary>
internal static class HealthPage
{
    private const int ImpactShown = 50;

    public static string Write(ProcessingHealth health) => Html.Of($"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Processing health: {Word(health.Status)}</title>
        <style>
        {Style()}
        </style>
        </head>
        <body>
        <header>
        <h1>Processing health {Badge(health.Status)}</h1>
        <p>{Time(health.From)} to {Time(health.To)} ({health.TimeZone}), {Duration.Write(health.Window)}<br>{health.Database}</p>
        {Filter(health)}
        </header>
        <main>
        {Html.Each(health.Family, family => Family(health, family))}
        {Alerts(health.Alert)}
        {Recommendations(health.Recommendation)}
        {Html.Each(health.Family.Where(family => family.IsIncluded), family => Trend(health, family.Family))}
        {Impact(health)}
        {Tables(health)}
        {Errors(health.ErrorPattern)}
        {Stuck(health.Stuck)}
        {Limits(health.Threshold)}
        </main>
        <footer><p>Read by EtlTools at {Time(health.GeneratedAt)} ({health.TimeZone}).</p></footer>
        </body>
        </html>

        """).Text;

    private static Html Filter(ProcessingHealth health) => Html.When(health.UserId.Count + health.PracticeId.Count > 0, () => Html.Of(
        $"<p>Only {(health.UserId.Count > 0 ? "users" : "practices")}: {string.Join(", ", health.UserId.Select(id => id.ToString()).Concat(health.PracticeId))}</p>\n"));

    private static Html Family(ProcessingHealth health, FamilyHealth family)
    {
        if (!family.IsIncluded)
        {
            return Html.Of($"<section class=\"family absent\"><h2>{Words.Of(family.Family)}</h2><p>{Words.Sentence(family.Detail)}</p></section>\n");
        }

        var overall = health.Overall.Single(one => one.Family == family.Family);
        var loss = health.DataLoss.Single(one => one.Family == family.Family);
        var backlog = health.Backlog.Single(one => one.Family == family.Family);
        if (overall.Total == 0 && backlog.Count == 0)
        {
            return Html.Of($"""
                <section class="family absent"><h2>{Words.Of(family.Family)} {Badge(family.Status)}</h2><p>{Words.Sentence(family.Detail)}. Last success: {(family.LastSuccessAt is { } success ? Time(success) : "never")}.</p></section>

                """);
        }

        return Html.Of($"""
            <section class="family">
            <h2>{Words.Of(family.Family)} {Badge(family.Status)}</h2>
            <dl>
            {Figure($"{overall.Unit}s", Words.Number(overall.Total), Processed(overall))}
            {Figure("failed", Words.Number(overall.Failed), Share(overall.FailureRate, "of all"), overall.Failed > 0 ? "bad" : "")}
            {Figure($"{loss.RecordUnit}s missing", Words.Number(loss.Missing), loss.Rate is { } rate ? $"{Words.Percent(rate)} of {Words.Number(loss.Expected)}" : "none were expected", loss.Missing > 0 ? "lost" : "")}
            {Html.When(loss.Rejected > 0, () => Figure($"{loss.RecordUnit}s rejected", Words.Number(loss.Rejected!.Value), $"{Percent(loss.RejectedRate)}, in {Words.Count(loss.RejectedItems ?? 0, loss.Unit)}", "lost"))}
            {Html.When(loss.Unreadable > 0, () => Figure($"{loss.Unit}s not readable", Words.Number(loss.Unreadable!.Value), "or not to their end", "lost"))}
            {Figure("waiting", Words.Number(backlog.Count), backlog.OldestAge is { } age ? $"the oldest for {Words.Age(age)}" : "nothing")}
            {Figure("last success", family.LastSuccessAt is { } last ? Words.Age(health.To - last) + " ago" : "never", family.LastSuccessAt is { } at ? Time(at) : "")}
            </dl>
            </section>

            """);
    }

    private static string Processed(HealthOverall overall)
    {
        var parts = new List<string> { Share(overall.SuccessRate, "processed") };
        if (overall.Partial > 0)
        {
            parts.Add($"{Words.Number(overall.Partial)} in part");
        }

        if (overall.Recovered > 0)
        {
            parts.Add($"{Words.Number(overall.Recovered)} put right");
        }

        return string.Join(", ", parts.Where(part => part.Length > 0));
    }

    private static Html Figure(string name, string value, string detail, string kind = "") => Html.Of(
        $"<div><dt>{name}</dt><dd><strong class=\"{kind}\">{value}</strong> <span>{detail}</span></dd></div>");

    private static Html Alerts(IReadOnlyList<HealthAlert> alerts) => Html.Of($"""
        <section>
        <h2>Alerts</h2>
        {(alerts.Count == 0
            ? Html.Of($"<p>None.</p>")
            : Html.Of($"<ul class=\"alerts\">{Html.Each(alerts, alert => Html.Of($"<li class=\"{Kind(alert.Severity)}\">{Badge(alert.Severity)} <span>{alert.Message} <em>{Word(alert.Tier)}</em></span></li>"))}</ul>"))}
        </section>

        """);

    private static Html Recommendations(IReadOnlyList<HealthRecommendation> recommendations) => Html.When(recommendations.Count > 0, () => Html.Of($"""
        <section>
        <h2>What to do</h2>
        <ol class="advice">{Html.Each(recommendations, one => Html.Of($"<li>{one.Text}<pre tabindex=\"0\"><code>{one.Command}</code></pre></li>"))}</ol>
        </section>

        """));

    private static Html Trend(ProcessingHealth health, PipelineFamily family)
    {
        var windows = health.Trend.Where(window => window.Family == family).ToList();
        if (windows.Count < 2 || windows.TrueForAll(window => window.Total == 0))
        {
            return Html.Nothing;
        }

        var overall = health.Overall.Single(one => one.Family == family);
        var loss = health.DataLoss.Single(one => one.Family == family);
        var nothing = new[]
        {
            windows.TrueForAll(window => window.Failed == 0) ? $"no {overall.Unit} failed" : "",
            windows.TrueForAll(window => window.Missing == 0) ? $"no {loss.RecordUnit} is known to be missing" : "",
        }.Where(text => text.Length > 0).ToList();
        return Html.Of($"""
            <section>
            <h2>Trend of {Words.Of(family)}</h2>
            <div class="charts">
            {HealthChart.Columns($"{Words.Sentence(overall.Unit + "s")}, failed ones below", windows, window => (window.Total, Words.Short(window.Total)), "ok", window => window.Failed)}
            {Html.When(windows.Exists(window => window.Failed > 0), () => HealthChart.Columns($"{Words.Sentence(overall.Unit + "s")} that failed", windows, window => (window.FailureRate, Percent(window.FailureRate)), "bad"))}
            {Html.When(windows.Exists(window => window.Missing > 0), () => HealthChart.Columns($"{Words.Sentence(loss.RecordUnit + "s")} missing", windows, window => (window.DataLossRate, Percent(window.DataLossRate)), "lost"))}
            </div>
            {Html.When(nothing.Count > 0, () => Html.Of($"<p class=\"nothing\">{Words.Sentence(string.Join(", and ", nothing))}, in any of these {windows.Count} windows.</p>"))}
            <details>
            <summary>Figures</summary>
            {Table(
                ["From", $"{Words.Sentence(overall.Unit + "s")}", "Failed", "Share", $"{Words.Sentence(loss.RecordUnit + "s")} expected", "Missing", "Share"],
                1,
                windows.Select(window => new[]
                {
                    Text(Time(window.From)), Text(Words.Number(window.Total)), Text(Words.Number(window.Failed)), Text(Percent(window.FailureRate)),
                    Text(Words.Number(window.Expected)), Text(Words.Number(window.Missing)), Text(Percent(window.DataLossRate)),
                }))}
            </details>
            </section>

            """);
    }

    private static Html Impact(ProcessingHealth health)
    {
        if (health.Impact.Count == 0)
        {
            return Html.Nothing;
        }

        var shown = health.Impact.Take(ImpactShown).ToList();
        var lossy = health.Impact.Where(impact => impact.DataLossRate > 0).OrderByDescending(impact => impact.DataLossRate).Take(10).ToList();
        return Html.Of($"""
            <section>
            <h2>Who is affected</h2>
            {Html.When(lossy.Count > 0, () => HealthChart.Bars("Data loss by user, practice or table, the ten with the most", lossy.Select(impact => (Subject(impact), impact.DataLossRate!.Value, Percent(impact.DataLossRate))), 1, "lost"))}
            {Table(
                ["Urgency", "User, practice or table", "Items", "Failed", "Success", "Loss", "Days since success", "Action"],
                2,
                shown.Select(impact => new[]
                {
                    Badge(impact.Urgency), Html.Of($"<code>{Subject(impact)}</code>"), Text(Words.Number(impact.Total)), Text(Words.Number(impact.Failed)),
                    Text(Percent(impact.SuccessRate)), Text(Percent(impact.DataLossRate)),
                    Text(impact.DaysSinceSuccess?.ToString("0.0", CultureInfo.InvariantCulture) ?? "never"), Text(impact.RecommendedAction),
                }),
                textAfter: 7)}
            {Html.When(health.Impact.Count > shown.Count, () => Html.Of($"<p>And {Words.Number(health.Impact.Count - shown.Count)} more, less urgent.</p>"))}
            </section>

            """);
    }

    private static Html Tables(ProcessingHealth health) => Html.When(health.Table.Count > 0, () =>
    {
        var found = health.Table.Where(table => table.Finding.Count > 0)
            .OrderByDescending(table => table.Finding.Max(finding => finding.Severity)).ThenBy(table => table.Importance)
            .ThenByDescending(table => table.Lag / table.OverdueAfter).ToList();
        var late = health.Table.OrderByDescending(table => table.Lag / table.OverdueAfter).Take(10).ToList();
        var shown = found.Take(ImpactShown).ToList();
        return Html.Of($"""
            <section>
            <h2>Tables</h2>
            {HealthChart.Bars("Time since the last sync, as a share of what a table may have; the ten with the most", late.Select(table => (table.Name, Math.Min(1, table.Lag / table.OverdueAfter), $"{Words.Age(table.Lag)} of {Duration.Write(table.OverdueAfter)}")), 1, late.Exists(table => table.Lag > table.OverdueAfter) ? "bad" : "ok")}
            {Html.When(shown.Count > 0, () => Table(
                ["Table", "Importance", "Source", "Failures", "Last sync", "What is wrong"],
                3,
                shown.Select(table => new[]
                {
                    Html.Of($"<code>{table.Name}</code>"), Text(Word(table.Importance)), Text(table.Source), Text(Words.Number(table.Failures)),
                    Text(table.LastSuccessAt is { } at ? Time(at) : "never"),
                    Html.Of($"{Html.Each(table.Finding, finding => Html.Of($"<div>{Badge(finding.Severity)} {finding.Message}</div>"))}"),
                }),
                textAfter: 4))}
            {Html.When(found.Count > shown.Count, () => Html.Of($"<p>And {Words.Number(found.Count - shown.Count)} more.</p>"))}
            {Table(
                ["Importance", "Tables", .. Enum.GetValues<FindingKind>().Select(kind => Words.Sentence(Words.Of(kind)))],
                1,
                health.Table.GroupBy(table => table.Importance).OrderBy(group => group.Key).Select(group => new[]
                {
                    Text(Word(group.Key)), Text(Words.Number(group.Count())),
                }.Concat(Enum.GetValues<FindingKind>().Select(kind => Text(Words.Number(group.Count(table => table.Finding.Any(finding => finding.Kind == kind)))))).ToArray()))}
            </section>

            """);
    });

    private static Html Errors(IReadOnlyList<ErrorPattern> patterns) => Html.When(patterns.Count > 0, () =>
    {
        var categories = patterns.GroupBy(pattern => $"{pattern.Category} ({pattern.Unit}s)")
            .Select(group => (Name: group.Key, Count: group.Sum(pattern => pattern.Count))).OrderByDescending(category => category.Count).ToList();
        return Html.Of($"""
            <section>
            <h2>Errors by category</h2>
            {HealthChart.Bars("What went wrong in the window, put right or not", categories.Select(category => (category.Name, (double)category.Count, Words.Number(category.Count))), categories[0].Count, "bad")}
            {Table(
                ["Pipeline", "Category", "Error", "Of", "Count", "First seen", "Last seen"],
                4,
                patterns.Select(pattern => new[]
                {
                    Text(Words.Of(pattern.Family)), Text(pattern.Category), Html.Of($"<code>{pattern.ErrorCode}</code>"), Text(pattern.Unit + "s"), Text(Words.Number(pattern.Count)),
                    Text(Time(pattern.FirstSeen)), Text(Time(pattern.LastSeen)),
                }))}
            </section>

            """);
    });

    private static Html Stuck(IReadOnlyList<StuckWork> stuck) => Html.When(stuck.Count > 0, () => Html.Of($"""
        <section>
        <h2>Stuck</h2>
        {Table(
            ["Pipeline", "State", "What", "Count", "Since", "Age", "Why"],
            3,
            stuck.Select(work => new[]
            {
                Text(Words.Of(work.Family)), Text(work.State), Text(work.What), Text(Words.Number(work.Count)),
                Text(Time(work.Since)), Text(Words.Age(work.Age)), Text(work.Reason),
            }),
            textAfter: 6)}
        </section>

        """));

    private static Html Limits(HealthThresholds limits) => Html.Of($"""
        <details class="limits">
        <summary>Limits that the alerts go by</summary>
        {Table(
            ["Measure", "Warning", "Critical"],
            1,
            [
                [Text("Records missing, above"), Text(Words.Percent(limits.DataLossWarning)), Text(Words.Percent(limits.DataLossCritical))],
                [Text("Items failed, above"), Text(Words.Percent(limits.FailureWarning)), Text(Words.Percent(limits.FailureCritical))],
                [Text("Success of a user or practice, below"), Text(Words.Percent(limits.MinSuccessRate)), Text("")],
                [Text("Oldest that waits, above"), Text(Duration.Write(limits.BacklogWarning)), Text(Duration.Write(limits.BacklogCritical))],
                [Text("No sign of life, above"), Text(Duration.Write(limits.StuckAfter)), Text("")],
                [Text("Sync of a table, times its usual duration, above"), Text(limits.SlowFactor.ToString("0.##", CultureInfo.InvariantCulture)), Text("")],
                [Text("Shorter syncs are never slow"), Text(Duration.Write(limits.SlowAfter)), Text("")],
            ])}
        </details>

        """);

    /// <summary>A table of texts up to a column, numbers up to another, and texts again.</summary>
    private static Html Table(IReadOnlyList<string> headers, int numbersFrom, IEnumerable<Html[]> rows, int textAfter = int.MaxValue)
    {
        string Kind(int column) => column >= numbersFrom && column < textAfter ? "number" : "";
        return Html.Of($"""
            <div class="scroll" tabindex="0"><table>
            <thead><tr>{Html.Each(headers.Index(), header => Html.Of($"<th scope=\"col\" class=\"{Kind(header.Index)}\">{header.Item}</th>"))}</tr></thead>
            <tbody>{Html.Each(rows, row => Html.Of($"<tr>{Html.Each(row.Index(), cell => cell.Index == 0 ? Html.Of($"<th scope=\"row\">{cell.Item}</th>") : Html.Of($"<td class=\"{Kind(cell.Index)}\">{cell.Item}</td>"))}</tr>"))}</tbody>
            </table></div>

            """);
    }

    private static string Subject(HealthImpact impact) => impact.UserId is null ? $"{impact.SubjectUnit} {impact.Subject}" : impact.Subject;

    private static Html Badge(HealthStatus status) => Html.Of($"<span class=\"badge {Kind(status)}\">{Word(status)}</span>");

    private static Html Badge(HealthSeverity severity) => Html.Of($"<span class=\"badge {Kind(severity)}\">{severity}</span>");

    private static Html Badge(ImpactUrgency urgency) => Html.Of(
        $"<span class=\"badge {urgency switch { ImpactUrgency.Urgent => "critical", ImpactUrgency.High or ImpactUrgency.Medium => "warning", _ => "nodata" }}\">{urgency}</span>");

    private static string Kind<T>(T word)
        where T : struct, Enum => word.ToString().ToLowerInvariant();

    private static string Word(HealthStatus status) => status == HealthStatus.NoData ? "No data" : status.ToString();

    private static string Word(AlertTier tier) => tier switch
    {
        AlertTier.Immediate => "at once",
        AlertTier.Within15Minutes => "within 15 minutes",
        _ => "daily",
    };

    private static string Word(TableImportance importance) => importance.ToString().ToLowerInvariant();

    private static Html Text(string text) => Html.Of($"{text}");

    private static string Share(double? rate, string of) => rate is { } share ? $"{Words.Percent(share)} {of}" : "";

    private static string Percent(double? rate) => rate is { } share ? Words.Percent(share) : "";

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static Html Style()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("EtlTools.Core.Health.Export.HealthPage.css")!;
        using var reader = new StreamReader(stream);
        return new Html(reader.ReadToEnd().TrimEnd());
    }
}
