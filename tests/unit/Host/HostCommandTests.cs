using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Host;

/// <summary>The etl executable as services and scripts use it: its lines, its exit codes, its end.</summary>
public sealed class HostCommandTests
{
    [PostgresFact]
    public async Task Init_creates_all_and_does_nothing_the_second_time()
    {
        await using var work = await HostWorkshop.OpenAsync(initialise: false);
        var preview = await work.RunAsync("init", "--what-if");
        Assert.Null(await work.Database.ScalarAsync<string>("SELECT to_regclass('etl.load_runs')::text"));
        var first = await work.RunAsync("init");
        var second = await work.RunAsync("init");

        Assert.Equal((0, 0, 0), (preview.ExitCode, first.ExitCode, second.ExitCode));
        Assert.NotEqual("0", HostWorkshop.Value(preview, "pending"));
        Assert.NotEqual("0", HostWorkshop.Value(first, "applied"));
        Assert.Equal("0", HostWorkshop.Value(second, "applied"));
        Assert.NotNull(await work.Database.ScalarAsync<string>("SELECT to_regclass('stg.patients')::text"));
    }

    [PostgresFact]
    public async Task Load_reprocess_undo_and_verify_say_what_they_did()
    {
        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 3);
        var load = await work.RunAsync("load");
        Assert.Equal(0, load.ExitCode);
        Assert.Equal(("Completed", "1", "0", "3", "0"), (
            HostWorkshop.Value(load, "status"), HostWorkshop.Value(load, "files"), HostWorkshop.Value(load, "failed"),
            HostWorkshop.Value(load, "rows"), HostWorkshop.Value(load, "rejected")));
        Assert.Equal(
            await work.Database.ScalarAsync<Guid>("SELECT load_run_id FROM etl.load_runs"), Guid.Parse(HostWorkshop.Value(load, "run")));

        var again = await work.RunAsync("load");
        Assert.Equal((0, "none"), (again.ExitCode, HostWorkshop.Value(again, "run")));
        Assert.Equal(1, await work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.load_runs"));

        work.WriteMedicine(18, 2);
        var file = HostWorkshop.Value(load, "file");
        var preview = await work.RunAsync("reprocess", "--file", file, "--reason", "a test", "--what-if");
        Assert.Equal((0, "1", "2"), (preview.ExitCode, HostWorkshop.Value(preview, "withdrawn"), HostWorkshop.Value(preview, "unchanged")));
        Assert.Equal(3, await work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));

