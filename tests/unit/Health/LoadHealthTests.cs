using EtlTools.Core;
using EtlTools.Core.Health;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Runs;

namespace EtlTools.Tests.Health;

public sealed class LoadHealthTests
{
    [PostgresFact]
    public async Task An_empty_ledger_has_no_data_and_no_alert()
    {
        await using var ledger = await Ledger.CreateAsync();

        var health = await GetAsync(ledger);

        Assert.Equal(HealthStatus.NoData, health.Status);
        Assert.Equal((true, "no file came in"), (Load(health).IsIncluded, Load(health).Detail));
        Assert.Equal((0L, null, null), (Overall(health).Total, Overall(health).SuccessRate, health.DataLoss[0].Rate));
        Assert.Empty(health.Alert);
        Assert.Empty(health.Recommendation);
        Assert.Equal(8, health.Trend.Count(trend => trend.Family == PipelineFamily.Load));
        Assert.Equal(TimeSpan.FromHours(24), health.To - health.From);
    }

    [PostgresFact]
    public async Task A_file_counts_once_by_its_last_attempt()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var first = await ledger.AddFileAsync(run, "good", read: 100);
        await ledger.SupersedeAsync(first, await ledger.AddFileAsync(run, "good", read: 100));
        await ledger.AddFileAsync(run, "fails twice", "failed", hash: "h");
        await ledger.AddFileAsync(run, "fails twice", "failed", hash: "h");
        await ledger.AddFileAsync(run, "put right", "failed");
        await ledger.AddFileAsync(run, "put right", "failed");
        await ledger.AddFileAsync(run, "put right", read: 10);
        await ledger.AddFileAsync(run, "rows stand", read: 10, hash: "same");
        await ledger.AddFileAsync(run, "rows stand", "failed", hash: "same");
        await ledger.AddFileAsync(run, "left behind", "processing");
        await ledger.AddFileAsync(run, "to do", "pending");

        var health = await GetAsync(ledger);

        var overall = Overall(health);
        Assert.Equal((6, 3, 2, 1, 1), (overall.Total, overall.Processed, overall.Failed, overall.Waiting, overall.Recovered));
        Assert.Equal((2.0 / 6, 0.5), (overall.FailureRate, overall.SuccessRate));
        Assert.Equal(HealthStatus.Critical, health.Status);
        Assert.Equal("ProcessingFailure", health.Alert.Single(alert => alert.Severity == HealthSeverity.Critical).Id);

