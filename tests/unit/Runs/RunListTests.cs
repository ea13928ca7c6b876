using System.Text.Json;
using EtlTools.Core;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Runs;

public sealed class RunListTests
{
    private const string PatientName = "Aroha Planted-Name";

    [PostgresFact]
    public async Task The_newest_run_comes_first_and_the_filters_add_up()
    {
        await using var ledger = await Ledger.CreateAsync();
        var old = await ledger.AddRunAsync("completed", age: TimeSpan.FromDays(10));
        var failed = await ledger.AddRunAsync("failed", age: TimeSpan.FromDays(2));
        var reprocess = await ledger.AddRunAsync("completed", "reprocess", age: TimeSpan.FromHours(1));
        var cancelled = await ledger.AddRunAsync("cancelled", age: TimeSpan.FromMinutes(5));
        await ledger.AddFileAsync(failed, extractType: "Allergies");
        await ledger.AddFileAsync(reprocess);
        await ledger.AddFileAsync(reprocess, key: "b.csv", extractType: "Allergies");

        Assert.Equal([cancelled, reprocess, failed, old], await IdsAsync(new RunQuery()));
        Assert.Equal([cancelled, reprocess], await IdsAsync(new RunQuery { First = 2 }));
        Assert.Equal([cancelled, failed], await IdsAsync(new RunQuery { Status = [LoadRunStatus.Failed, LoadRunStatus.Cancelled] }));
        Assert.Equal([reprocess], await IdsAsync(new RunQuery { Kind = [LoadRunKind.Reprocess, LoadRunKind.Undo] }));
        Assert.Equal([cancelled, reprocess, failed], await IdsAsync(new RunQuery { Since = DateTimeOffset.Now.AddDays(-7) }));
        Assert.Equal([reprocess, failed], await IdsAsync(new RunQuery { ExtractTypes = ["ALLERGIES"] }));
        Assert.Equal([failed], await IdsAsync(new RunQuery { ExtractTypes = ["allergies"], Kind = [LoadRunKind.Load] }));
        Assert.Equal([failed, old], await IdsAsync(new RunQuery { LoadRunIds = [old, failed, old] }));
        Assert.Empty(await IdsAsync(new RunQuery { First = 0 }));
        Assert.Equal(["Allergies", "Patient"], (await ledger.GetRunAsync(reprocess)).ExtractType);

        async Task<IEnumerable<Guid>> IdsAsync(RunQuery query) => (await ledger.GetRunsAsync(query)).Select(run => run.LoadRunId);
    }

    [PostgresFact]
    public async Task A_run_shows_what_the_ledger_has()
    {
        await using var ledger = await Ledger.CreateAsync();
        var parent = await ledger.AddRunAsync();
        var id = await ledger.AddRunAsync("failed", "reprocess", TimeSpan.FromHours(3), TimeSpan.FromMinutes(4), 77, "wrong files", "a note");
        await ledger.Database.ExecuteAsync(
            "UPDATE etl.load_runs SET parent_run_id = @parent, error_code = 'FilesFailed', error = '1 file(s) failed', heartbeat_at = now() WHERE load_run_id = @id",
            new { parent, id });
        await ledger.AddFileAsync(id, "a.csv", read: 100, rejected: 10);
        await ledger.AddFileAsync(id, "b.csv", "failed", read: 50, rejected: 50);

        var run = await ledger.GetRunAsync(id);

        Assert.Equal(parent, run.ParentRunId);
        Assert.Equal((LoadRunKind.Reprocess, LoadRunStatus.Failed), (run.Kind, run.Status));
        Assert.Equal(("indici", "manual", "etl", "wrong files"), (run.Pipeline, run.TriggeredBy, run.RequestedBy, run.Reason));
        Assert.Equal(TimeSpan.FromMinutes(4), run.Duration);
        Assert.Equal((1, 1, 1), (run.FilesProcessed, run.FilesFailed, run.FilesOpen));
        Assert.Equal((150, 90, 60), (run.RowsRead, run.RowsIngested, run.RowsRejected));
        Assert.Equal(0.4, run.ErrorRate);
        Assert.Equal(("FilesFailed", "1 file(s) failed", "a note"), (run.ErrorCode, run.Error, run.Notes));
        Assert.Equal([LoadRunProblem.Failed, LoadRunProblem.LowQuality], run.Problem);
        Assert.Null(run.IsAlive);
        Assert.NotNull(run.HeartbeatAt);
    }

