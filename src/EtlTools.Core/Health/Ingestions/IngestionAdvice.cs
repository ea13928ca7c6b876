using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Core.Health.Ingestions;

/// <summary>What to do about payloads, with commands that are about the same users and reach as far back as what they are about.</summary>
internal static class IngestionAdvice
{
    private const string Recover = "Where-Object IsRecoverable | Invoke-DataRecovery -WhatIf";

    public static (string Action, string Command) ForUser(SubjectReading user, ImpactUrgency urgency, HealthQuery query)
    {
        // Where a recovery brings nothing back, what happened has to be looked at.
        var action = (urgency, user.ToRecover > 0) switch
        {
            (ImpactUrgency.Urgent, true) => "URGENT: Recover this user's data now",
            (ImpactUrgency.Urgent, false) => "URGENT: Look at what happened to this user's data now",
            (ImpactUrgency.High, true) => "HIGH: Schedule user recovery",
            (ImpactUrgency.High, false) => "HIGH: Look at what happened to this user's data today",
            (ImpactUrgency.Medium, _) => "MEDIUM: Look at this user's errors",
            _ => "LOW: Watch this user",
        };
        var about = query with { UserId = [user.UserId!.Value] };
        return (action, user switch
        {
            { ToRecover: > 0 } => $"{Audit(about)} | {Recover}",
            { Rejected: > 0 } or { Unreadable: > 0 } => $"{Audit(about)} | Format-List RawIngestionId, Cause, Rejected, NotRecoverableBecause, Problem",
            _ => $"Get-ProcessingHealth -Window {Duration.Write(query.Window)}{Options(about)}",
        });
    }

    /// <summary>The most important first.</summary>
    public static IEnumerable<(string Text, string Command)> For(FamilyReading reading, HealthQuery query)
    {
        var current = reading.Windows.GetValueOrDefault(query.PreviousWindows + 1) ?? new WindowReading();
        if (current.ToRecover > 0)
        {
            yield return (
                current.ItemsWithLoss > 0
                    ? $"Data loss detected in {Words.Count(current.ItemsWithLoss, "payload")}. Run the data recovery."
                    : $"{Words.Count(current.ToRecover, "payload")} failed, in whole or in part. Run the data recovery.",
                $"{Audit(query)} | {Recover}");
        }

        if (current.Rejected > 0)
        {
            yield return (
                $"{Words.Count(current.Rejected, "metric")} of {Words.Count(current.ItemsWithRejected, "payload")} rejected. Look at their types, and extend the mapping (docs/recovery-mapping.md).",
                $"{Audit(query)} | ForEach-Object Problem | Where-Object IsRowLost | Group-Object Type, Reason | Format-Table Count, Name");
        }

        if (current.BeyondRecovery > 0)
        {
            yield return (
                $"{Words.Count(current.BeyondRecovery, "payload")} lost what no recovery brings back. Look at why.",
                $"{Audit(query)} | Where-Object IsRecoverable -EQ $false | Format-List RawIngestionId, Cause, NotRecoverableBecause");
        }

        if (current.FailedAndWhole > 0)
        {
            yield return (
                $"{Words.Count(current.FailedAndWhole, "payload")} marked as failed, with nothing lost. A recovery puts the status right.",
                $"{Audit(query)} -IncludeWhole | Where-Object {{ $_.Cause -eq 'None' -and $_.Status -in 'error', 'failed', 'partial_success', 'recovery_failed' }} | Invoke-DataRecovery -WhatIf");
        }

        if (reading.OpenParameterLimits > 0)
        {
            yield return (
                $"PostgreSQL parameter limit violations detected ({Words.Count(reading.OpenParameterLimits, "case")}). Review the batch chunk sizes of the service.",
                $"{Audit(query)} -Cause {nameof(LossCause.ParameterLimit)}");
        }

        if (reading.Stuck.Count > 0)
        {
            var oldest = reading.Stuck.Max(work => work.Age);
            yield return (
                $"{Words.Count(reading.Stuck.Sum(work => work.Count), "payload")} stuck, the oldest for {Words.Age(oldest)}. Check that the service which processes them runs; what it left can be recovered.",
                StuckCommand(reading.Stuck, oldest, query));
        }

        if (current.Processed + current.Partial + current.Failed - current.Audited is var open and > 0)
        {
            yield return (
                $"{Words.Count(open, "payload")} not audited yet. Loss that nobody recorded shows in an audit only.",
                Audit(query));
        }
    }

    // Stuck work is of all time: the audit has to reach back to the oldest.
    private static string StuckCommand(IReadOnlyList<StuckWork> stuck, TimeSpan oldest, HealthQuery query)
    {
        var states = stuck.Select(work => IngestionStatuses.Find(work.State)).ToList();
        return states.TrueForAll(state => state is not null)
            ? $"{Audit(query with { Window = TimeSpan.FromDays(Math.Floor(oldest.TotalDays) + 1) })} -Status {string.Join(", ", states)} | {Recover}"
            : $"(Get-ProcessingHealth -Window {Duration.Write(query.Window)}{Options(query)}).Stuck";
    }

    private static string Audit(HealthQuery query) => $"Find-LostData -Window {Duration.Write(query.Window)}{Options(query)}";

    private static string Options(HealthQuery query) =>
        (query.UserId.Count > 0 ? $" -UserId {string.Join(", ", query.UserId)}" : "")
        + (query.Schema is null ? "" : $" -Schema {Words.Quoted(query.Schema)}");
}
