namespace EtlTools.Core.Health.TableSyncs;

/// <summary>What to do about tables. Each command shows or previews, and is about one source.</summary>
internal static class TableAdvice
{
    /// <summary>So many names are written out; more are found by their condition.</summary>
    private const int MostNames = 20;

    /// <summary>So many are named in a sentence.</summary>
    private const int MostTold = 5;

    /// <summary>A source none of whose tables was synced for so long may be retired.</summary>
    private static readonly TimeSpan Retired = TimeSpan.FromDays(7);

    public static (string Action, string Command) ForTable(SubjectReading subject, ImpactUrgency urgency, TimeSpan window)
    {
        var table = subject.Table!;
        var what = Main(subject.Findings) switch
        {
            FindingKind.Failing => "Look at the error and sync this table",
            FindingKind.Overdue => "Sync this table",
            FindingKind.BelowThreshold => "Compare this table with its source",
            FindingKind.Slow => "Look at why this table takes so long",
            FindingKind.Drifted => "Look at how the columns of this table changed",
            _ => "Watch this table",
        };
        var action = urgency switch
        {
            ImpactUrgency.Urgent => $"URGENT: {what} now",
            ImpactUrgency.High => $"HIGH: {what} today",
            ImpactUrgency.Medium => $"MEDIUM: {what}",
            _ => $"LOW: {what}",
        };
        return (action, CommandFor(Main(subject.Findings), table.Source, [table.Name], window));
    }

    /// <summary>The most important first.</summary>
    public static IEnumerable<(string Text, string Command)> For(FamilyReading reading, TimeSpan window)
    {
        foreach (var work in reading.Stuck.GroupBy(work => work.Source!))
        {
            yield return (
                $"{Words.Count(work.Count(), "sync")} of {work.Key} stuck, the oldest for {Words.Age(work.Max(one => one.Age))}. A next sync takes the place of a dead one; a live one keeps its table.",
                $"Get-TableStatus -Name {Names(work.Select(one => one.TableName!).Distinct())} -Source {Words.Quoted(work.Key)}");
        }

        var findings = reading.Subjects.SelectMany(subject => ToAdvise(subject.Findings));
        foreach (var group in findings.GroupBy(finding => (finding.Kind, finding.Source)).OrderBy(group => group.Key.Kind))
        {
            var tables = group.OrderBy(finding => finding.Importance).ThenBy(finding => finding.Name, StringComparer.Ordinal).ToList();
            yield return (
                $"{Words.Sentence(Words.Of(group.Key.Kind))}: {Words.Count(tables.Count, "table")} of {group.Key.Source}. {TextOf(group.Key.Kind)}",
                CommandFor(group.Key.Kind, group.Key.Source, tables.ConvertAll(finding => finding.Name), window));
        }

        foreach (var source in reading.Subjects.Select(subject => subject.Table!).Where(table => table.IsUndone).GroupBy(table => table.Source))
        {
            var tables = source.OrderBy(table => table.Importance).ThenBy(table => table.Name, StringComparer.Ordinal).Select(table => table.Name).ToList();
            yield return (
                $"Undone and not synced since: {Words.Count(tables.Count, "table")} of {source.Key} ({First(tables)}). The copy is as it was before; the next sync brings back what was undone.",
                tables.Count <= MostNames
                    ? $"Sync-Table -Name {Names(tables)} -Source {Words.Quoted(source.Key)} -WhatIf"
                    : $"Get-TableStatus -Source {Words.Quoted(source.Key)} -Condition Undone | Sync-Table -Source {Words.Quoted(source.Key)} -WhatIf");
        }

        foreach (var source in reading.Subjects.GroupBy(subject => subject.Table!.Source))
        {
            if (source.All(subject => SinceSuccess(subject) >= Retired))
            {
                yield return (
                    $"No table of {source.Key} was synced for {Words.Age(source.Min(SinceSuccess)!.Value)}. If the source is retired, have it forgotten; its copies stay.",
                    $"Unregister-TableSync -Source {Words.Quoted(source.Key)} -WhatIf");
            }
        }
    }

    /// <summary>Null where it is not overdue.</summary>
    private static TimeSpan? SinceSuccess(SubjectReading subject) =>
        subject.Findings.FirstOrDefault(finding => finding.Kind == FindingKind.Overdue) is { } overdue ? TimeSpan.FromHours(overdue.Value) : null;

    /// <summary>Why a table fails has to be known first: until it is put right, a preview fails as the sync does.</summary>
    private static IEnumerable<HealthFinding> ToAdvise(IReadOnlyList<HealthFinding> findings) => findings is [{ Kind: FindingKind.Failing }, ..]
        ? findings.Where(finding => finding.Kind is not (FindingKind.Overdue or FindingKind.Drifted))
        : findings;

    private static string TextOf(FindingKind kind) => kind switch
    {
        FindingKind.Failing => "Put the cause right, then sync.",
        FindingKind.Overdue => "Check that the scheduled sync runs; see what a sync would do.",
        FindingKind.BelowThreshold => "Compare with the source.",
        FindingKind.Slow => "Look at rows and rate.",
        _ => "Look at what changed; it is told until the window has passed.",
    };

    private static string CommandFor(FindingKind? kind, string source, IReadOnlyList<string> names, TimeSpan window)
    {
        var which = names.Count <= MostNames ? $"-Name {Names(names)} -Source {Words.Quoted(source)}" : $"-Source {Words.Quoted(source)}";
        return kind switch
        {
            FindingKind.Failing => $"Get-TableStatus {which}{(names.Count <= MostNames ? "" : " -Condition Failed, Interrupted")} | Format-List Name, Condition, Failures, ErrorCode, Error",
            FindingKind.Overdue when names.Count > MostNames => $"Get-TableStatus {which} | Where-Object IsOverdue | Sync-Table -Source {Words.Quoted(source)} -WhatIf",
            FindingKind.Overdue => $"Sync-Table {which} -WhatIf",
            FindingKind.BelowThreshold => $"Compare-Table {which}",
            FindingKind.Slow => $"Get-TableStatus {which} | Format-List Name, LastDuration, EstimatedDuration, RowsRead, RowsPerSecond",
            FindingKind.Drifted => $"(Get-ProcessingHealth -Window {Duration.Write(window)}).Table.Finding | Where-Object Kind -EQ Drifted{(names.Count <= MostNames ? $" | Where-Object Name -In {Names(names)}" : "")} | Format-List Name, Message",
            _ => $"Get-TableStatus {which}",
        };
    }

    private static FindingKind? Main(IReadOnlyList<HealthFinding> findings) =>
        findings.Count == 0 ? null : findings.Min(finding => finding.Kind);

    private static string First(List<string> names) =>
        names.Count <= MostTold ? string.Join(", ", names) : $"{string.Join(", ", names.Take(MostTold))} and {names.Count - MostTold} more";

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(Words.Quoted));
}