    [PostgresFact]
    public async Task A_run_under_way_shows_the_counts_of_its_files()
    {
        await using var ledger = await Ledger.CreateAsync();
        await using var session = await ledger.HoldLeaseAsync(4711);
        var id = await ledger.AddRunAsync("running", leaseKey: 4711);
        await ledger.AddFileAsync(id, "a.csv", read: 100);
        await ledger.AddFileAsync(id, "b.csv", "processing");

        var run = await ledger.GetRunAsync(id);

        Assert.True(run.IsAlive);
        Assert.Equal((100, 100), (run.RowsRead, run.RowsIngested));
        Assert.Equal((1, 0, 1), (run.FilesProcessed, run.FilesFailed, run.FilesOpen));
        Assert.InRange(run.Duration!.Value, TimeSpan.FromSeconds(50), TimeSpan.FromMinutes(30));
        Assert.Empty(run.Problem);
    }

    [PostgresTheory]
    [InlineData(1L)]
    [InlineData(1L << 32)]
    [InlineData((1L << 32) + 1)]
    [InlineData(0x7FFF_FFFF_FFFF_FFFF)]
    [InlineData(-5L)]
    public async Task A_run_whose_session_lives_is_never_stuck_and_one_whose_session_is_gone_is_at_once(long leaseKey)
    {
        await using var ledger = await Ledger.CreateAsync();
        await using var session = await ledger.HoldLeaseAsync(leaseKey);
        var id = await ledger.AddRunAsync("running", age: TimeSpan.FromDays(400), leaseKey: leaseKey);

        var alive = Assert.Single(await ledger.GetRunsAsync());
        Assert.True(alive.IsAlive);
        Assert.Empty(alive.Problem);
        Assert.Empty(await ledger.GetRunsAsync(new RunQuery { Problem = [LoadRunProblem.Stuck] }));

        await ledger.KillAsync(session);
        await ledger.Database.ExecuteAsync("UPDATE etl.load_runs SET started_at = now(), heartbeat_at = now()");

        var dead = Assert.Single(await ledger.GetRunsAsync(new RunQuery { Problem = [LoadRunProblem.Stuck] }));
        Assert.Equal(id, dead.LoadRunId);
        Assert.False(dead.IsAlive);
        Assert.Equal([LoadRunProblem.Stuck], dead.Problem);
    }

    [PostgresFact]
    public async Task A_lock_of_another_database_or_of_another_form_proves_nothing()
    {
        await using var ledger = await Ledger.CreateAsync();
        await using var elsewhere = await Ledger.CreateAsync();
        await using var foreign = await elsewhere.HoldLeaseAsync((7L << 32) + 9);
        await using var twoKeys = await ledger.Database.OpenAsync();
        await using (var command = new Npgsql.NpgsqlCommand("SELECT pg_advisory_lock(7, 9)", twoKeys))
        {
            await command.ExecuteNonQueryAsync();
        }

        await ledger.AddRunAsync("running", leaseKey: (7L << 32) + 9);

        Assert.False(Assert.Single(await ledger.GetRunsAsync()).IsAlive);
    }

    [PostgresFact]
    public async Task A_run_that_gives_no_sign_is_stuck_by_its_age_alone()
    {
        await using var ledger = await Ledger.CreateAsync();
        var old = await ledger.AddAdoptedRunAsync("running", TimeSpan.FromMinutes(121));
        var young = await ledger.AddAdoptedRunAsync("running", TimeSpan.FromMinutes(119));

        var runs = (await ledger.GetRunsAsync()).ToDictionary(run => run.LoadRunId);
        Assert.Equal([LoadRunProblem.Stuck], runs[old].Problem);
        Assert.Empty(runs[young].Problem);
        Assert.All(runs.Values, run => Assert.Null(run.IsAlive));

        var stuck = await ledger.GetRunsAsync(new RunQuery { Problem = [LoadRunProblem.Stuck], StuckAfter = TimeSpan.FromHours(1) });
        Assert.Equal(2, stuck.Count);
    }