        var reprocess = await work.RunAsync("reprocess", "--file", file, "--reason", "a test");
        Assert.Equal((0, "Completed", "1"), (
            reprocess.ExitCode, HostWorkshop.Value(reprocess, "status"), HostWorkshop.Value(reprocess, "withdrawn")));
        Assert.Equal(2, await work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));

        var undo = await work.RunAsync("undo", "--receipt", HostWorkshop.Value(reprocess, "receipt"), "--reason", "a test");
        Assert.Equal((0, "1"), (undo.ExitCode, HostWorkshop.Value(undo, "undone")));
        Assert.Equal(3, await work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));

        var twice = await work.RunAsync("undo", "--receipt", HostWorkshop.Value(reprocess, "receipt"), "--reason", "a test");
        Assert.Equal(2, twice.ExitCode);
        Assert.StartsWith("UndoConflict: ", twice.Error, StringComparison.Ordinal);

        var verify = await work.RunAsync("verify", "--extract-type", "Medicine");
        Assert.Equal((0, "true", "3"), (verify.ExitCode, HostWorkshop.Value(verify, "intact"), HostWorkshop.Value(verify, "rows")));
    }

    [PostgresFact]
    public async Task Undo_by_run_takes_all_its_receipts_back()
    {
        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 3);
        var load = await work.RunAsync("load");
        work.WriteMedicine(18, 1);
        var reprocess = await work.RunAsync("reprocess", "--run", HostWorkshop.Value(load, "run"), "--reason", "a test");
        var undo = await work.RunAsync("undo", "--run", HostWorkshop.Value(reprocess, "run"), "--reason", "a test");

        Assert.Equal((0, "1"), (undo.ExitCode, HostWorkshop.Value(undo, "undone")));
        Assert.Equal(3, await work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));
    }

    [PostgresFact]
    public async Task A_failed_file_is_exit_code_1_and_is_listed()
    {
        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 1, file => file.AddFields("not", "enough"));
        var load = await work.RunAsync("load");
        var failed = await work.RunAsync("failed");
        var runs = await work.RunAsync("runs", "--problem", "Failed");

        Assert.Equal((1, "Failed", "1"), (load.ExitCode, HostWorkshop.Value(load, "status"), HostWorkshop.Value(load, "failed")));
        Assert.Contains("TooManyBadRows: ", load.Error, StringComparison.Ordinal);
        Assert.Equal((0, "TooManyBadRows"), (failed.ExitCode, HostWorkshop.Value(failed, "error")));
        Assert.Equal((0, HostWorkshop.Value(load, "run")), (runs.ExitCode, HostWorkshop.Value(runs, "run")));
        Assert.Contains("Failed", HostWorkshop.Value(runs, "problem"), StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Verify_is_exit_code_1_where_staging_is_not_what_raw_says()
    {
        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 3);
        await work.RunAsync("load");
        await work.Database.ExecuteAsync("DELETE FROM stg.medicine WHERE medicine_id::text = '2'");
        var verify = await work.RunAsync("verify", "--extract-type", "Medicine");

        Assert.Equal((1, "false", "1"), (verify.ExitCode, HostWorkshop.Value(verify, "intact"), HostWorkshop.Value(verify, "missing")));
    }

    [PostgresFact]
    public async Task Staging_that_was_skipped_is_done_by_a_load_with_nothing_to_load()
    {
        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 3);
        await work.RunAsync("load", "--skip-staging");
        Assert.Equal(0, await work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));
        var second = await work.RunAsync("load");

        Assert.Equal(0, second.ExitCode);
        Assert.Equal(3, await work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));
    }

    [PostgresFact]
    public async Task A_load_killed_before_its_commit_leaves_nothing_and_the_next_one_loads_the_file()
    {
        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 3);
        var killed = await work.RunAsync(["load"], crashAt: "load.before-commit");
        Assert.NotEqual(0, killed.ExitCode);
        Assert.Equal(0, await work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.medicine"));

        var next = await work.RunAsync("load");
        Assert.Equal((0, "3"), (next.ExitCode, HostWorkshop.Value(next, "rows")));
        Assert.Equal(3, await work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.medicine"));
    }

    [PostgresFact]
    public async Task Sigterm_ends_a_load_as_cancelled()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var work = await HostWorkshop.OpenAsync();
        work.WriteMedicine(18, 3);
        await using var holder = await work.Database.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var command = holder.CreateCommand())
        {
            command.CommandText = "LOCK TABLE stg.medicine IN ACCESS EXCLUSIVE MODE";
            await command.ExecuteNonQueryAsync();
        }

        await using var host = work.Start("load");
        await WaitForAsync(() => work.Database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'stg.medicine'::regclass)"));
        await Command.RunAsync("kill", ["-TERM", $"{host.Id}"]);
        await host.WaitForExitAsync();
        await transaction.RollbackAsync();

        Assert.Equal(130, host.ExitCode);
        Assert.Equal("cancelled", await work.Database.ScalarAsync<string>("SELECT status FROM etl.load_runs"));
        Assert.Equal(0, await work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.medicine"));
    }

    [Theory]
    [InlineData("UsageInvalid", "load", "--first", "0")]
    [InlineData("UsageInvalid", "load", "--max-error-rate", "5")]
    [InlineData("UsageInvalid", "load", "--no-such-option")]
    [InlineData("UsageInvalid", "reprocess", "--file", "1")]
    [InlineData("UsageInvalid", "reprocess", "--reason", "a test")]
    [InlineData("UsageInvalid", "undo", "--reason", "a test")]
    [InlineData("UsageInvalid", "no-such-command")]
    [InlineData("PipelineNotFound", "load", "--pipeline", "no-such-pipeline")]
    [InlineData("ConnectionStringInvalid", "runs", "--connection", "Host=x;NoSuchWord=1")]
    public async Task A_mistake_is_exit_code_2_with_an_id_and_a_next_step(string errorId, params string[] arguments)
    {
        await using var host = await HostProcess.RunAsync(arguments);

        Assert.Equal(2, host.ExitCode);
        Assert.Empty(host.Output);
        Assert.StartsWith(errorId + ": ", host.Error, StringComparison.Ordinal);
        Assert.Contains("Next: ", host.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", host.Error, StringComparison.Ordinal);
    }

    private static async Task WaitForAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await condition())
        {
            await Task.Delay(50, patience.Token);
        }
    }
}
