using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>Several at once: processes, workers, and those who took another for dead.</summary>
public sealed class ConcurrencyTests
{
    private const int Files = 12;

    [PostgresFact]
    public async Task Two_processes_on_the_same_plan_load_each_file_once()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        WriteOverlapping(work);
        var signal = Path.Combine(work.Folder, "start");
        var environment = new Dictionary<string, string?> { ["ETL_TEST_START"] = signal };
        await using var first = EngineProcess.Start(work.Database.ConnectionString, work.Folder, environment, "load");
        await using var second = EngineProcess.Start(work.Database.ConnectionString, work.Folder, environment, "load");
        await first.WaitForOutputAsync("planned");
        await second.WaitForOutputAsync("planned");
        await File.WriteAllTextAsync(signal, "");
        await first.WaitForExitAsync();
        await second.WaitForExitAsync();

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Equal(Files, await work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.load_run_files WHERE status = 'completed'"));
        Assert.Equal(2, await work.Database.ScalarAsync<long>("SELECT count(DISTINCT load_run_id) FROM etl.load_runs"));
        await work.LoadAsync();
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresFact]
    public async Task Workers_side_by_side_on_overlapping_keys_keep_staging_what_raw_says()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        WriteOverlapping(work);
        var run = await work.LoadAsync(new LoadOptions { MaxConcurrency = 4 });

        Assert.Equal((LoadRunStatus.Completed, Files), (run.Status, run.FilesProcessed));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresFact]
    public async Task Two_reprocesses_of_a_file_do_not_overlap()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await work.LoadAsync();
        var file = await work.FileIdAsync("_a");
        var holder = await Steps.HoldStagingAsync(work);
        var first = work.ReprocessAsync(file);
        await Steps.UntilHeldAsync(work);

        var second = Assert.Single(await work.ReprocessAsync(file));
        Assert.Equal(("Failed", "FileBusy"), (second.Status, second.ErrorCode));
        await Steps.LetGoAsync(holder);
        Assert.Equal("Completed", Assert.Single(await first).Status);
        await Truth.AssertWholeAsync(work);

        // The second one after all, and it replaces what the first one brought.
        Assert.Equal("Completed", Assert.Single(await work.ReprocessAsync(file)).Status);
        await Truth.AssertWholeAsync(work);
        Assert.Equal(6, await work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons"));
    }

    [PostgresFact]
    public async Task Two_undos_of_a_receipt_do_it_once()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await work.LoadAsync();
        var receipt = (await work.ReprocessAsync(await work.FileIdAsync("_a"))).Single().ReceiptId!.Value;
        var undos = Enumerable.Range(0, 2)
            .Select(_ => work.Reprocessor.UndoAsync([receipt], EngineWorkshop.Reason, CancellationToken.None))
            .ToList();
        var errors = new List<string>();
        foreach (var undo in undos)
        {
            try
            {
                await undo;
            }
            catch (EtlException error)
            {
                errors.Add(error.ErrorId);
            }
        }

        Assert.Equal(["UndoConflict"], errors);
        await Truth.AssertWholeAsync(work);
    }

    [PostgresFact]
    public async Task Initialising_twice_at_once()
    {
        var folder = Directory.CreateTempSubdirectory("etl-engine-");
        await using var database = await PostgresDatabase.CreateAsync();
        await using var etl = database.OpenEtl();
        var pipeline = EngineWorkshop.Describe(folder.FullName);
        var steps = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ =>
            new SchemaManager(etl).ApplyAsync(pipeline, progress: null, CancellationToken.None)));

        Assert.Single(steps, done => done.Count > 0);
        Assert.Empty(await new SchemaManager(etl).PlanAsync(pipeline, CancellationToken.None));
        folder.Delete();
    }

    [PostgresFact]
    public async Task A_live_run_that_is_asked_to_stop_ends_as_cancelled()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        var holder = await Steps.HoldStagingAsync(work);
        var loading = work.LoadAsync();
        await Steps.UntilHeldAsync(work);
        var id = await work.Database.ScalarAsync<Guid>("SELECT load_run_id FROM etl.load_runs");
        var stopped = await new RunLedger(work.Etl).StopAsync(id, EngineWorkshop.Reason, TimeSpan.FromMinutes(1), CancellationToken.None);

        Assert.Equal((LoadRunStatus.Cancelled, "StopRequested"), (stopped.Status, stopped.ErrorCode));
        Assert.Equal(LoadRunStatus.Cancelled, (await loading).Status);
        Assert.Equal("LoadCancelled", Assert.Single(await Steps.FailedFilesAsync(work)).ErrorCode);
        await Steps.LetGoAsync(holder);
        await Truth.AssertWholeAsync(work, exceptFile: "_a");
        await work.LoadAsync();
        await Truth.AssertWholeAsync(work);
    }

    [PostgresFact]
    public async Task A_dead_run_that_is_asked_to_stop_is_closed()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        await EngineProcess.KillAsync(work, "load.after-copy", "load");
        var id = await work.Database.ScalarAsync<Guid>("SELECT load_run_id FROM etl.load_runs");
        var stopped = await new RunLedger(work.Etl).StopAsync(id, EngineWorkshop.Reason, TimeSpan.FromMinutes(1), CancellationToken.None);

        Assert.Equal((LoadRunStatus.Failed, "RunDied"), (stopped.Status, stopped.ErrorCode));
        Assert.Equal(("Failed", "OwnerDied"), (await Steps.FailedFilesAsync(work)).Select(file => (file.State, file.ErrorCode)).Single());
        await work.LoadAsync();
        await Truth.AssertWholeAsync(work);
    }

    /// <summary>A run that stalls in the middle of a file, is taken for dead, and comes back when its file is loaded by another.</summary>
    [PostgresFact]
    public async Task A_run_that_comes_back_from_the_dead_cannot_commit()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        var plan = await work.PlanAsync();

        // A lease that nobody holds.
        await using var connection = await work.Database.OpenAsync();
        var zombie = await RunSession.InsertAsync(connection, Steps.Start(work), leaseKey: 4711, CancellationToken.None);
        var isStalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var wakeUp = new ManualResetEventSlim();
        var loading = Task.Run(() => Steps.Transaction(work, work.Etl).RunAsync(
            plan[0].Source,
            again: false,
            Steps.Options(zombie) with
            {
                OnProgress = (_, _) =>
                {
                    isStalled.TrySetResult();
                    wakeUp.Wait();
                },
            },
            beforeCommit: null,
            CancellationToken.None));
        await isStalled.Task;
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        wakeUp.Set();
        var outcome = await loading;

        Assert.Equal((LoadFileStatus.Failed, "FileClaimLost"), (outcome.Status, outcome.Error?.ErrorId));
        Assert.Equal(
            ["1 failed OwnerDied", "2 completed"],
            await work.Database.QueryAsync<string>(
                "SELECT concat_ws(' ', attempt, status, error_code) FROM etl.load_run_files ORDER BY attempt"));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    /// <summary>Files of two types; every person is in several of them, the last day's wins.</summary>
    private static void WriteOverlapping(EngineWorkshop work)
    {
        for (var day = 1; day < Files; day++)
        {
            work.WritePersons(day, "p", Enumerable.Range(0, 200).Select(number => $"{number % (40 + day)},A,Day{day}-{number},,,").ToArray());
        }

        work.Write("Visit_2501010000_v", "visit_id,at", "1,2025-01-01 10:00", "2,2025-01-02 10:00");
    }
}