    [PostgresFact]
    public async Task Quality_is_rejected_over_read_and_a_run_that_rejected_everything_is_the_worst()
    {
        await using var ledger = await Ledger.CreateAsync();
        var good = await ledger.AddRunAsync();
        await ledger.AddFileAsync(good, "good.csv", read: 100, rejected: 5);
        var bad = await ledger.AddRunAsync();
        await ledger.AddFileAsync(bad, "bad.csv", read: 1000, rejected: 51);
        var worst = await ledger.AddRunAsync("failed");
        await ledger.AddFileAsync(worst, "worst.csv", "failed", read: 20, rejected: 20);
        var adopted = await ledger.AddAdoptedRunAsync("completed", TimeSpan.FromHours(1), ingested: 0, rejected: 7);
        var empty = await ledger.AddRunAsync();
        await ledger.AddFileAsync(empty, "empty.csv");

        var runs = (await ledger.GetRunsAsync()).ToDictionary(run => run.LoadRunId);
        Assert.Equal(0.05, runs[good].ErrorRate);
        Assert.Equal(0.051, runs[bad].ErrorRate);
        Assert.Equal(1, runs[worst].ErrorRate);
        Assert.Equal(1, runs[adopted].ErrorRate);
        Assert.Null(runs[empty].ErrorRate);

        var low = (await ledger.GetRunsAsync(new RunQuery { Problem = [LoadRunProblem.LowQuality] })).Select(run => run.LoadRunId);
        Assert.Equal(new[] { bad, worst, adopted }.Order(), low.Order());
        var strict = await ledger.GetRunsAsync(new RunQuery { Problem = [LoadRunProblem.LowQuality], MaxErrorRate = 0.01 });
        Assert.Contains(good, strict.Select(run => run.LoadRunId));
    }

    [PostgresFact]
    public async Task A_failure_that_was_put_right_is_no_problem_until_that_is_undone()
    {
        await using var ledger = await Ledger.CreateAsync();
        var failed = await ledger.AddRunAsync("failed", age: TimeSpan.FromHours(2));
        await ledger.AddFileAsync(failed, "a.csv", "failed", read: 10, rejected: 10);
        var partly = await ledger.AddRunAsync("failed", age: TimeSpan.FromHours(2));
        await ledger.AddFileAsync(partly, "b.csv", "failed");
        await ledger.AddFileAsync(partly, "c.csv", "failed");
        Assert.Equal(2, (await ledger.GetRunsAsync(Problems)).Count);

        var repair = await ledger.AddRunAsync("completed", "reprocess");
        var loaded = await ledger.AddFileAsync(repair, "a.csv", read: 10);
        await ledger.AddFileAsync(repair, "b.csv", read: 10);

        Assert.Equal(partly, Assert.Single(await ledger.GetRunsAsync(Problems)).LoadRunId);
        var recovered = await ledger.GetRunAsync(failed);
        Assert.Equal((LoadRunStatus.Failed, 1, 0), (recovered.Status, recovered.FilesFailed, recovered.FilesOpen));
        Assert.Equal(1, (await ledger.GetRunAsync(partly)).FilesOpen);

        await ledger.Database.ExecuteAsync(
            "UPDATE etl.load_run_files SET superseded_at = now() WHERE load_run_file_id = @loaded", new { loaded });

        var again = Assert.Single(await ledger.GetRunsAsync(new RunQuery { LoadRunIds = [failed] }));
        Assert.Equal([LoadRunProblem.Failed, LoadRunProblem.LowQuality], again.Problem);
    }

    [PostgresFact]
    public async Task A_run_that_failed_without_a_failed_file_stays_a_problem_until_its_files_were_replaced()
    {
        await using var ledger = await Ledger.CreateAsync();
        var empty = await ledger.AddRunAsync("failed");
        var whole = await ledger.AddRunAsync("failed");
        var file = await ledger.AddFileAsync(whole, "a.csv", read: 10);
        Assert.Equal(2, (await ledger.GetRunsAsync(Problems)).Count);

        var reprocess = await ledger.AddRunAsync("completed", "reprocess", age: TimeSpan.FromMinutes(2));
        await ledger.SupersedeAsync(file, by: await ledger.AddFileAsync(reprocess, "b.csv", read: 10));

        Assert.Equal(empty, Assert.Single(await ledger.GetRunsAsync(Problems)).LoadRunId);

        // One that came to no file is put right by the next good run, as health has it.
        await ledger.AddRunAsync("completed");
        Assert.Empty(await ledger.GetRunsAsync(Problems));
    }

