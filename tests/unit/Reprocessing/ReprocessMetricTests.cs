using EtlTools.Core;
using EtlTools.Core.Reprocessing;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Runs;

namespace EtlTools.Tests.Reprocessing;

public sealed class ReprocessMetricTests
{
    [PostgresFact]
    public async Task An_empty_ledger_has_no_rates()
    {
        await using var ledger = await Ledger.CreateAsync();

        var metric = await GetAsync(ledger, DateTimeOffset.MinValue);

        Assert.Equal((0, 0L, 0, 0), (metric.TotalReprocessingRuns, metric.DataVolumeProcessed, metric.RollbackIncidents, metric.OpenFailedFiles));
        Assert.Null(metric.SuccessRate);
        Assert.Null(metric.AverageReprocessingTime);
        Assert.Null(metric.FailedFileRecoveryRate);
        Assert.Null(metric.MeanTimeToRecovery);
        Assert.Null(metric.FailedFirstAccuracy);
        Assert.Null(metric.SupersededRowShare);
        Assert.Null(metric.StagingDeadRowShare);
        Assert.Null(metric.ReprocessingFrequency);
        Assert.Empty(metric.ByReason);
        Assert.Empty(metric.ByHour);
    }

    [PostgresFact]
    public async Task Runs_are_counted_in_the_window_by_result_reason_type_and_hour()
    {
        await using var ledger = await Ledger.CreateAsync();
        var first = await ledger.AddRunAsync("completed", "reprocess", took: TimeSpan.FromMinutes(2), reason: "data quality", startedAt: "2026-03-01 09:30+00");
        var second = await ledger.AddRunAsync("failed", "reprocess", took: TimeSpan.FromMinutes(4), reason: "data quality", startedAt: "2026-03-02 22:10+13");
        var third = await ledger.AddRunAsync("completed", "reprocess", took: TimeSpan.FromMinutes(6), reason: "wrong file", startedAt: "2026-03-03 23:00+00");
        await ledger.AddRunAsync("running", "reprocess", reason: "under way", startedAt: "2026-03-04 00:00+00");
        await ledger.AddRunAsync("completed", "load", startedAt: "2026-03-05 00:00+00");
        await ledger.AddRunAsync("completed", "reprocess", reason: "too early", startedAt: "2026-02-28 23:59+00");
        await ledger.AddFileAsync(first, "a", read: 10);
        await ledger.AddFileAsync(first, "b", read: 10, extractType: "Allergies");
        await ledger.AddFileAsync(second, "c", "failed");
        await AddReceiptAsync(ledger, third, "Vaccine", read: 0);

        var metric = await GetAsync(ledger, new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

        Assert.Equal(4, metric.TotalReprocessingRuns);
        Assert.Equal(2.0 / 3, metric.SuccessRate!.Value, 6);
        Assert.Equal(TimeSpan.FromMinutes(4), metric.AverageReprocessingTime);
        Assert.Equal(new Dictionary<string, int> { ["data quality"] = 2, ["wrong file"] = 1, ["under way"] = 1 }, metric.ByReason);
        Assert.Equal(new Dictionary<string, int> { ["Patient"] = 2, ["Allergies"] = 1, ["Vaccine"] = 1 }, metric.ByExtractType);
        Assert.Equal(new Dictionary<string, int> { ["09"] = 2, ["23"] = 1, ["00"] = 1 }, metric.ByHour);
        Assert.Equal(4 / (metric.Until - metric.Since).TotalDays, metric.ReprocessingFrequency!.Value, 3);
    }

    [PostgresFact]
    public async Task The_frequency_does_not_count_the_days_before_the_ledger()
    {
        await using var ledger = await Ledger.CreateAsync();
        await ledger.AddRunAsync("completed", "reprocess", age: TimeSpan.FromHours(23));
        Assert.Null((await GetAsync(ledger, DateTimeOffset.MinValue)).ReprocessingFrequency);

        await ledger.AddRunAsync("completed", "load", age: TimeSpan.FromDays(2));
        Assert.Equal(0.5, (await GetAsync(ledger, DateTimeOffset.MinValue)).ReprocessingFrequency!.Value, 3);
        Assert.Null((await GetAsync(ledger, DateTimeOffset.Now.AddHours(-23.5))).ReprocessingFrequency);
    }

    [PostgresFact]
    public async Task Volume_and_rollbacks_come_from_the_receipts()
    {
        await using var ledger = await Ledger.CreateAsync();
        var reprocess = await ledger.AddRunAsync("completed", "reprocess");
        var a = await AddReceiptAsync(ledger, reprocess, "Patient", read: 100);
        var b = await AddReceiptAsync(ledger, reprocess, "Patient", read: 50);
        await AddReceiptAsync(ledger, await ledger.AddRunAsync("completed", "reprocess"), "Patient", read: 25);
        var undo = await ledger.AddRunAsync("completed", "undo");
        await AddReceiptAsync(ledger, undo, "Patient", read: 7, undoes: a);
        await AddReceiptAsync(ledger, undo, "Patient", read: 7, undoes: b);

        var metric = await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-1));

