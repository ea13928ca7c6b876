using EtlTools.Core.Runs;
using Npgsql;

namespace EtlTools.Core.Health.Loads;

/// <summary>CSV files loaded into raw and staging, as the ledger has them.</summary>
/// <param name="liveness">Which runs are dead; read before the transaction that sees one state.</param>
internal sealed class LoadHealth(RunLiveness liveness) : IHealthFamily
{
    private const int MostNamed = 20;

    public PipelineFamily Family => PipelineFamily.Load;

    public string? WhyLeftOut(HealthQuery query) =>
        query.UserId.Count > 0 && query.PracticeId.Count == 0 ? "left out: files have no users" : null;

    public async Task<FamilyReading?> ReadAsync(
        NpgsqlConnection connection, HealthWindows windows, HealthQuery query, CancellationToken cancellationToken)
    {
        var parameters = new
        {
            bounds = windows.Bounds,
            current = windows.Current,
            from = windows.From,
            now = windows.Now,
            practices = query.PracticeId.Count == 0 ? null : query.PracticeId.ToArray(),
            dead = liveness.Dead,
            leases_visible = liveness.LeasesVisible,
            stuck_after = query.Thresholds.StuckAfter,
        };
        var counts = await QueryAsync<Count>(LoadHealthSql.Counts).ConfigureAwait(false);
        var files = await QueryAsync<Error>(LoadHealthSql.FileErrors).ConfigureAwait(false);
        var rows = await QueryAsync<Error>(LoadHealthSql.RowErrors).ConfigureAwait(false);
        var runs = await QueryAsync<Error>(LoadHealthSql.RunErrors).ConfigureAwait(false);
        var stuck = await QueryAsync<StuckRun>(LoadHealthSql.StuckRuns).ConfigureAwait(false);
        var backlog = (await QueryAsync<(long Count, DateTime? OldestAt)>(LoadHealthSql.Backlog).ConfigureAwait(false))[0];
        var took = await QueryAsync<(int, long)>(LoadHealthSql.TookKeys).ConfigureAwait(false);
        var all = counts.Single(count => count.Window is null && count.PracticeId is null);
        return new FamilyReading
        {
            Unit = "file",
            RecordUnit = "row",
            SubjectUnit = "practice",

            // The ledger's rows are counted as they arrive, so that every loaded file is audited.
            Windows = counts.Where(count => count.Window is not null).ToDictionary(
                count => count.Window!.Value, WindowReading (count) => count with { Audited = count.Processed }),
            Subjects = counts.Where(count => count.PracticeId is not null).Select(count => count.ToSubject()).ToList(),
            ErrorPatterns = [.. Patterns("run", runs), .. Patterns("file", files), .. Patterns("row", rows)],
            Stuck = stuck.Select(run => run.ToWork(windows.Now)).ToList(),
            BacklogCount = backlog.Count,
            BacklogOldestAt = backlog.OldestAt,
            LastSuccessAt = all.LastSuccessAt,
            TookKeys = took,
            Withdrawn = await QueryAsync<int>(LoadHealthSql.Withdrawn).ConfigureAwait(false),
            Unstaged = (await QueryAsync<long>(LoadHealthSql.Unstaged).ConfigureAwait(false))[0],
            FailedRuns = runs.Sum(run => run.Unanswered),
            Totals =
            [
                ("FilesLoaded", all.FilesLoaded),
                ("FilesFailed", all.FilesFailed),
                ("RowsIngested", all.RowsIngested),
                ("RowsRejected", all.RowsRejected),
            ],
        };

        Task<List<T>> QueryAsync<T>(string sql) => connection.ListAsync<T>(sql, parameters, cancellationToken);
    }

    public (string Action, string Command) Advise(SubjectReading subject, ImpactUrgency urgency, HealthQuery query)
    {
        var action = urgency switch
        {
            ImpactUrgency.Urgent => "URGENT: Reload the files of this practice now",
            ImpactUrgency.High => "HIGH: Schedule a reload for this practice",
            ImpactUrgency.Medium => "MEDIUM: Look at the files of this practice",
            _ => "LOW: Watch this practice",
        };
        return (action, $"Get-ProcessingHealth -Window {Duration.Write(query.Window)} -PracticeId {Words.Quoted(subject.PracticeId!)}");
    }