    [PostgresFact]
    public async Task Quality_counts_what_still_stands_without_superseded_files_and_repaired_rows()
    {
        await using var ledger = await Ledger.CreateAsync();
        var superseded = await ledger.AddRunAsync();
        var old = await ledger.AddFileAsync(superseded, "a.csv", read: 10, rejected: 5);
        await ledger.AddFileAsync(superseded, "b.csv", read: 10);
        var repaired = await ledger.AddRunAsync();
        var file = await ledger.AddFileAsync(repaired, "c.csv", read: 10, rejected: 1);
        var row = await ledger.AddRejectedRowAsync(file);
        var query = new RunQuery { Problem = [LoadRunProblem.LowQuality] };
        Assert.Equal(2, (await ledger.GetRunsAsync(query)).Count);

        var later = await ledger.AddRunAsync("completed", "reprocess");
        await ledger.SupersedeAsync(old, by: await ledger.AddFileAsync(later, "a.csv", read: 10));
        Assert.Equal(repaired, Assert.Single(await ledger.GetRunsAsync(query)).LoadRunId);
        Assert.Equal(0.25, (await ledger.GetRunAsync(superseded)).ErrorRate);

        await ledger.Database.ExecuteAsync(
            "UPDATE etl.rejected_rows SET repaired_by_load_run_file_id = load_run_file_id WHERE rejected_row_id = @row", new { row });
        Assert.Empty(await ledger.GetRunsAsync(query));
    }

    [PostgresFact]
    public async Task An_adopted_run_shows_its_totals_where_its_files_have_no_counts()
    {
        await using var ledger = await Ledger.CreateAsync();
        var totals = await ledger.AddAdoptedRunAsync("completed", TimeSpan.FromDays(1), ingested: 900, rejected: 100, files: 3);
        var counted = await ledger.AddAdoptedRunAsync("completed", TimeSpan.FromDays(2), ingested: 1, rejected: 1, files: 9);
        await ledger.AddAdoptedFileAsync(counted, "completed", read: 0, ingested: 40, rejected: 10);
        await ledger.AddAdoptedFileAsync(counted, "completed", read: 60, ingested: 50, rejected: 0);

        var first = await ledger.GetRunAsync(totals);
        Assert.Equal((1000, 900, 100, 3), (first.RowsRead, first.RowsIngested, first.RowsRejected, first.FilesProcessed));
        Assert.Equal(0.1, first.ErrorRate);
        Assert.Equal(LoadRunKind.Load, first.Kind);
        Assert.Null(first.Pipeline);

        var second = await ledger.GetRunAsync(counted);
        Assert.Equal((110, 90, 10, 2), (second.RowsRead, second.RowsIngested, second.RowsRejected, second.FilesProcessed));
    }

    [PostgresFact]
    public async Task A_status_that_the_engine_does_not_know_is_unknown_and_no_problem()
    {
        await using var ledger = await Ledger.CreateAsync();
        var odd = await ledger.AddAdoptedRunAsync("partial", TimeSpan.FromDays(1));
        var number = await ledger.AddAdoptedRunAsync("2", TimeSpan.FromDays(2));
        await ledger.AddRunAsync();
        await ledger.AddAdoptedFileAsync(odd, "queued", 0, 0, 0);

        var runs = await ledger.GetRunsAsync(new RunQuery { Status = [LoadRunStatus.Unknown] });

        Assert.Equal([odd, number], runs.Select(run => run.LoadRunId));
        Assert.All(runs, run => Assert.Equal(LoadRunStatus.Unknown, run.Status));
        Assert.All(runs, run => Assert.Empty(run.Problem));
        Assert.Equal(LoadFileStatus.Unknown, Assert.Single(await ledger.GetFilesAsync()).Status);
    }

    [PostgresFact]
    public async Task Nothing_that_an_earlier_system_wrote_as_free_text_is_shown()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddAdoptedRunAsync("failed", TimeSpan.FromHours(5), notes: $"failed at {PatientName}");
        await ledger.AddAdoptedFileAsync(run, "failed", 0, 0, 0, error: $"invalid value {PatientName}");
        var stuck = await ledger.AddAdoptedRunAsync("running", TimeSpan.FromHours(5), notes: $"working on {PatientName}");
        await ledger.AddAdoptedFileAsync(stuck, "processing", 0, 0, 0, error: $"retrying {PatientName}");
        var closed = await ledger.Runs.StopAsync(stuck, "old system", TimeSpan.Zero, CancellationToken.None);

