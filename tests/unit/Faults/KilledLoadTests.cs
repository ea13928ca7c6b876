using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>A loading process, killed at every step: the next run finds what is left, and nothing is lost or doubled.</summary>
public sealed class KilledLoadTests
{
    [PostgresTheory]
    [MemberData(nameof(CrashPoints.Load), MemberType = typeof(CrashPoints))]
    public async Task Loading(string crashPoint, int leftBehind)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,1980-02-29,1,1", "2,A,,,,", "3,A,Cyd,,,");
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,");
        work.Write("Visit_2501010000_v", "visit_id,at", "1,2025-01-01 10:00", "2,2025-01-02 10:00");
        await EngineProcess.KillAsync(work, crashPoint, "load");

        var isClosed = crashPoint == "run.after-close";
        await AssertLeftBehindAsync(work, leftBehind, isStuck: !isClosed);
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);

        await AssertTruthOfAttemptsAsync(work, leftBehind, diedRuns: isClosed ? 0 : 1);
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresTheory]
    [MemberData(nameof(CrashPoints.File), MemberType = typeof(CrashPoints))]
    public async Task Loading_a_corrected_re_upload(string crashPoint, int leftBehind)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await work.LoadAsync();
        work.WritePersons(1, "a", "1,A,Ann2,,,", "3,A,Cyd2,,,");
        await EngineProcess.KillAsync(work, crashPoint, "load");

        // Until the correction is committed, what it corrects counts.
        await Truth.AssertStagingAsync(work);
        Assert.Equal(leftBehind == 0 ? "Ann2" : "Ann", await work.NameOfAsync(1));
        await AssertLeftBehindAsync(work, leftBehind, isStuck: true);
        await work.LoadAsync();

        await AssertTruthOfAttemptsAsync(work, leftBehind, diedRuns: 1);
        await Truth.AssertWholeAsync(work);
        Assert.Equal(2, await work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons_history WHERE is_superseded"));
        await Truth.AssertNothingLeftToDoAsync(work);

        // Whichever run it was that loaded it: there is one receipt of it, by which it is taken back.
        var receipt = Assert.Single(await work.Reprocessor.GetReceiptsAsync([], [await work.FileIdAsync("_a")], default));
        await work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);
        Assert.Equal(("Ann", "Bob", null), (await work.NameOfAsync(1), await work.NameOfAsync(2), await work.NameOfAsync(3)));
    }

    [PostgresFact]
    public async Task Recording_a_failure()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "bad", "1,A,Ann,,,", "2,A", "3,A", "4,A");
        work.WritePersons(2, "good", "1,A,Ann2,,,");
        await EngineProcess.KillAsync(work, CrashPoints.FailedFile, "load");
        await AssertLeftBehindAsync(work, 1, isStuck: true);

        Assert.Equal(LoadRunStatus.Failed, (await work.LoadAsync()).Status);
        Assert.Equal(
            ["1 OwnerDied", "2 TooManyBadRows"],
            await work.Database.QueryAsync<string>(
                "SELECT attempt || ' ' || error_code FROM etl.load_run_files WHERE s3_key LIKE '%bad%' ORDER BY attempt"));
        Assert.Equal(2, (await Steps.FailedFilesAsync(work)).Single().Attempts);
        await Truth.AssertWholeAsync(work, exceptFile: "bad");
    }

    [PostgresTheory]
    [InlineData("")]
    [InlineData(":2")]
    public async Task Staging_what_was_left_for_later(string time)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        work.WritePersons(2, "b", "1,A,Ann2,,,");
        await work.LoadAsync(new LoadOptions { SkipStaging = true });
        await EngineProcess.KillAsync(work, CrashPoints.PendingStaging + time, "load");
        await work.LoadAsync();

        await Truth.AssertWholeAsync(work);
        Assert.Equal(1, await work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.rejected_rows"));
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresTheory]
    [MemberData(nameof(CrashPoints.Sealing), MemberType = typeof(CrashPoints))]
    public async Task Sealing_a_segment(string crashPoint)
    {
        await using var work = await EngineWorkshop.OpenSealingAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await work.LoadAsync();
        work.WritePersons(2, "b", "1,A,Ann2,,,");
        await EngineProcess.KillAsync(work, crashPoint, "load", "sealing");
        Assert.Equal(["persons_0001 closed"], await Segments.StatesAsync(work));

        // Nothing of the type is to be loaded in the first run after, so the second one seals.
        await work.LoadAsync();
        work.WritePersons(3, "c", "2,A,Bob3,,,");
        await work.LoadAsync();

        await Truth.AssertWholeAsync(work);
        await Segments.AssertIndexedAsync(work);
    }

    [PostgresFact]
    public async Task Closing_a_dead_run()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        await EngineProcess.KillAsync(work, "load.after-copy", "load");
        await EngineProcess.KillAsync(work, CrashPoints.ClosingTheDead, "load");
        await AssertLeftBehindAsync(work, 1, isStuck: true);
        await work.LoadAsync();

        await AssertTruthOfAttemptsAsync(work, leftBehind: 1, diedRuns: 1);
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    private static async Task AssertLeftBehindAsync(EngineWorkshop work, int files, bool isStuck)
    {
        var stuck = await new RunLedger(work.Etl).GetRunsAsync(
            new RunQuery { Problem = [LoadRunProblem.Stuck] }, CancellationToken.None).ToListAsync();
        Assert.Equal(isStuck ? 1 : 0, stuck.Count);
        Assert.All(stuck, run => Assert.False(run.IsAlive));
        Assert.Equal(Enumerable.Repeat("LeftBehind 1", files), (await Steps.FailedFilesAsync(work)).Select(file => $"{file.State} {file.Attempts}"));
    }

    private static async Task AssertTruthOfAttemptsAsync(EngineWorkshop work, int leftBehind, int diedRuns)
    {
        Assert.Equal(diedRuns, await work.Database.ScalarAsync<long>(
            "SELECT count(*) FROM etl.load_runs WHERE status = 'failed' AND error_code = 'RunDied'"));
        Assert.Equal(
            Enumerable.Repeat("1 OwnerDied, then 2", leftBehind),
            await work.Database.QueryAsync<string>("""
                SELECT f.attempt || ' ' || f.error_code || ', then ' || (
                    SELECT n.attempt FROM etl.load_run_files n
                    WHERE n.file_hash = f.file_hash AND n.status = 'completed' AND n.load_run_file_id > f.load_run_file_id)
                FROM etl.load_run_files f WHERE f.status <> 'completed'
                """));
    }
}
