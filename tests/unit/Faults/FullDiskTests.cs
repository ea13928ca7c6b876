using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

public sealed class FullDiskTests
{
    [SmallDiskFact]
    public async Task A_full_disk_fails_the_file_that_does_not_fit_and_space_makes_it_load()
    {
        await using var cluster = await PostgresServer.StartPrivateAsync(("fsync", "off"));
        await cluster.CreateSmallTablespaceAsync("small");
        await using var work = await EngineWorkshop.OpenAsync(cluster.ConnectionString);
        work.WritePersons(1, "first", "1,A,Ann,,,");
        await work.LoadAsync();
        var segment = await ServerFault.OpenSegmentAsync(work);
        await work.Database.ExecuteAsync($"ALTER TABLE {segment} SET TABLESPACE small");

        work.WritePersons(2, "large", Enumerable.Range(0, 60_000).Select(number => $"{number},A,{new string('n', 200)},,,").ToArray());
        work.Write("Visit_2501020000_v", "visit_id,at", "1,2025-01-01 10:00");
        var run = await work.LoadAsync();

        Assert.Equal((LoadRunStatus.Failed, 1, 1), (run.Status, run.FilesProcessed, run.FilesFailed));
        var failed = Assert.Single(await Steps.FailedFilesAsync(work));
        Assert.Equal("DiskFull", failed.ErrorCode);
        await Truth.AssertWholeAsync(work, exceptFile: "large");

        await work.Database.ExecuteAsync($"ALTER TABLE {segment} SET TABLESPACE pg_default");
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }
}
