using Dapper;
using EtlTools.Core.Discovery;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Discovery;

public sealed class FindFailedTests
{
    [PostgresFact]
    public async Task File_whose_last_attempt_failed_is_found_and_due()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var key = bench.Put("Patient");
        var run = await bench.AddRunAsync();
        var id = await bench.AddAttemptAsync(key, "failed", run, error: "what went wrong");

        var failed = Assert.Single(await bench.FindFailedAsync());

        Assert.Equal((id, run), (failed.LoadRunFileId, failed.LoadRunId));
        Assert.Equal((LoadFileStatus.Failed, "Failed"), (failed.Status, failed.State));
        Assert.Equal((key, bench.Folder.Path), (failed.Key, failed.Container));
        Assert.Equal("Patient", failed.ExtractType);
        Assert.Equal(DiscoveryBench.Noon, failed.ExtractedAt);
        Assert.Equal((await bench.ReadAsync(key)).FileHash, failed.FileHash);
        Assert.Equal("what went wrong", failed.Error);
        Assert.Equal(1, failed.Attempts);
        Assert.True(failed.IsDue);
        Assert.Equal(failed.LastAttemptAt, failed.NextTryAt);
    }

    [PostgresFact]
    public async Task Repeated_failure_waits()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var waiting = bench.Put("Patient");
        await bench.AddAttemptAsync(waiting, "failed", age: TimeSpan.FromMinutes(30));
        await bench.AddAttemptAsync(waiting, "failed", attempt: 2, age: TimeSpan.FromMinutes(4));
        var rested = bench.Put("Allergies");
        await bench.AddAttemptAsync(rested, "failed", age: TimeSpan.FromMinutes(30));
        await bench.AddAttemptAsync(rested, "failed", attempt: 2, age: TimeSpan.FromMinutes(6));

        var failed = await bench.FindFailedAsync();

        // What is due comes first, though its parents are not.
        Assert.Equal([(rested, true), (waiting, false)], failed.Select(file => (file.Key, file.IsDue)));
        Assert.All(failed, file => Assert.Equal(2, file.Attempts));
        Assert.All(failed, file => Assert.Equal(TimeSpan.FromMinutes(5), file.NextTryAt - file.LastAttemptAt));
        var told = await bench.Discovery.GetWaitingAsync(new FileFilter(), DiscoveryBench.Month, CancellationToken.None);
        Assert.Equal((1, failed[1].NextTryAt, 0), (told.FailedCount, told.NextTryAt, told.AgedCount));
    }

    [PostgresFact]
    public async Task File_that_failed_too_long_ago_is_told_and_found_by_any_age()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var aged = bench.Put("Patient");
        await bench.AddAttemptAsync(aged, "failed", age: TimeSpan.FromDays(40));

        Assert.Empty(await bench.FindFailedAsync());
        var told = await bench.Discovery.GetWaitingAsync(new FileFilter(), DiscoveryBench.Month, CancellationToken.None);
        Assert.Equal((0, 1), (told.FailedCount, told.AgedCount));
        var found = await bench.FindFailedAsync(maxAge: TimeSpan.MaxValue);
        Assert.Equal(aged, Assert.Single(found).Key);
    }

    [PostgresTheory]
    [InlineData("processing", LoadFileStatus.Processing, "LeftBehind")]
    [InlineData("pending", LoadFileStatus.Pending, "Pending")]
    public async Task File_of_a_run_that_has_ended_is_left_behind(string status, LoadFileStatus expected, string state)
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await bench.AddAttemptAsync(bench.Put("Patient"), status, await bench.AddRunAsync("cancelled"));

        var failed = Assert.Single(await bench.FindFailedAsync());

        Assert.Equal((expected, state, true), (failed.Status, failed.State, failed.IsDue));
    }

    [PostgresTheory]
    [InlineData(1L)]
    [InlineData(-1L)]
    [InlineData(4_294_967_296L)]
    [InlineData(4_294_967_295L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(-81_985_529_216_486_896L)]
    public async Task File_is_left_alone_while_its_run_holds_its_lock(long leaseKey)
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var run = await bench.AddRunAsync("running", leaseKey, age: TimeSpan.FromDays(2));
        await bench.AddAttemptAsync(bench.Put("Patient"), "processing", run);
        await bench.AddAttemptAsync(bench.Put("Provider"), "pending", run);

        await using (var alive = await bench.Database.OpenAsync())
        {
            await alive.ExecuteAsync("SELECT pg_advisory_lock(@leaseKey)", new { leaseKey });
            Assert.Empty(await bench.FindFailedAsync());
            await alive.ExecuteAsync("SELECT pg_advisory_unlock(@leaseKey)", new { leaseKey });
        }

        Assert.Equal(["Pending", "LeftBehind"], (await bench.FindFailedAsync()).Select(file => file.State));
    }

    [PostgresFact]
    public async Task Same_lock_in_another_database_or_form_is_no_sign_of_life()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await using var other = await PostgresDatabase.CreateAsync();
        var run = await bench.AddRunAsync("running", leaseKey: (7L << 32) | 9);
        await bench.AddAttemptAsync(bench.Put("Patient"), "processing", run);

        await using var elsewhere = await other.OpenAsync();
        await elsewhere.ExecuteAsync("SELECT pg_advisory_lock((7::bigint << 32) | 9)");
        await using var twoKeys = await bench.Database.OpenAsync();
        await twoKeys.ExecuteAsync("SELECT pg_advisory_lock(7, 9)");

        Assert.Single(await bench.FindFailedAsync());
    }

    [PostgresFact]
    public async Task Run_that_takes_no_lock_is_believed_for_two_hours()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await bench.AddAttemptAsync(
            bench.Put("Patient"), "processing", await bench.AddRunAsync("running", age: TimeSpan.FromMinutes(110)));
        await bench.AddAttemptAsync(
            bench.Put("Provider"), "processing", await bench.AddRunAsync("running", age: TimeSpan.FromMinutes(130)));

        Assert.Equal("Provider", Assert.Single(await bench.FindFailedAsync()).ExtractType);
    }

    [PostgresFact]
    public async Task File_that_was_loaded_after_all_is_not_failed()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var retried = bench.Put("Patient");
        await bench.AddAttemptAsync(retried, "failed");
        await bench.AddAttemptAsync(retried, "completed", attempt: 2);
        var corrected = bench.Put("Provider");
        await bench.AddAttemptAsync(corrected, "failed");
        bench.Put("Provider", content: "corrected");
        await bench.AddAttemptAsync(corrected, "completed");
        var reprocessed = bench.Put("Allergies");
        await bench.AddAttemptAsync(reprocessed, "completed");
        await bench.AddAttemptAsync(reprocessed, "failed", attempt: 2);

        Assert.Empty(await bench.FindFailedAsync());
    }

    [PostgresFact]
    public async Task File_whose_new_content_failed_is_failed_and_one_whose_load_was_undone_stays_out()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var withdrawn = bench.Put("Patient");
        await bench.AddAttemptAsync(withdrawn, "failed");
        await bench.AddAttemptAsync(withdrawn, "completed", attempt: 2, isSuperseded: true);
        var uploadedAnew = bench.Put("Provider");
        await bench.AddAttemptAsync(uploadedAnew, "completed");
        bench.Put("Provider", content: "worse");
        await bench.AddAttemptAsync(uploadedAnew, "failed");

        Assert.Equal(uploadedAnew, Assert.Single(await bench.FindFailedAsync()).Key);
    }

    [PostgresFact]
    public async Task Withdrawn_failures_repairs_and_other_pipelines_are_left_out()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await bench.AddAttemptAsync(bench.Put("Patient"), "failed", isSuperseded: true);
        await bench.AddAttemptAsync(bench.Put("Provider"), "failed", origin: "repair");
        await bench.AddAttemptAsync(bench.Put("Allergies"), "failed", pipeline: "another");
        await bench.AddAttemptAsync(bench.Put("Appointments"), "failed", age: TimeSpan.FromDays(31));

        Assert.Empty(await bench.FindFailedAsync());
        Assert.Single(await bench.FindFailedAsync(maxAge: TimeSpan.FromDays(32)));
    }

    [PostgresFact]
    public async Task Two_contents_of_one_name_are_one_file()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var key = bench.Put("Patient");
        await bench.AddAttemptAsync(key, "failed");
        await bench.AddAttemptAsync(key, "failed", attempt: 2);
        bench.Put("Patient", content: "other");
        var last = await bench.AddAttemptAsync(key, "failed");

        var failed = Assert.Single(await bench.FindFailedAsync());

        Assert.Equal((last, 1), (failed.LoadRunFileId, failed.Attempts));
    }

    [PostgresFact]
    public async Task Failure_of_an_adopted_ledger_is_found_without_its_words()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await bench.AddAttemptAsync(
            bench.Put("Patient"), "failed", pipeline: null, extractType: "patients", error: "Kowhai Testperson is not a number");

        var failed = Assert.Single(await bench.FindFailedAsync(new FileFilter { ExtractTypes = ["Patient"] }));

        Assert.Equal("Patient", failed.ExtractType);
        Assert.DoesNotContain("Testperson", failed.Error, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Parents_come_first_then_the_oldest_extract()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var allergies = bench.Put("Allergies", DiscoveryBench.Noon.AddDays(-9));
        var newer = bench.Put("Patient", DiscoveryBench.Noon);
        var older = bench.Put("Patient", DiscoveryBench.Noon.AddDays(-1));
        foreach (var key in new[] { allergies, newer, older })
        {
            await bench.AddAttemptAsync(key, "failed");
        }

        Assert.Equal([older, newer, allergies], (await bench.FindFailedAsync()).Select(file => file.Key));
        Assert.Equal([older], (await bench.FindFailedAsync(new FileFilter { First = 1 })).Select(file => file.Key));
        Assert.Equal(
            [newer], (await bench.FindFailedAsync(new FileFilter { From = DiscoveryBench.Noon })).Select(file => file.Key));
        Assert.Equal(
            [allergies],
            (await bench.FindFailedAsync(new FileFilter { To = DiscoveryBench.Noon.AddDays(-1) })).Select(file => file.Key));
    }
}