        Assert.Equal((175, 1), (metric.DataVolumeProcessed, metric.RollbackIncidents));
    }

    [PostgresFact]
    public async Task Recovery_goes_from_the_first_failure_of_a_logical_file_to_the_attempt_that_was_loaded()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync("failed");

        // Two failures, then loaded: 3 hours.
        await ledger.AddFileAsync(run, "a", "failed", finishedAgo: TimeSpan.FromHours(10));
        await ledger.AddFileAsync(run, "a", "failed", finishedAgo: TimeSpan.FromHours(9));
        await ledger.AddFileAsync(run, "a", finishedAgo: TimeSpan.FromHours(7));

        // Loaded after 1 hour, and loaded again since: the first counts.
        await ledger.AddFileAsync(run, "b", "failed", finishedAgo: TimeSpan.FromHours(6));
        var replaced = await ledger.AddFileAsync(run, "b", finishedAgo: TimeSpan.FromHours(5));
        await ledger.SupersedeAsync(replaced, await ledger.AddFileAsync(run, "b", finishedAgo: TimeSpan.FromHours(1)));

        // Not loaded yet, and failed before the window.
        await ledger.AddFileAsync(run, "c", "failed", finishedAgo: TimeSpan.FromHours(2));
        await ledger.AddFileAsync(run, "d", "failed", finishedAgo: TimeSpan.FromDays(40));

        // A failed reprocess of content that is loaded: not recovered, but no gap.
        await ledger.AddFileAsync(run, "e", hash: "same");
        await ledger.AddFileAsync(run, "e", "failed", hash: "same", finishedAgo: TimeSpan.FromHours(1));

        var metric = await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-30));

        Assert.Equal(0.5, metric.FailedFileRecoveryRate);
        Assert.Equal(1, metric.OpenFailedFiles);
        Assert.InRange(metric.MeanTimeToRecovery!.Value, TimeSpan.FromHours(1.9), TimeSpan.FromHours(2.1));
    }

    [PostgresFact]
    public async Task A_recovery_that_was_undone_is_none_and_the_file_stays_out_as_Find_FailedFile_has_it()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync("failed");
        await ledger.AddFileAsync(run, "a", "failed");
        var loaded = await ledger.AddFileAsync(run, "a");
        Assert.Equal(0, (await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-1))).OpenFailedFiles);

        await ledger.Database.ExecuteAsync(
            "UPDATE etl.load_run_files SET superseded_at = now() WHERE load_run_file_id = @loaded", new { loaded });

        var metric = await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-1));
        Assert.Equal((0, 0.0), (metric.OpenFailedFiles, metric.FailedFileRecoveryRate));
    }

    [PostgresFact]
    public async Task Failed_files_first_is_a_share_of_the_runs_that_had_a_choice()
    {
        await using var ledger = await Ledger.CreateAsync();
        var before = await ledger.AddRunAsync("failed", age: TimeSpan.FromHours(9));
        await ledger.AddFileAsync(before, "a", "failed");
        await ledger.AddFileAsync(before, "b", "failed");

        var right = await ledger.AddRunAsync(age: TimeSpan.FromHours(3));
        await ledger.AddFileAsync(right, "a", startedAgo: TimeSpan.FromMinutes(30));
        await ledger.AddFileAsync(right, "new1", startedAgo: TimeSpan.FromMinutes(29));
        var wrong = await ledger.AddRunAsync(age: TimeSpan.FromHours(2));
        await ledger.AddFileAsync(wrong, "new2", startedAgo: TimeSpan.FromMinutes(20));
        await ledger.AddFileAsync(wrong, "b", startedAgo: TimeSpan.FromMinutes(19));
        var withoutChoice = await ledger.AddRunAsync(age: TimeSpan.FromHours(1));
        await ledger.AddFileAsync(withoutChoice, "new3");

        Assert.Equal(0.5, (await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-1))).FailedFirstAccuracy);
    }

    [PostgresFact]
    public async Task Storage_growth_is_the_share_of_superseded_rows_still_kept()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var old = await ledger.AddFileAsync(run, "a", read: 30);
        var gone = await ledger.AddFileAsync(run, "b", read: 1000);
        var current = await ledger.AddFileAsync(run, "c", read: 70);
        await ledger.SupersedeAsync(old, current);
        await ledger.SupersedeAsync(gone, current);
        await ledger.Database.ExecuteAsync("UPDATE etl.load_run_files SET raw_deleted_at = now() WHERE load_run_file_id = @gone", new { gone });

        Assert.Equal(0.3, (await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-1))).SupersededRowShare);
    }

    [PostgresFact]
    public async Task What_readers_of_staging_pass_over_is_the_share_of_dead_rows_in_what_was_reprocessed()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var receipt = await AddReceiptAsync(ledger, run, "Patient", 100);
        await ledger.Database.ExecuteAsync("""
            CREATE SCHEMA IF NOT EXISTS stg;
            CREATE TABLE stg."Patients" (id integer) WITH (autovacuum_enabled = false);
            CREATE TABLE stg.others (LIKE stg."Patients") WITH (autovacuum_enabled = false);
            INSERT INTO stg."Patients" SELECT generate_series(1, 100);
            INSERT INTO stg.others SELECT generate_series(1, 100)
            """);
        await ledger.Database.ExecuteAsync("DELETE FROM stg.\"Patients\" WHERE id <= 25; DELETE FROM stg.others; SELECT pg_stat_force_next_flush()");
        await ledger.Database.ExecuteAsync("UPDATE etl.reprocess_receipts SET staging_table = 'stg.Patients' WHERE receipt_id = @receipt", new { receipt });

        Assert.Equal(0.25, (await GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(-1))).StagingDeadRowShare);
    }

    [PostgresFact]
    public async Task A_window_in_the_future_is_refused()
    {
        await using var ledger = await Ledger.CreateAsync();

        var error = await Assert.ThrowsAsync<EtlException>(() => GetAsync(ledger, DateTimeOffset.UtcNow.AddDays(1)));

        Assert.Equal((EtlErrorKind.InvalidInput, "SinceInFuture"), (error.Kind, error.ErrorId));
    }

    private static Task<ReprocessMetric> GetAsync(Ledger ledger, DateTimeOffset since) =>
        new ReprocessMetrics(ledger.Etl).GetAsync(since, CancellationToken.None);

    private static Task<Guid> AddReceiptAsync(Ledger ledger, Guid run, string extractType, long read, Guid? undoes = null) =>
        ledger.Database.ScalarAsync<Guid>(
            """
            INSERT INTO etl.reprocess_receipts (load_run_id, kind, undoes_receipt_id, extract_type, rows_read, reason)
            VALUES (@run, CASE WHEN @undoes::uuid IS NULL THEN 'reprocess' ELSE 'undo' END, @undoes, @extractType, @read, 'why')
            RETURNING receipt_id
            """,
            new { run, undoes, extractType, read });
}
