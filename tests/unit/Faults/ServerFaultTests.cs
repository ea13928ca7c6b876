using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>Errors of the server in the middle of a file: those that pass are tried again, those that stay fail the file alone.</summary>
public sealed class ServerFaultTests
{
    [PostgresTheory]
    [InlineData("raw", "terminate")]
    [InlineData("raw", "40P01")]
    [InlineData("stg.persons", "terminate")]
    [InlineData("stg.persons", "40P01")]
    [InlineData("stg.persons", "40001")]
    [InlineData("stg.persons", "55P03")]
    public async Task A_fault_that_passes_costs_nothing_but_a_second_try(string table, string fault)
    {
        await using var work = await OpenAsync();
        var target = table == "raw" ? await ServerFault.OpenSegmentAsync(work) : table;
        await ServerFault.ArmAsync(work, target, fault == "terminate" ? ServerFault.Terminate : ServerFault.Raise(fault), atRow: 2);
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,", "3,A,Cyd2,,,", "4,A,,,,");
        var run = await work.LoadAsync();

        Assert.Equal((LoadRunStatus.Completed, 4, 1), (run.Status, run.RowsIngested, run.RowsRejected));
        Assert.True(await ServerFault.CountRowsAsync(work) > 4, "the file was not tried again");
        Assert.Equal("1", await Steps.AttemptsAsync(work, "_b"));
        await Truth.AssertWholeAsync(work);
    }

    [PostgresTheory]
    [InlineData("53100", "DiskFull")]
    [InlineData("57014", "StatementTimeout")]
    [InlineData("23514", "CheckViolation")]
    [InlineData("XX000", "DatabaseError")]
    public async Task A_fault_that_stays_fails_its_file_and_no_other(string sqlState, string errorId)
    {
        await using var work = await OpenAsync();
        await ServerFault.ArmAsync(work, "stg.persons", ServerFault.Raise(sqlState), atRow: 3, times: 1000);
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,", "3,A,Cyd2,,,");
        work.Write("Visit_2501020000_v", "visit_id,at", "1,2025-01-01 10:00");
        var run = await work.LoadAsync();

        Assert.Equal((LoadRunStatus.Failed, 1, 1), (run.Status, run.FilesProcessed, run.FilesFailed));
        var failed = Assert.Single(await Steps.FailedFilesAsync(work));
        Assert.Equal((errorId, 1), (failed.ErrorCode, failed.Attempts));
        await Truth.AssertWholeAsync(work, exceptFile: "_b");

        await ServerFault.DisarmAsync(work);
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        Assert.Equal("1 2", await Steps.AttemptsAsync(work, "_b"));
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lock_that_is_held_too_long(bool isReleased)
    {
        await using var work = await OpenAsync();
        await using var impatient = EtlDatabase.Connect(new ConnectionRequest
        {
            ConnectionString = work.Database.ConnectionString + ";Options=-c lock_timeout=100ms",
        });
        await ServerFault.ArmAsync(work, await ServerFault.OpenSegmentAsync(work), "", times: 0);
        work.WritePersons(2, "b", "1,A,Ann2,,,");
        work.Write("Visit_2501020000_v", "visit_id,at", "1,2025-01-01 10:00");
        var plan = await work.PlanAsync();

        await using var holder = await work.Database.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var command = holder.CreateCommand())
        {
            command.CommandText = "LOCK TABLE stg.persons IN ACCESS EXCLUSIVE MODE";
            await command.ExecuteNonQueryAsync();
        }

        var loading = new LoadEngine(impatient, work.Pipeline).LoadAsync(plan, new LoadOptions(), null, CancellationToken.None);
        if (isReleased)
        {
            // The second try has begun, so the first ran into the timeout.
            await Steps.Until(async () => await ServerFault.CountRowsAsync(work) >= 2);
            await transaction.RollbackAsync();
        }

        var run = await loading;
        Assert.Equal(isReleased ? LoadRunStatus.Completed : LoadRunStatus.Failed, run.Status);
        await transaction.DisposeAsync();
        if (!isReleased)
        {
            Assert.Equal("LockTimeout", Assert.Single(await Steps.FailedFilesAsync(work)).ErrorCode);
            Assert.Equal(1, run.FilesProcessed);
            await work.LoadAsync();
        }

        await Truth.AssertWholeAsync(work);
    }

    [PostgresFact]
    public async Task A_statement_that_runs_longer_than_the_admin_allows()
    {
        await using var work = await OpenAsync();
        await using var limited = EtlDatabase.Connect(new ConnectionRequest
        {
            ConnectionString = work.Database.ConnectionString + ";Options=-c statement_timeout=2s",
        });
        await ServerFault.ArmAsync(work, "stg.persons", "PERFORM pg_sleep(60);", times: 1000);
        work.WritePersons(2, "b", "1,A,Ann2,,,");
        var run = await new LoadEngine(limited, work.Pipeline).LoadAsync(
            await work.PlanAsync(), new LoadOptions(), null, CancellationToken.None);

        Assert.Equal(LoadRunStatus.Failed, run.Status);
        Assert.Equal("StatementTimeout", Assert.Single(await Steps.FailedFilesAsync(work)).ErrorCode);
        await ServerFault.DisarmAsync(work);
        await work.LoadAsync();
        await Truth.AssertWholeAsync(work);
    }

    [PostgresFact]
    public async Task A_real_deadlock_with_a_session_of_others()
    {
        await using var work = await OpenAsync();
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,");

        // The other session holds the row of person 1 and, once the load waits for it, wants what the load holds.
        await using var other = await work.Database.OpenAsync();
        await using var command = other.CreateCommand();
        command.CommandText = "BEGIN; SET LOCAL deadlock_timeout = '1h'; UPDATE stg.persons SET name = 'X' WHERE person_id = 1";
        await command.ExecuteNonQueryAsync();
        var loading = work.LoadAsync();
        await Steps.Until(() => work.Database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple'))"));
        command.CommandText = $"LOCK TABLE {await ServerFault.OpenSegmentAsync(work)} IN ACCESS EXCLUSIVE MODE; ROLLBACK";
        await command.ExecuteNonQueryAsync();

        Assert.Equal(LoadRunStatus.Completed, (await loading).Status);
        Assert.Equal("1", await Steps.AttemptsAsync(work, "_b"));
        await Truth.AssertWholeAsync(work);
    }

    /// <summary>One file loaded, so that there are segments.</summary>
    private static async Task<EngineWorkshop> OpenAsync()
    {
        var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,");
        await work.LoadAsync();
        return work;
    }
}
