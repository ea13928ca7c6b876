using EtlTools.Core;
using EtlTools.Core.Discovery;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Discovery;

public sealed class LoadPlanTests
{
    private static readonly DateTime Noon = DiscoveryBench.Noon;

    [PostgresFact]
    public async Task Failed_files_come_first_then_parents_then_the_oldest()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var failedChild = bench.Put("Allergies", Noon);
        var failedParent = bench.Put("Patient", Noon);
        await bench.AddAttemptAsync(failedChild, "failed");
        await bench.AddAttemptAsync(failedParent, "failed");
        var child = bench.Put("Allergies", Noon.AddDays(-3));
        var newer = bench.Put("Patient", Noon.AddDays(-1));
        var older = bench.Put("Patient", Noon.AddDays(-2));
        var top = bench.Put("PracticeInfo", Noon);

        var plan = await bench.GetPlanAsync();

        Assert.Equal([failedParent, failedChild, top, older, newer, child], plan.Select(item => item.Key));
        Assert.Equal([1, 2, 3, 4, 5, 6], plan.Select(item => item.Order));
        Assert.Equal([1, 2, 3, 4, 4, 5], plan.Select(item => item.Batch));
        Assert.Equal(
            [PlanReason.Failed, PlanReason.Failed, PlanReason.New, PlanReason.New, PlanReason.New, PlanReason.New],
            plan.Select(item => item.Reason));
        Assert.Equal([1, 1, 0, 0, 0, 0], plan.Select(item => item.Attempts));
    }

    [PostgresFact]
    public async Task Batch_has_one_type_and_a_limit()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        for (var day = 0; day < 5; day++)
        {
            bench.Put("Patient", Noon.AddDays(day));
        }

        bench.Put("Provider");

        Assert.Equal([1, 2, 2, 3, 3, 4], (await bench.GetPlanAsync(batchSize: 2)).Select(item => item.Batch));
        var error = await Assert.ThrowsAsync<EtlException>(() => bench.GetPlanAsync(batchSize: 0));
        Assert.Equal("BatchSizeInvalid", error.ErrorId);
    }

    [PostgresFact]
    public async Task Priority_of_the_call_or_of_the_pipeline_comes_first()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        bench.Put("Patient");
        bench.Put("Provider");
        bench.Put("Allergies");
        bench.Pipeline = bench.Pipeline with { Priority = ["Patient"] };

        Assert.Equal(["Patient", "Provider", "Allergies"], (await bench.GetPlanAsync()).Select(item => item.ExtractType));
        Assert.Equal(
            ["Allergies", "Provider", "Patient"],
            (await bench.GetPlanAsync(priority: ["allergies"])).Select(item => item.ExtractType));
    }

    [PostgresFact]
    public async Task Poison_file_leaves_the_plan_to_the_others()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var poison = bench.Put("Patient");
        await bench.AddAttemptAsync(poison, "failed", age: TimeSpan.FromHours(1));
        await bench.AddAttemptAsync(poison, "failed", attempt: 7);
        var fresh = bench.Put("Provider");

        Assert.Equal([fresh], (await bench.GetPlanAsync()).Select(item => item.Key));
    }

    [PostgresFact]
    public async Task Failed_file_that_is_gone_is_reported_and_takes_no_place()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var gone = bench.Put("PracticeInfo");
        await bench.AddAttemptAsync(gone, "failed");
        File.Delete(Path.Combine(bench.Folder.Path, gone));
        var failed = bench.Put("Patient");
        await bench.AddAttemptAsync(failed, "failed");

        var plan = await bench.GetPlanAsync(new FileFilter { First = 1 });

        Assert.Equal([failed], plan.Select(item => item.Key));
        var missing = Assert.Single(bench.Reported);
        Assert.Equal(("SourceFileMissing", gone), (missing.ErrorId, missing.Object.Key));
    }

    [PostgresFact]
    public async Task Failed_file_that_was_uploaded_anew_is_planned_once_as_it_is_now()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var key = bench.Put("Patient");
        await bench.AddAttemptAsync(key, "failed");
        bench.Put("Patient", content: "corrected");

        var item = Assert.Single(await bench.GetPlanAsync());

        Assert.Equal((PlanReason.Failed, 0), (item.Reason, item.Attempts));
        Assert.Equal(await bench.ReadAsync(key), item.Source);
    }

    [PostgresFact]
    public async Task First_counts_failed_and_new_together()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var failed = bench.Put("Patient", Noon);
        await bench.AddAttemptAsync(failed, "failed");
        bench.Put("Patient", Noon.AddDays(2));
        var older = bench.Put("Patient", Noon.AddDays(1));

        var plan = await bench.GetPlanAsync(new FileFilter { First = 2 });

        Assert.Equal([failed, older], plan.Select(item => item.Key));
    }

    [PostgresFact]
    public async Task Rerun_of_a_loaded_plan_is_empty()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await bench.AddAttemptAsync(bench.Put("Patient"), "completed");

        Assert.Empty(await bench.GetPlanAsync());
    }

    [PostgresFact]
    public async Task Named_files_are_planned_whatever_the_ledger_says()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var child = bench.Put("Allergies");
        var loaded = bench.Put("Patient", Noon);
        await bench.AddAttemptAsync(loaded, "completed");
        var failed = bench.Put("Patient", Noon.AddDays(-1));
        await bench.AddAttemptAsync(failed, "failed");
        await bench.AddAttemptAsync(failed, "failed", attempt: 2);
        var changed = bench.Put("Provider");
        await bench.AddAttemptAsync(changed, "completed");
        bench.Put("Provider", content: "corrected");

        var plan = await bench.Discovery.PlanFilesAsync([child, loaded, child, failed, changed], CancellationToken.None);

        Assert.Equal(
            [
                (changed, PlanReason.Changed, 0),
                (failed, PlanReason.Failed, 2),
                (loaded, PlanReason.New, 1),
                (child, PlanReason.New, 0),
            ],
            plan.Select(item => (item.Key, item.Reason, item.Attempts)));
        Assert.Equal([1, 2, 2, 3], plan.Select(item => item.Batch));
    }

    [PostgresFact]
    public async Task Named_file_that_is_missing_or_not_recognised_is_an_error()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        bench.Folder.Write("notes.txt");

        Assert.Equal("SourceFileMissing", await ErrorIdAsync("none.csv"));
        Assert.Equal("FileNameNotRecognised", await ErrorIdAsync("notes.txt"));
        Assert.Equal("SourceKeyInvalid", await ErrorIdAsync("../none.csv"));

        async Task<string> ErrorIdAsync(string key) =>
            (await Assert.ThrowsAsync<EtlException>(() => bench.Discovery.PlanFilesAsync([key], CancellationToken.None))).ErrorId;
    }
}