    public IEnumerable<(string Text, string Command)> Recommend(FamilyReading reading, HealthQuery query)
    {
        var window = Duration.Write(query.Window);
        if (reading.FailedRuns > 0)
        {
            yield return (
                $"{Words.Count(reading.FailedRuns, "run")} failed before any file was read. Look at the error, then load again.",
                $"Get-LoadRun -Status Failed -Since {window} | Format-List StartedAt, Pipeline, ErrorCode, Error");
        }

        if (reading.Stuck.Count > 0)
        {
            yield return (
                $"{Words.Count(reading.Stuck.Count, "stuck run")}: once a run is closed, files it has not finished come back as failed files; what an undo has not reached stays loaded.",
                $"Get-LoadRun -Problem Stuck -StuckAfter {Duration.Write(query.Thresholds.StuckAfter)} | Stop-LoadRun -Reason 'No sign of life' -WhatIf");
        }

        if (reading.BacklogCount > 0)
        {
            yield return (
                $"{Words.Count(reading.BacklogCount, "file")} not loaded. Put the cause right, then reprocess.",
                $"Find-FailedFile{OfPractices(query)} | Invoke-Reprocess -Reason 'Processing health' -WhatIf");
        }

        if (reading.Withdrawn.Count > 0)
        {
            yield return (
                $"{Words.Count(reading.Withdrawn.Count, "file")} taken back by an undo, and not loaded again. A reprocess loads what is in the source now.",
                $"Invoke-Reprocess -LoadRunFileId {string.Join(", ", reading.Withdrawn.Take(MostNamed))} -Reason 'Processing health' -WhatIf");
        }

        if (reading.Unstaged > 0)
        {
            yield return (
                $"{Words.Count(reading.Unstaged, "file")} loaded, and not in staging yet. The next load that does not skip staging stages them.",
                "Start-LoadRun -WhatIf");
        }

        if (reading.TookKeys.Count > 0)
        {
            yield return (
                $"{Words.Count(reading.TookKeys.Count, "file")} took the place of one of the same name, and {Words.Count(reading.TookKeys.Sum(file => file.Keys), "key")} went with it. Where that was not meant, take the load back.",
                $"Undo-Reprocess -LoadRunFileId {string.Join(", ", reading.TookKeys.Take(MostNamed).Select(file => file.LoadRunFileId))} -Reason 'Keys missing' -WhatIf");
        }

        if (reading.Windows.TryGetValue(query.PreviousWindows + 1, out var current) && current.Quarantined > 0)
        {
            yield return (
                $"{Words.Count(current.Quarantined, "row")} of {Words.Count(current.ItemsWithQuarantined, "file")} in quarantine. Look at the reasons; Repair-RejectedRow puts corrected rows back.",
                $"Get-LoadFile -Since {window} -ExcludeSuperseded{OfPractices(query)} | Get-RejectedRow | Group-Object Reason | Format-Table Count, Name");
        }
    }

    private static string OfPractices(HealthQuery query) => query.PracticeId.Count == 0
        ? ""
        : $" | Where-Object PracticeId -In {string.Join(", ", query.PracticeId.Select(Words.Quoted))}";

    private static IEnumerable<ErrorPattern> Patterns(string unit, List<Error> errors) => errors.Select(error => new ErrorPattern
    {
        Category = unit == "row" ? ErrorCategory.DataValidation : ErrorCategory.Of(error.ErrorCode),
        ErrorCode = error.ErrorCode ?? (error.IsAdopted ? "recorded by the earlier system" : null),
        Unit = unit,
        Count = error.Count,
        FirstSeen = error.FirstSeenAt,
        LastSeen = error.LastSeenAt,
    });

    private sealed record Count : FamilyCount
    {
        public long FilesLoaded { get; init; }
        public long FilesFailed { get; init; }
        public long RowsIngested { get; init; }
        public long RowsRejected { get; init; }
    }

    private sealed record Error
    {
        public string? ErrorCode { get; init; }
        public bool IsAdopted { get; init; }
        public long Count { get; init; }
        public DateTime FirstSeenAt { get; init; }
        public DateTime LastSeenAt { get; init; }
        public long Unanswered { get; init; }
    }

    private sealed record StuckRun
    {
        public Guid LoadRunId { get; init; }
        public DateTime StartedAt { get; init; }
        public DateTime LastSignAt { get; init; }
        public bool IsDead { get; init; }

        public StuckWork ToWork(DateTime now) => new()
        {
            LoadRunId = LoadRunId,
            What = $"Run {LoadRunId}",
            State = "running",
            Count = 1,
            Since = StartedAt,
            Age = now - StartedAt,
            Reason = IsDead ? "its session is gone" : $"it has given no sign of life for {Duration.Write(TimeSpan.FromMinutes(Math.Floor((now - LastSignAt).TotalMinutes)))}",
        };
    }
}