        var shown = JsonSerializer.Serialize(new { Runs = await ledger.GetRunsAsync(), Files = await ledger.GetFilesAsync() });

        Assert.DoesNotContain("Planted", shown, StringComparison.Ordinal);
        Assert.Contains("etl.load_runs.notes", shown, StringComparison.Ordinal);
        Assert.Contains("etl.load_run_files.error_message", shown, StringComparison.Ordinal);
        Assert.Contains("old system", closed.Error, StringComparison.Ordinal);
        Assert.StartsWith(
            $"working on {PatientName}\n",
            await ledger.Database.ScalarAsync<string>("SELECT notes FROM etl.load_runs WHERE load_run_id = @stuck", new { stuck }),
            StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task An_unknown_run_or_a_limit_that_cannot_be_is_named()
    {
        await using var ledger = await Ledger.CreateAsync();
        var known = await ledger.AddRunAsync();
        var unknown = Guid.NewGuid();

        var error = await Assert.ThrowsAsync<EtlException>(() => ledger.GetRunsAsync(new RunQuery { LoadRunIds = [known, unknown] }));
        Assert.Equal((EtlErrorKind.NotFound, "LoadRunNotFound", unknown.ToString()), (error.Kind, error.ErrorId, error.Target));
        Assert.Contains(unknown.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Equal("FirstInvalid", (await Assert.ThrowsAsync<EtlException>(() => ledger.GetRunsAsync(new RunQuery { First = -1 }))).ErrorId);
        Assert.Equal("MaxErrorRateInvalid", (await Assert.ThrowsAsync<EtlException>(() => ledger.GetRunsAsync(new RunQuery { MaxErrorRate = 5 }))).ErrorId);
        Assert.Equal("StuckAfterInvalid", (await Assert.ThrowsAsync<EtlException>(() => ledger.GetRunsAsync(new RunQuery { StuckAfter = TimeSpan.FromHours(-1) }))).ErrorId);
        Assert.Empty(await ledger.GetRunsAsync(new RunQuery { ExtractTypes = ["'; DROP TABLE etl.load_runs; --"] }));
    }

    [PostgresFact]
    public async Task Completion_finds_recent_runs_and_extract_types()
    {
        await using var ledger = await Ledger.CreateAsync();
        await ledger.Database.ExecuteAsync(
            """
            INSERT INTO etl.load_runs (load_run_id, status, triggered_by, started_at)
            VALUES ('ab000000-0000-4000-8000-000000000001', 'completed', 'manual', now() - interval '2 h'),
                   ('ab000000-0000-4000-8000-000000000002', 'completed', 'manual', now() - interval '1 h'),
                   ('ac000000-0000-4000-8000-000000000003', 'completed', 'manual', now())
            """);
        var run = Guid.Parse("ab000000-0000-4000-8000-000000000001");
        await ledger.AddFileAsync(run, "a", extractType: "Patient");
        await ledger.AddFileAsync(run, "b", extractType: "PatientAlerts");
        await ledger.AddFileAsync(run, "c", extractType: "Allergies");

        Assert.Equal(["3", "2", "1"], await EndsAsync("", 10));
        Assert.Equal(["2", "1"], await EndsAsync("AB0", 10));
        Assert.Equal(["2"], await EndsAsync("ab", 1));
        Assert.Equal(["1"], await EndsAsync("ab000000-0000-4000-8000-000000000001", 10));
        Assert.Empty(await EndsAsync("xyz", 10));
        Assert.Empty(await EndsAsync(new string('0', 40), 10));
        Assert.Equal(["Patient", "PatientAlerts"], await ledger.Runs.GetExtractTypesAsync("pat", CancellationToken.None));
        Assert.Equal(3, (await ledger.Runs.GetExtractTypesAsync("", CancellationToken.None)).Count);
        Assert.Empty(await ledger.Runs.GetExtractTypesAsync("%", CancellationToken.None));

        async Task<IEnumerable<string>> EndsAsync(string prefix, int limit) =>
            (await ledger.Runs.GetRecentRunIdsAsync(prefix, limit, CancellationToken.None)).Select(id => id.ToString()[^1..]);
    }

    private static RunQuery Problems { get; } = new() { Problem = [LoadRunProblem.Failed, LoadRunProblem.LowQuality] };
}