        // All of the window, put right or not: what went wrong has a pattern all the same.
        Assert.Equal(5, health.ErrorPattern.Where(pattern => pattern.Unit == "file").Sum(pattern => pattern.Count));
        Assert.Equal(3, health.Backlog[0].Count);
    }

    [PostgresFact]
    public async Task A_file_of_a_live_run_is_at_work_and_of_a_dead_one_has_failed()
    {
        await using var ledger = await Ledger.CreateAsync();
        await using var lease = await ledger.HoldLeaseAsync(1);
        await ledger.AddFileAsync(await ledger.AddRunAsync("running", leaseKey: 1), "live", "processing");
        var dead = await ledger.AddRunAsync("running", leaseKey: 2, age: TimeSpan.FromMinutes(5));
        await ledger.AddFileAsync(dead, "dead", "processing");
        await ledger.AddRunAsync("running", age: TimeSpan.FromMinutes(119));
        var silent = await ledger.AddRunAsync("running", age: TimeSpan.FromMinutes(121));

        var health = await GetAsync(ledger);

        Assert.Equal((1, 1), (Overall(health).Waiting, Overall(health).Failed));
        Assert.Equal([silent, dead], health.Stuck.Select(work => work.LoadRunId!.Value));
        Assert.Equal("its session is gone", health.Stuck[1].Reason);
        Assert.Equal(2, health.Alert.Single(alert => alert.Id == "StuckWork").Value);
        Assert.Contains(health.Recommendation, one => one.Command.StartsWith("Get-LoadRun -Problem Stuck -StuckAfter 2h | Stop-LoadRun", StringComparison.Ordinal));
        Assert.Equal(1, health.Backlog[0].Count);

        Assert.Equal(3, (await GetAsync(ledger, new HealthThresholds { StuckAfter = TimeSpan.FromHours(1) })).Stuck.Count);
    }

    [PostgresFact]
    public async Task Rejected_rows_are_lost_until_they_are_repaired()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var file = await ledger.AddFileAsync(run, "a", read: 100, rejected: 12);
        for (var row = 1; row <= 12; row++)
        {
            await ledger.AddRejectedRowAsync(file, "staging", fields: "{}", rowNumber: row, reasons: ["born:date_invalid", "name:missing"]);
        }

        var lost = await GetAsync(ledger);
        Assert.Equal((100, 88, 12, 1), (lost.DataLoss[0].Expected, lost.DataLoss[0].Present, lost.DataLoss[0].Missing, lost.DataLoss[0].Items));
        Assert.Equal(HealthSeverity.Critical, lost.Alert.Single(alert => alert.Id == "DataLoss").Severity);
        Assert.Equal(
            [("Data Validation", "date_invalid", 12L), ("Data Validation", "missing", 12L)],
            lost.ErrorPattern.Select(pattern => (pattern.Category, pattern.ErrorCode!, pattern.Count)).Order());

        await ledger.Database.ExecuteAsync(
            "UPDATE etl.rejected_rows SET repaired_by_load_run_file_id = @file WHERE row_number > 5", new { file });
        var repaired = await GetAsync(ledger);
        Assert.Equal(5, repaired.DataLoss[0].Missing);
        Assert.Equal(HealthStatus.Healthy, repaired.Status);
    }

    [PostgresFact]
    public async Task All_rows_of_a_file_that_failed_are_missing_until_it_is_loaded()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        await ledger.AddFileAsync(run, "a", read: 80, rejected: 2);
        await ledger.AddFileAsync(run, "b", "failed", read: 20, rejected: 6);

        var failed = await GetAsync(ledger);
        Assert.Equal((100, 78, 22, 2), (failed.DataLoss[0].Expected, failed.DataLoss[0].Present, failed.DataLoss[0].Missing, failed.DataLoss[0].Items));
        Assert.Equal(
            "CSV loads: 22.0% of the rows expected are missing, in 2 files, above the limit of 10.0%.",
            failed.Alert.Single(alert => alert.Id == "DataLoss").Message);
        Assert.Contains(failed.Recommendation, one => one.Text.StartsWith("2 rows of 1 file in quarantine", StringComparison.Ordinal));

        await ledger.AddFileAsync(run, "b", read: 20);
        var loaded = await GetAsync(ledger);
        Assert.Equal((100, 2), (loaded.DataLoss[0].Expected, loaded.DataLoss[0].Missing));
    }

    [PostgresFact]
    public async Task A_load_that_took_keys_away_is_told_until_it_is_taken_back()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var (taking, harmless, old) = (
            await ledger.AddFileAsync(run, "a"), await ledger.AddFileAsync(run, "b"), await ledger.AddFileAsync(run, "c", finishedAgo: TimeSpan.FromHours(30)));
        await ledger.Database.ExecuteAsync(
            """
            INSERT INTO etl.reprocess_receipts (load_run_id, kind, extract_type, new_load_run_file_id, keys_withdrawn, keys_restored, reason, created_at)
            VALUES (@run, 'load', 'x', @taking, 4, 3, 'load', now() - interval '1 hour'), (@run, 'load', 'x', @harmless, 0, 0, 'load', now() - interval '1 hour'),
                   (@run, 'load', 'x', @old, 1, 0, 'load', now() - interval '30 hours'), (@run, 'reprocess', 'x', @harmless, 5, 0, 'meant', now() - interval '1 hour')
            """,
            new { run, taking, harmless, old });

        var advice = Assert.Single((await GetAsync(ledger)).Recommendation);
        Assert.StartsWith("1 file took the place of one of the same name, and 7 keys went with it.", advice.Text, StringComparison.Ordinal);
        Assert.Equal($"Undo-Reprocess -LoadRunFileId {taking} -Reason 'Keys missing' -WhatIf", advice.Command);

        await ledger.Database.ExecuteAsync(
            "UPDATE etl.load_run_files SET superseded_at = now(), superseded_by_load_run_file_id = @old WHERE load_run_file_id = @taking", new { taking, old });
        Assert.Empty((await GetAsync(ledger)).Recommendation);
    }

    [PostgresFact]
    public async Task What_an_undo_took_back_and_what_waits_for_staging_is_told()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var (withdrawn, taken, unstaged) = (await ledger.AddFileAsync(run, "a"), await ledger.AddFileAsync(run, "b"), await ledger.AddFileAsync(run, "c"));
        await ledger.AddFileAsync(run, "b");
        await ledger.Database.ExecuteAsync(
            """
            UPDATE etl.load_run_files SET superseded_at = now() WHERE load_run_file_id IN (@withdrawn, @taken);
            UPDATE etl.load_run_files SET staged_at = NULL WHERE load_run_file_id = @unstaged
            """,
            new { withdrawn, taken, unstaged });

        Assert.Equal(
            [
                ("1 file taken back by an undo, and not loaded again.", $"Invoke-Reprocess -LoadRunFileId {withdrawn} -Reason 'Processing health' -WhatIf"),
                ("1 file loaded, and not in staging yet.", "Start-LoadRun -WhatIf"),
            ],
            (await GetAsync(ledger)).Recommendation.Select(one => (one.Text[..(one.Text.IndexOf('.', StringComparison.Ordinal) + 1)], one.Command)));
    }

    [PostgresFact]
    public async Task Practices_with_trouble_are_listed_the_most_urgent_first()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        await AddPracticeAsync("fine", "completed", rejected: 0);
        await AddPracticeAsync("lossy", "completed", rejected: 30);
        await AddPracticeAsync("failing", "failed", lastSuccess: TimeSpan.FromDays(8));
        await AddPracticeAsync("late", "failed", lastSuccess: TimeSpan.FromDays(2));
        await AddPracticeAsync("never", "failed");
        await AddPracticeAsync("silent", null, lastSuccess: TimeSpan.FromDays(20));

        var health = await GetAsync(ledger);

        Assert.Equal(
            [("failing", ImpactUrgency.Urgent), ("lossy", ImpactUrgency.High), ("late", ImpactUrgency.Medium), ("never", ImpactUrgency.Low)],
            health.Impact.Select(impact => (impact.PracticeId!, impact.Urgency)));
        Assert.Equal(8, health.Impact[0].DaysSinceSuccess!.Value, 1);
        Assert.Equal((0.3, 1.0), (health.Impact[1].DataLossRate, health.Impact[1].SuccessRate));
        Assert.Equal("SubjectSuccess", Assert.Single(health.Alert, alert => alert.Metric == "success rate of a practice").Id);

        var one = await GetAsync(ledger, practices: ["lossy"]);
        Assert.Equal((1L, "lossy"), (Overall(one).Total, Assert.Single(one.Impact).PracticeId));

        async Task AddPracticeAsync(string practice, string? status, int rejected = 0, TimeSpan? lastSuccess = null)
        {
            if (lastSuccess is not null)
            {
                await ledger.AddFileAsync(run, practice + " before", read: 100, startedAgo: lastSuccess, finishedAgo: lastSuccess);
            }

            if (status is not null)
            {
                // Of one that could not be read at all nobody knows what it would have brought.
                await ledger.AddFileAsync(run, practice + " now", status, read: status == "failed" ? 0 : 100, rejected: rejected);
            }

            await ledger.Database.ExecuteAsync(
                "UPDATE etl.load_run_files SET practice_id = @practice WHERE s3_key LIKE @practice || ' %'", new { practice });
        }
    }

    [PostgresFact]
    public async Task The_trend_counts_each_window_for_itself()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        foreach (var (age, key) in new[] { (0.5, "a"), (1.5, "b"), (1.6, "c"), (6.9, "d"), (7.9, "e"), (8.1, "f") })
        {
            var ago = TimeSpan.FromDays(age);
            await ledger.AddFileAsync(run, key, key is "c" or "e" ? "failed" : "completed", read: 10, startedAgo: ago, finishedAgo: ago);
        }

        var health = await GetAsync(ledger);

        Assert.Equal([1, 1, 0, 0, 0, 0, 2, 1], health.Trend.Select(trend => trend.Total));
        Assert.Equal([1.0, 0, null, null, null, null, 0.5, 0], health.Trend.Select(trend => trend.FailureRate));
        Assert.Equal([false, true], health.Trend.Skip(6).Select(trend => trend.IsCurrent));
        Assert.Equal(health.From, health.Trend[^1].From);
        Assert.Equal(health.Trend[^1].From, health.Trend[^2].To);
        Assert.Equal(4, Total("FilesLoaded"));
        Assert.Equal(2, Total("FilesFailed"));

        long Total(string name) => health.Total.Single(total => total.Name == name).Value;
    }

    [PostgresFact]
    public async Task A_run_that_came_to_no_file_is_critical_until_a_good_one_follows()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync("failed", age: TimeSpan.FromHours(1));
        await ledger.Database.ExecuteAsync("UPDATE etl.load_runs SET error_code = 'SourceUnavailable'");

        var health = await GetAsync(ledger);
        Assert.Equal(("RunFailed", HealthStatus.Critical), (Assert.Single(health.Alert).Id, health.Status));
        var pattern = Assert.Single(health.ErrorPattern);
        Assert.Equal(("Source", "SourceUnavailable", "run"), (pattern.Category, pattern.ErrorCode, pattern.Unit));

        await ledger.AddRunAsync("completed", age: TimeSpan.FromMinutes(1));
        Assert.Empty((await GetAsync(ledger)).Alert);
    }

    [PostgresFact]
    public async Task Errors_have_their_category_and_an_earlier_systems_words_stay_where_they_are()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        foreach (var code in new[] { "TooManyBadRows", "UniqueViolation", "ConnectionLost", "StatementTimeout", "ServerOutOfMemory", "OwnerDied", "DiskFull" })
        {
            var file = await ledger.AddFileAsync(run, code, "failed");
            await ledger.Database.ExecuteAsync("UPDATE etl.load_run_files SET error_code = @code WHERE load_run_file_id = @file", new { code, file });
        }

        await ledger.AddAdoptedFileAsync(run, "failed", 0, 0, 0, "Zyxwvutta has no NHI");

        var health = await GetAsync(ledger);

        Assert.Equal(
            ["Data Validation", "Database Connection", "Duplicate Key", "Interrupted", "Memory Limit Exceeded", "Other", "Other", "Processing Timeout"],
            health.ErrorPattern.Select(pattern => pattern.Category).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(health.ErrorPattern, pattern => pattern.ToString().Contains("Zyxwvutta", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task Times_are_given_in_the_zone_asked_for()
    {
        await using var ledger = await Ledger.CreateAsync();
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Pacific/Auckland");

        var health = await new HealthMonitor(ledger.Etl).GetAsync(new HealthQuery(), zone, CancellationToken.None);

        Assert.Equal("Pacific/Auckland", health.TimeZone);
        Assert.Equal(zone.GetUtcOffset(health.To), health.To.Offset);
    }

    [PostgresTheory]
    [InlineData(0, 7, "Window", "A window of 0h is shorter than a minute.")]
    [InlineData(24, -1, "PreviousWindow", "-1 windows before the one asked about are not 0 to 366.")]
    [InlineData(24, 367, "PreviousWindow", "367 windows before the one asked about are not 0 to 366.")]
    [InlineData(24 * 3661, 0, "Window", "A window of 3661d is longer than 10 years.")]
    [InlineData(24 * 3650, 10, "PreviousWindow", "A window of 3650d with 10 before it reaches back more than 100 years.")]
    public async Task A_window_that_makes_no_sense_is_refused(int hours, int previous, string target, string message)
    {
        await using var ledger = await Ledger.CreateAsync();
        var query = new HealthQuery { Window = TimeSpan.FromHours(hours), PreviousWindows = previous };

        var error = await Assert.ThrowsAsync<EtlException>(() => new HealthMonitor(ledger.Etl).GetAsync(query, TimeZoneInfo.Utc, CancellationToken.None));

        Assert.Equal((EtlErrorKind.InvalidInput, "HealthWindowInvalid", target, message), (error.Kind, error.ErrorId, error.Target, error.Message));
    }

    private static FamilyHealth Load(ProcessingHealth health) => health.Family.Single(family => family.Family == PipelineFamily.Load);

    private static HealthOverall Overall(ProcessingHealth health) => health.Overall.Single(overall => overall.Family == PipelineFamily.Load);

    private static Task<ProcessingHealth> GetAsync(Ledger ledger, HealthThresholds? limits = null, string[]? practices = null) =>
        new HealthMonitor(ledger.Etl).GetAsync(
            new HealthQuery { Thresholds = limits ?? new HealthThresholds(), PracticeId = practices ?? [] }, TimeZoneInfo.Utc, CancellationToken.None);
}
