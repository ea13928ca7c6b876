using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>Sources that break off or change while they are read.</summary>
public sealed class ChangingSourceTests
{
    private const string Header = "person_id,practice_id,name,born,amount,active\n";

    [PostgresFact]
    public async Task A_file_written_while_it_is_read_is_not_kept()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        var path = work.WritePersons(1, "a", Enumerable.Range(0, 40_000).Select(number => $"{number},A,{new string('n', 30)},,,").ToArray());
        var plan = await work.PlanAsync();
        FileOutcome outcome;
        await using (var session = await RunSession.StartAsync(work.Etl, Steps.Start(work), CancellationToken.None))
        {
            var isWritten = false;
            outcome = await Steps.Transaction(work, work.Etl).RunAsync(
                plan[0].Source,
                again: false,
                Steps.Options(session.LoadRunId) with
                {
                    OnProgress = (_, _) =>
                    {
                        if (!isWritten)
                        {
                            isWritten = true;
                            File.AppendAllText(path, "50000,A,Late,,,\n");
                        }
                    },
                },
                beforeCommit: null,
                CancellationToken.None);
            await session.CloseAsync(LoadRunStatus.Completed);
        }

        Assert.Equal("SourceFileChanged", outcome.Error?.ErrorId);
        Assert.Equal(0, await work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons"));
        Assert.Equal("failed", await work.Database.ScalarAsync<string>("SELECT status FROM etl.load_runs"));
        Assert.Equal(PlanReason.Failed, Assert.Single(await work.PlanAsync()).Reason);
        await work.LoadAsync();
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresTheory]
    [InlineData("changed", "SourceFileChanged")]
    [InlineData("gone", "SourceFileMissing")]
    public async Task A_plan_that_is_stale(string what, string errorId)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        var path = work.WritePersons(1, "a", "1,A,Ann,,,");
        work.WritePersons(2, "b", "2,A,Bob,,,");
        var plan = await work.PlanAsync();
        if (what == "gone")
        {
            File.Delete(path);
        }
        else
        {
            work.WritePersons(1, "a", "1,A,Ann2,,,");
        }

        var run = await work.Loader.LoadAsync(plan, new LoadOptions(), null, CancellationToken.None);
        Assert.Equal((LoadRunStatus.Failed, 1, 1), (run.Status, run.FilesProcessed, run.FilesFailed));
        Assert.Equal(errorId, Assert.Single(await Steps.FailedFilesAsync(work)).ErrorCode);
        await Truth.AssertWholeAsync(work, exceptFile: "_a");
        await work.LoadAsync();
        await Truth.AssertWholeAsync(work);
    }

    [PostgresS3Fact]
    public async Task A_body_that_breaks_off_is_read_on()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await using var bucket = await S3Bucket.CreateAsync();
        await using var proxy = TcpProxy.Start(new Uri(bucket.Endpoint));
        work.Pipeline = work.Pipeline with { Source = bucket.Source(endpoint: $"http://127.0.0.1:{proxy.Port}") };
        var rows = Enumerable.Range(0, 40_000).Select(number => $"{number},A,{new string('n', 30)},,,\n");
        await bucket.PutAsync("Person_2501010000_a.csv", System.Text.Encoding.UTF8.GetBytes(Header + string.Concat(rows)));
        var plan = await work.PlanAsync();
        proxy.After(ProxyDirection.ToClient, 500_000, ProxyFault.CutBefore);
        var run = await work.Loader.LoadAsync(plan, new LoadOptions(), null, CancellationToken.None);

        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal((LoadRunStatus.Completed, 40_000), (run.Status, run.RowsIngested));
        Assert.Equal(40_000, await work.Database.ScalarAsync<long>("SELECT count(DISTINCT person_id) FROM raw.persons"));
        await Truth.AssertConsistentAsync(work);
    }

    [PostgresS3Fact]
    public async Task An_object_with_another_ETag_than_planned_is_not_loaded()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await using var bucket = await S3Bucket.CreateAsync();
        work.Pipeline = work.Pipeline with { Source = bucket.Source() };
        await bucket.PutAsync("Person_2501010000_a.csv", System.Text.Encoding.UTF8.GetBytes(Header + "1,A,Ann,,,\n"));
        var plan = await work.PlanAsync();
        await bucket.PutAsync("Person_2501010000_a.csv", System.Text.Encoding.UTF8.GetBytes(Header + "1,A,Eve,,,\n"));
        var run = await work.Loader.LoadAsync(plan, new LoadOptions(), null, CancellationToken.None);

        Assert.Equal(LoadRunStatus.Failed, run.Status);
        Assert.Equal("SourceFileChanged", Assert.Single(await Steps.FailedFilesAsync(work)).ErrorCode);
        Assert.Null(await work.NameOfAsync(1));
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        Assert.Equal("Eve", await work.NameOfAsync(1));
        await Truth.AssertConsistentAsync(work);
    }
}
