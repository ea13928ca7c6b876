using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Faults;

/// <summary>Connections that break at the worst moment: what the engine reports is what the database has.</summary>
public sealed class LostConnectionTests
{
    [PostgresFact]
    public async Task In_the_middle_of_the_copy()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", Enumerable.Range(0, 20_000).Select(number => $"{number},A,{new string('n', 40)},,,").ToArray());
        await using var proxy = ProxyTo(work).After(ProxyDirection.ToServer, 300_000, ProxyFault.CutBefore);
        await using var etl = Steps.Through(work, proxy.Port);
        var run = await new LoadEngine(etl, work.Pipeline).LoadAsync(
            await work.PlanAsync(), new LoadOptions(), null, CancellationToken.None);

        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal((LoadRunStatus.Completed, 20_000), (run.Status, run.RowsIngested));
        Assert.Equal("1", await Steps.AttemptsAsync(work, "_a"));
        await Truth.AssertWholeAsync(work);
    }

    /// <summary>Before: the server has not seen the COMMIT. After: it has committed, and the answer does not arrive.</summary>
    [PostgresTheory]
    [InlineData(ProxyFault.CutBefore)]
    [InlineData(ProxyFault.CutAfter)]
    public async Task At_the_commit_of_a_file(ProxyFault fault)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        var plan = await work.PlanAsync();
        await using var proxy = ProxyTo(work);
        await using var etl = Steps.Through(work, proxy.Port);
        var tries = 0;
        FileOutcome outcome;
        await using (var session = await RunSession.StartAsync(work.Etl, Steps.Start(work), CancellationToken.None))
        {
            outcome = await Steps.Transaction(work, etl).RunAsync(
                plan[0].Source,
                again: false,
                Steps.Options(session.LoadRunId),
                (_, _, _) =>
                {
                    if (++tries == 1)
                    {
                        proxy.At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, fault);
                    }

                    return Task.CompletedTask;
                },
                CancellationToken.None);
            await session.CloseAsync(LoadRunStatus.Completed);
        }

        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal((LoadFileStatus.Completed, null), (outcome.Status, outcome.Error));
        Assert.Equal(fault == ProxyFault.CutBefore ? 2 : 1, tries);
        Assert.Equal("1", await Steps.AttemptsAsync(work, "_a"));
        Assert.Equal(1, await work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.rejected_rows"));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresFact]
    public async Task At_the_commit_of_a_claim()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        await using var proxy = ProxyTo(work).At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, ProxyFault.CutAfter);
        await using var etl = Steps.Through(work, proxy.Port);
        var run = await new LoadEngine(etl, work.Pipeline).LoadAsync(
            await work.PlanAsync(), new LoadOptions(), null, CancellationToken.None);

        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal((LoadRunStatus.Completed, 1), (run.Status, run.FilesProcessed));
        Assert.Equal("1", await Steps.AttemptsAsync(work, "_a"));
        await Truth.AssertWholeAsync(work);
    }

    /// <summary>The network is gone without a sign: neither side hears from the other, and both believe in the connection.</summary>
    [PostgresTheory]
    [InlineData(ProxyDirection.ToServer, 2)]
    [InlineData(ProxyDirection.ToClient, 1)]
    public async Task A_commit_that_is_never_answered(ProxyDirection direction, int expectedTries)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await using var proxy = ProxyTo(work);
        await using var etl = Steps.Through(work, proxy.Port);
        etl.Patience = new NetworkPatience { Commit = TimeSpan.FromSeconds(1), LostSession = TimeSpan.Zero };
        var (outcome, tries) = await LoadWithStallAsync(work, etl, proxy, direction);

        Assert.Equal((LoadFileStatus.Completed, null), (outcome.Status, outcome.Error));
        Assert.Equal(expectedTries, tries);
        Assert.Equal("1", await Steps.AttemptsAsync(work, "_a"));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresFact]
    public async Task A_commit_of_which_nobody_tells_how_it_ended()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await using var proxy = ProxyTo(work);
        await using var etl = Steps.Through(work, proxy.Port);
        etl.Patience = new NetworkPatience
        {
            Commit = TimeSpan.FromSeconds(1),
            Outcome = TimeSpan.FromSeconds(1),
            Failure = TimeSpan.FromSeconds(1),
        };
        var (outcome, tries) = await LoadWithStallAsync(work, etl, proxy, ProxyDirection.ToServer);
        Assert.Equal((LoadFileStatus.Failed, "CommitUnknown", 1), (outcome.Status, outcome.Error?.ErrorId, tries));

        // The server gives the session up at last, and the ledger tells.
        await work.Database.TerminateSessionsAsync();
        await work.LoadAsync();
        Assert.Equal("1 2", await Steps.AttemptsAsync(work, "_a"));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresFact]
    public async Task A_heartbeat_that_is_never_answered_renews_the_lease()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await using var proxy = ProxyTo(work).At(ProxyDirection.ToServer, "UPDATE etl.load_runs SET heartbeat_at"u8, ProxyFault.Stall);
        await using var etl = Steps.Through(work, proxy.Port);
        etl.Patience = new NetworkPatience { Heartbeat = TimeSpan.FromSeconds(1) };
        await using var session = await RunSession.StartAsync(etl, Steps.Start(work), CancellationToken.None);
        var first = await Steps.LeaseHolderAsync(work);
        await proxy.Tripped;
        await Steps.Until(async () => await Steps.LeaseHolderAsync(work) is { } renewed && renewed != first);

        Assert.Empty(await new RunLedger(work.Etl).CloseDeadRunsAsync(CancellationToken.None));
        Assert.False(session.Stopping.IsCancellationRequested);
        Assert.Equal(LoadRunStatus.Completed, await session.CloseAsync(LoadRunStatus.Completed));
    }

    [PostgresTheory]
    [InlineData("undo", ProxyFault.CutBefore)]
    [InlineData("undo", ProxyFault.CutAfter)]
    [InlineData("repair", ProxyFault.CutBefore)]
    [InlineData("repair", ProxyFault.CutAfter)]
    [InlineData("restage", ProxyFault.CutBefore)]
    [InlineData("restage", ProxyFault.CutAfter)]
    public async Task At_the_commit_of_work_with_a_receipt(string what, ProxyFault fault)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        await work.LoadAsync();
        var file = await work.FileIdAsync("_a");
        var undoable = (await work.ReprocessAsync(file)).Single().ReceiptId!.Value;
        var row = await work.Database.ScalarAsync<long>("SELECT max(rejected_row_id) FROM etl.rejected_rows");
        await using var proxy = ProxyTo(work).At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, fault);
        await using var etl = Steps.Through(work, proxy.Port);
        var engine = new ReprocessEngine(etl, work.Pipeline);

        Func<Task<IReadOnlyList<ReprocessReceipt>>> act = what switch
        {
            "undo" => () => engine.UndoAsync([undoable], EngineWorkshop.Reason, CancellationToken.None),
            "repair" => () => new RowRepair(etl, work.Pipeline).RepairAsync(
                [new RowCorrection { RejectedRowId = row, Values = new Dictionary<string, string?> { ["name"] = "Bob" } }],
                EngineWorkshop.Reason,
                preview: false,
                CancellationToken.None),
            _ => () => engine.ExecuteAsync(
                new ReprocessTarget { LoadRunFileIds = [file] },
                new ReprocessOptions { Reason = EngineWorkshop.Reason, SkipRaw = true },
                null,
                CancellationToken.None),
        };
        string? error;
        try
        {
            var receipt = Assert.Single(await act());
            error = receipt.ErrorCode;
            Assert.Equal(error is null ? "Completed" : "Failed", receipt.Status);
        }
        catch (EtlException refused)
        {
            error = refused.ErrorId;
        }

        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal(fault == ProxyFault.CutBefore ? "CommitLost" : null, error);
        Assert.Equal(fault == ProxyFault.CutBefore ? 1 : 2, await work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.reprocess_receipts WHERE kind <> 'load'"));
        await Truth.AssertConsistentAsync(work);
        Assert.Equal(
            error is null ? "completed" : what == "repair" ? "completed" : "failed",
            await work.Database.ScalarAsync<string>("SELECT status FROM etl.load_runs ORDER BY started_at DESC LIMIT 1"));
    }

    [PostgresTheory]
    [InlineData(ProxyFault.CutBefore)]
    [InlineData(ProxyFault.CutAfter)]
    public async Task At_the_closing_of_a_run(ProxyFault fault)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        await using var proxy = ProxyTo(work).At(ProxyDirection.ToServer, "UPDATE etl.load_runs r\n"u8, fault);
        await using var etl = Steps.Through(work, proxy.Port);
        var run = await new LoadEngine(etl, work.Pipeline).LoadAsync(
            await work.PlanAsync(), new LoadOptions(), null, CancellationToken.None);

        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal(LoadRunStatus.Completed, run.Status);
        await Truth.AssertWholeAsync(work);
    }

    [PostgresFact]
    public async Task A_run_whose_lease_session_is_ended_takes_the_lease_again()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        var holder = await Steps.HoldStagingAsync(work);
        var loading = work.LoadAsync();
        await Steps.UntilHeldAsync(work);
        var first = await Steps.LeaseHolderAsync(work);
        await work.Database.ExecuteAsync("SELECT pg_terminate_backend(@first)", new { first });
        await Steps.Until(async () => await Steps.LeaseHolderAsync(work) is { } renewed && renewed != first);

        // Alive, so nobody may close it.
        Assert.Empty(await new RunLedger(work.Etl).CloseDeadRunsAsync(CancellationToken.None));
        await Steps.LetGoAsync(holder);
        Assert.Equal(LoadRunStatus.Completed, (await loading).Status);
        await Truth.AssertWholeAsync(work);
    }

    [PrivatePostgresFact]
    public async Task A_server_that_is_killed_and_comes_back()
    {
        await using var cluster = await PostgresServer.StartPrivateAsync();
        await using var work = await EngineWorkshop.OpenAsync(cluster.ConnectionString);
        work.WritePersons(1, "a", "1,A,Ann,,,");
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,,,,");
        await work.LoadAsync(new LoadOptions { MaxConcurrency = 1 });
        work.WritePersons(2, "b", "1,A,Ann3,,,");
        work.WritePersons(3, "c", "3,A,Cyd,,,");
        NpgsqlConnection.ClearAllPools();
        var holder = await Steps.HoldStagingAsync(work);
        var loading = work.LoadAsync();
        await Steps.UntilHeldAsync(work);
        cluster.Kill();

        var error = await Assert.ThrowsAsync<EtlException>(() => loading);
        Assert.Equal(EtlErrorKind.Connection, error.Kind);
        NpgsqlConnection.ClearAllPools();
        await cluster.RestartAsync();
        await work.LoadAsync();

        Assert.Equal(["RunDied"], await work.Database.QueryAsync<string>("SELECT error_code FROM etl.load_runs WHERE status = 'failed'"));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
        await holder.DisposeAsync();
    }

    /// <summary>Loads a file whose first COMMIT, or the answer to it, does not arrive.</summary>
    private static async Task<(FileOutcome Outcome, int Tries)> LoadWithStallAsync(
        EngineWorkshop work, EtlDatabase etl, TcpProxy proxy, ProxyDirection direction)
    {
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        var plan = await work.PlanAsync();
        var tries = 0;
        await using var session = await RunSession.StartAsync(work.Etl, Steps.Start(work), CancellationToken.None);
        var outcome = await Steps.Transaction(work, etl).RunAsync(
            plan[0].Source,
            again: false,
            Steps.Options(session.LoadRunId),
            (_, _, _) =>
            {
                if (++tries == 1)
                {
                    proxy.At(direction, TcpProxy.PostgresCommit, ProxyFault.Stall);
                }

                return Task.CompletedTask;
            },
            CancellationToken.None);
        Assert.True(proxy.Tripped.IsCompleted);
        await session.CloseAsync(LoadRunStatus.Completed);
        return (outcome, tries);
    }

    private static TcpProxy ProxyTo(EngineWorkshop work)
    {
        var server = new NpgsqlConnectionStringBuilder(work.Database.ConnectionString);
        return TcpProxy.Start(server.Host!, server.Port);
    }
}
