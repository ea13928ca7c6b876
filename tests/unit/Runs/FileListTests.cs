using EtlTools.Core;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Runs;

public sealed class FileListTests
{
    [PostgresFact]
    public async Task Files_come_in_the_order_they_were_begun_and_the_filters_add_up()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var other = await ledger.AddRunAsync("failed");
        var a = await ledger.AddFileAsync(run, "a", read: 10, rejected: 1);
        var b = await ledger.AddFileAsync(run, "b", extractType: "Allergies", startedAgo: TimeSpan.FromDays(3));
        var c = await ledger.AddFileAsync(other, "c", "failed");
        var again = await ledger.AddFileAsync(other, "a", read: 10);
        await ledger.SupersedeAsync(a, again);

        Assert.Equal([a, b, c, again], await IdsAsync(new FileQuery()));
        Assert.Equal([c, again], await IdsAsync(new FileQuery { LoadRunIds = [other] }));
        Assert.Equal([a, c], await IdsAsync(new FileQuery { LoadRunFileIds = [c, a] }));
        Assert.Equal([c], await IdsAsync(new FileQuery { Status = [LoadFileStatus.Failed, LoadFileStatus.Pending] }));
        Assert.Equal([b], await IdsAsync(new FileQuery { ExtractTypes = ["allergies"] }));
        Assert.Equal([a, c, again], await IdsAsync(new FileQuery { Since = DateTimeOffset.UtcNow.AddDays(-1) }));
        Assert.Equal([b, c, again], await IdsAsync(new FileQuery { IncludeSuperseded = false }));
        Assert.Equal([a, b], await IdsAsync(new FileQuery { First = 2 }));

        var first = (await ledger.GetFilesAsync(new FileQuery { LoadRunFileIds = [a] })).Single();
        Assert.Equal((10, 9, 1, 0.1), (first.RowsRead, first.RowsIngested, first.RowsRejected, first.ErrorRate));
        Assert.Equal((true, again), (first.IsSuperseded, first.SupersededByLoadRunFileId));
        Assert.Equal(new DateTime(2025, 8, 18, 10, 44, 0), first.ExtractedAt);
        Assert.Equal(2, (await ledger.GetFilesAsync(new FileQuery { LoadRunFileIds = [again] })).Single().Attempt);

        async Task<IEnumerable<int>> IdsAsync(FileQuery query) => (await ledger.GetFilesAsync(query)).Select(file => file.LoadRunFileId);
    }

    [PostgresFact]
    public async Task An_adopted_file_shows_its_base_name_and_the_rows_it_took_for_the_rows_it_read()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddAdoptedRunAsync("completed", TimeSpan.FromDays(1));
        await ledger.AddAdoptedFileAsync(run, "completed", read: 0, ingested: 12, rejected: 0);

        var file = Assert.Single(await ledger.GetFilesAsync());

        Assert.EndsWith("_Allergies.csv", file.FileName, StringComparison.Ordinal);
        Assert.DoesNotContain("\\", file.FileName, StringComparison.Ordinal);
        Assert.Equal((12, 12, 0.0), (file.RowsRead, file.RowsIngested, file.ErrorRate));
        Assert.Null(file.Error);
    }

    [PostgresFact]
    public async Task An_unknown_run_or_file_is_named()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        var file = await ledger.AddFileAsync(run);

        var error = await Assert.ThrowsAsync<EtlException>(() => ledger.GetFilesAsync(new FileQuery { LoadRunFileIds = [file, 999, 998] }));
        Assert.Equal((EtlErrorKind.NotFound, "LoadFileNotFound", "999"), (error.Kind, error.ErrorId, error.Target));
        Assert.Contains("999, 998", error.Message, StringComparison.Ordinal);
        var runError = await Assert.ThrowsAsync<EtlException>(() => ledger.GetFilesAsync(new FileQuery { LoadRunIds = [Guid.Empty] }));
        Assert.Equal("LoadRunNotFound", runError.ErrorId);
    }

    [PostgresFact]
    public async Task Whoever_stops_early_does_not_wait_for_the_rest_and_cancelling_ends_the_statement()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync();
        await ledger.Database.ExecuteAsync(
            """
            INSERT INTO etl.load_run_files (
                load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id, status)
            SELECT @run, 'indici', 'bucket', repeat('k', 200) || i, '', i::text, '', 'Patient', '', '', 'completed' FROM generate_series(1, 100000) i
            """,
            new { run });

        for (var i = 0; i < 3; i++)
        {
            await foreach (var file in ledger.Runs.GetFilesAsync(new FileQuery(), CancellationToken.None))
            {
                Assert.Equal(run, file.LoadRunId);
                break;
            }
        }

        using var stop = new CancellationTokenSource();
        var seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in ledger.Runs.GetFilesAsync(new FileQuery(), stop.Token))
            {
                if (++seen == 10)
                {
                    await stop.CancelAsync();
                }
            }
        });

        Assert.True(seen < 100000);
        Assert.Single(await ledger.GetFilesAsync(new FileQuery { First = 1 }));
    }
}
