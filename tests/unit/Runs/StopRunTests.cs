using Dapper;
using EtlTools.Core;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Runs;

public sealed class StopRunTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [PostgresFact]
    public async Task A_blank_reason_an_unknown_run_and_one_that_has_ended_are_refused_and_nothing_changes()
    {
        await using var ledger = await Ledger.CreateAsync();
        var ended = await ledger.AddRunAsync("completed", leaseKey: 1);
        var dead = await ledger.AddRunAsync("running", leaseKey: 2);
        const string everything = "SELECT string_agg(r::text, E'\\n' ORDER BY load_run_id) FROM etl.load_runs r";
        var before = await ledger.Database.ScalarAsync<string>(everything);

        Assert.Equal("ReasonEmpty", (await Assert.ThrowsAsync<EtlException>(() => StopAsync(ledger, dead, " "))).ErrorId);
        var unknown = await Assert.ThrowsAsync<EtlException>(() => StopAsync(ledger, Guid.Empty, "why"));
        Assert.Equal((EtlErrorKind.NotFound, "LoadRunNotFound"), (unknown.Kind, unknown.ErrorId));
        var notRunning = await Assert.ThrowsAsync<EtlException>(() => StopAsync(ledger, ended, "why"));
        Assert.Equal((EtlErrorKind.Conflict, "LoadRunNotRunning"), (notRunning.Kind, notRunning.ErrorId));

        Assert.Equal(before, await ledger.Database.ScalarAsync<string>(everything));
    }

    [PostgresFact]
    public async Task A_dead_run_is_closed_as_failed_and_its_unfinished_files_come_back_as_failed()
    {
        await using var ledger = await Ledger.CreateAsync();
        var session = await ledger.HoldLeaseAsync(99);
        var id = await ledger.AddRunAsync("running", leaseKey: 99, notes: "first note");
        var done = await ledger.AddFileAsync(id, "a", read: 30, rejected: 1);
        var processing = await ledger.AddFileAsync(id, "b", "processing");
        var pending = await ledger.AddFileAsync(id, "c", "pending");
        var failed = await ledger.AddFileAsync(id, "d", "failed");
        await ledger.Database.ExecuteAsync(
            "INSERT INTO etl.staging_runs (load_run_id, extract_type, source_table, target_table, status) VALUES (@id, 'Patient', 'raw.p', 'stg.p', 'running')",
            new { id });
        await ledger.KillAsync(session);

        var run = await StopAsync(ledger, id, "host was restarted");

        Assert.Equal((LoadRunStatus.Failed, "RunDied"), (run.Status, run.ErrorCode));
        Assert.Contains("host was restarted", run.Error, StringComparison.Ordinal);
        Assert.StartsWith("first note\n", run.Notes, StringComparison.Ordinal);
        Assert.Contains("host was restarted", run.Notes, StringComparison.Ordinal);
        Assert.NotNull(run.CompletedAt);
        Assert.Equal((1, 3, 3), (run.FilesProcessed, run.FilesFailed, run.FilesOpen));
        var files = (await ledger.GetFilesAsync()).ToDictionary(file => file.LoadRunFileId);
        Assert.Equal((LoadFileStatus.Completed, null), (files[done].Status, files[done].ErrorCode));
        Assert.Equal((LoadFileStatus.Failed, null), (files[failed].Status, files[failed].ErrorCode));
        Assert.All(new[] { files[processing], files[pending] }, file =>
        {
            Assert.Equal((LoadFileStatus.Failed, "OwnerDied"), (file.Status, file.ErrorCode));
            Assert.NotNull(file.Error);
            Assert.NotNull(file.FinishedAt);
        });
        Assert.Equal("failed", await ledger.Database.ScalarAsync<string>("SELECT status FROM etl.staging_runs"));
        Assert.Equal((1, 29, 1), await ledger.Database.ScalarAsync<string>(
            "SELECT total_files_processed || ' ' || total_rows_ingested || ' ' || total_rows_rejected FROM etl.load_runs") is { } totals
            && totals.Split(' ') is [var f, var i, var r] ? (int.Parse(f), int.Parse(i), int.Parse(r)) : default);
    }

    [PostgresFact]
    public async Task A_run_without_a_lease_is_closed_and_its_totals_stay()
    {
        await using var ledger = await Ledger.CreateAsync();
        var id = await ledger.AddAdoptedRunAsync("running", TimeSpan.FromDays(9), ingested: 12, files: 3);
        await ledger.AddAdoptedFileAsync(id, "processing", 0, 0, 0);

        var run = await StopAsync(ledger, id, "never ended");

        Assert.Equal((LoadRunStatus.Failed, "RunDied"), (run.Status, run.ErrorCode));
        Assert.Equal(12, await ledger.Database.ScalarAsync<int>("SELECT total_rows_ingested FROM etl.load_runs"));
        var file = Assert.Single(await ledger.GetFilesAsync());
        Assert.Equal((LoadFileStatus.Failed, "OwnerDied", RunCloser.OwnerDied), (file.Status, file.ErrorCode, file.Error));
    }

    [PostgresFact]
    public async Task A_live_run_hears_that_it_is_to_stop_and_is_waited_for()
    {
        await using var ledger = await Ledger.CreateAsync();
        var session = await RunSession.StartAsync(
            ledger.Etl, new RunStart { Kind = LoadRunKind.Load, Pipeline = "indici" }, CancellationToken.None);
        await using var ending = session;
        var stopping = StopAsync(ledger, session.LoadRunId, "wrong bucket");
        await Task.Delay(Timeout.Infinite, session.Stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.True(session.StopRequested);
        Assert.False(stopping.IsCompleted);

        await session.CloseAsync(LoadRunStatus.Cancelled, "StopRequested", "Ended by Stop-LoadRun.");

        var run = await stopping;
        Assert.Equal((LoadRunStatus.Cancelled, "StopRequested"), (run.Status, run.ErrorCode));
        Assert.Contains("wrong bucket", run.Notes, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_live_run_that_does_not_stop_is_left_alone_with_the_request()
    {
        await using var ledger = await Ledger.CreateAsync();
        await using var session = await ledger.HoldLeaseAsync(5);
        var id = await ledger.AddRunAsync("running", age: TimeSpan.FromDays(30), leaseKey: 5);

        var error = await Assert.ThrowsAsync<EtlException>(
            () => ledger.Runs.StopAsync(id, "slow", TimeSpan.FromMilliseconds(300), CancellationToken.None));

        Assert.Equal((EtlErrorKind.Busy, "LoadRunDoesNotStop"), (error.Kind, error.ErrorId));
        Assert.Contains($"pg_terminate_backend({session.ProcessID})", error.NextStep, StringComparison.Ordinal);
        var run = await ledger.GetRunAsync(id);
        Assert.Equal((LoadRunStatus.Running, true), (run.Status, run.IsAlive));
        Assert.True(await ledger.Database.ScalarAsync<bool>("SELECT stop_requested_at IS NOT NULL FROM etl.load_runs"));
    }

    [PostgresFact]
    public async Task A_run_that_dies_while_it_is_waited_for_is_closed()
    {
        await using var ledger = await Ledger.CreateAsync();
        var session = await ledger.HoldLeaseAsync(5);
        var id = await ledger.AddRunAsync("running", leaseKey: 5);
        var stopping = StopAsync(ledger, id, "hangs");
        while (!await ledger.Database.ScalarAsync<bool>("SELECT stop_requested_at IS NOT NULL FROM etl.load_runs"))
        {
            await Task.Delay(20);
        }

        await ledger.KillAsync(session);

        Assert.Equal("RunDied", (await stopping).ErrorCode);
    }

    [PostgresFact]
    public async Task Only_runs_proven_dead_are_closed_at_the_start_of_a_run_and_each_by_one()
    {
        await using var ledger = await Ledger.CreateAsync();
        await using var session = await ledger.HoldLeaseAsync(1);
        var alive = await ledger.AddRunAsync("running", age: TimeSpan.FromDays(3), leaseKey: 1);
        var silent = await ledger.AddAdoptedRunAsync("running", TimeSpan.FromDays(3));
        var dead = new List<Guid>();
        for (var key = 2; key <= 30; key++)
        {
            dead.Add(await ledger.AddRunAsync("running", leaseKey: key, age: TimeSpan.Zero));
        }

        var closed = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ledger.Runs.CloseDeadRunsAsync(CancellationToken.None)));

        Assert.Equal(dead.Order(), closed.SelectMany(ids => ids).Order());
        Assert.Equal(LoadRunStatus.Running, (await ledger.GetRunAsync(alive)).Status);
        Assert.Equal(LoadRunStatus.Running, (await ledger.GetRunAsync(silent)).Status);
        Assert.Null((await ledger.GetRunAsync(dead[0])).Notes);
        Assert.Empty(await ledger.Runs.CloseDeadRunsAsync(CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_file_under_way_does_not_hold_up_the_closing_of_its_run()
    {
        await using var ledger = await Ledger.CreateAsync();
        var id = await ledger.AddRunAsync("running", leaseKey: 8);
        await using var worker = await ledger.Database.OpenAsync();
        await using var transaction = await worker.BeginTransactionAsync();
        await worker.ExecuteAsync(
            """
            INSERT INTO etl.load_run_files (
                load_run_id, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id, status)
            VALUES (@id, 'b', 'k', '', 'h', '', 'Patient', '', '', 'processing')
            """,
            new { id });

        Assert.Equal([id], await ledger.Runs.CloseDeadRunsAsync(CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_file_that_its_worker_commits_meanwhile_stays_completed()
    {
        await using var ledger = await Ledger.CreateAsync();
        var id = await ledger.AddRunAsync("running", leaseKey: 8);
        var file = await ledger.AddFileAsync(id, status: "processing");
        await using var worker = await ledger.Database.OpenAsync();
        await using var transaction = await worker.BeginTransactionAsync();
        await worker.ExecuteAsync("UPDATE etl.load_run_files SET status = 'completed' WHERE load_run_file_id = @file", new { file });

        var closing = ledger.Runs.CloseDeadRunsAsync(CancellationToken.None);
        while (await ledger.Database.ScalarAsync<int>("SELECT count(*)::int FROM pg_locks WHERE NOT granted") == 0)
        {
            await Task.Delay(20);
        }

        await transaction.CommitAsync();

        Assert.Equal([id], await closing);
        Assert.Equal(LoadFileStatus.Completed, Assert.Single(await ledger.GetFilesAsync()).Status);
    }

    private static Task<LoadRun> StopAsync(Ledger ledger, Guid id, string reason) =>
        ledger.Runs.StopAsync(id, reason, Long, CancellationToken.None);
}
