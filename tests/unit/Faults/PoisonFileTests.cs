using EtlTools.Core.Discovery;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

public sealed class PoisonFileTests
{
    [PostgresFact]
    public async Task A_poison_file_is_counted_backs_off_and_starves_nobody()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "poison", "1", "2", "3");
        Assert.Equal(LoadRunStatus.Failed, (await work.LoadAsync()).Status);

        // Tried again at once, for somebody may have put the cause right; it comes before what is new.
        work.WritePersons(2, "new", "1,A,Ann,,,");
        var plan = await work.PlanAsync();
        Assert.Equal([PlanReason.Failed, PlanReason.New], plan.Select(item => item.Reason));
        var run = await work.LoadAsync();
        Assert.Equal((LoadRunStatus.Failed, 1, 1), (run.Status, run.FilesProcessed, run.FilesFailed));

        // From then on it waits, and what is new does not wait for it.
        var failed = Assert.Single(await Steps.FailedFilesAsync(work));
        Assert.Equal((2, false), (failed.Attempts, failed.IsDue));
        Assert.True(failed.NextTryAt > failed.LastAttemptAt);
        work.WritePersons(3, "newer", "1,A,Ann2,,,");
        Assert.Equal([PlanReason.New], (await work.PlanAsync()).Select(item => item.Reason));
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        await Truth.AssertWholeAsync(work, exceptFile: "poison");

        // When its time has come it is tried once more, and waits longer.
        await work.Database.ExecuteAsync("""
            UPDATE etl.load_run_files
            SET started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day', updated_at = updated_at - interval '1 day'
            WHERE status = 'failed'
            """);
        Assert.Equal([PlanReason.Failed], (await work.PlanAsync()).Select(item => item.Reason));
        await work.LoadAsync();
        var again = Assert.Single(await Steps.FailedFilesAsync(work));
        Assert.Equal((3, false), (again.Attempts, again.IsDue));
        Assert.True(again.NextTryAt - again.LastAttemptAt > failed.NextTryAt - failed.LastAttemptAt);

        // Corrected, it is loaded, and its failures are history.
        work.WritePersons(1, "poison", "5,A,Eve,,,");
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        Assert.Empty(await Steps.FailedFilesAsync(work));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }
}
