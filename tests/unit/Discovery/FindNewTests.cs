using EtlTools.Core;
using EtlTools.Core.Discovery;
using EtlTools.Core.Sources;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Sources;

namespace EtlTools.Tests.Discovery;

public sealed class FindNewTests
{
    [PostgresFact]
    public async Task File_that_the_ledger_does_not_know_is_new()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var key = bench.Put("Patients", folder: "C:/Jobs/working/", content: "12345");

        var file = Assert.Single(await bench.FindNewAsync());

        Assert.Equal(PlanReason.New, file.Reason);
        Assert.Equal(key, file.Key);
        Assert.Equal(bench.Folder.Path, file.Container);
        Assert.Equal(FileNameConvention.BaseName(key), file.FileName);
        Assert.Equal("Patient", file.ExtractType);
        Assert.Equal(5, file.SizeBytes);
        Assert.Equal(DiscoveryBench.Noon, file.ExtractedAt);
        Assert.Equal("Pacific/Auckland", file.TimeZone);
        Assert.Equal((await bench.ReadAsync(key)).FileHash, file.Source.FileHash);
    }

    [PostgresTheory]
    [InlineData("pending")]
    [InlineData("processing")]
    [InlineData("failed")]
    [InlineData("completed")]
    public async Task File_that_the_ledger_knows_in_any_state_is_not_new(string status)
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await bench.AddAttemptAsync(bench.Put("Patient"), status);
        await bench.AddAttemptAsync(bench.Put("Provider"), status, pipeline: null);

        Assert.Empty(await bench.FindNewAsync());
    }

    [PostgresFact]
    public async Task Corrected_upload_of_a_loaded_file_is_changed()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        var loaded = bench.Put("Patient");
        await bench.AddAttemptAsync(loaded, "completed");
        var withdrawn = bench.Put("Provider");
        await bench.AddAttemptAsync(withdrawn, "completed", isSuperseded: true);
        bench.Put("Patient", content: "corrected");
        bench.Put("Provider", content: "corrected");

        var found = (await bench.FindNewAsync()).ToDictionary(file => file.Key, file => file.Reason);

        Assert.Equal(PlanReason.Changed, found[loaded]);
        Assert.Equal(PlanReason.New, found[withdrawn]);
    }

    [PostgresFact]
    public async Task Name_outside_the_convention_is_reported_and_the_rest_is_found()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        bench.Put("Patient");
        bench.Put("Nonsense");
        bench.Folder.Write("notes.txt");
        bench.Folder.Write("685146_535_Patient_202513180544_202508181044_2508181044.csv");

        Assert.Single(await bench.FindNewAsync());
        Assert.Equal(
            ["ExtractTypeUnknown", "FileNameDateInvalid", "FileNameNotRecognised"],
            bench.Reported.Select(file => file.ErrorId).Order(StringComparer.Ordinal));
    }

    [PostgresFact]
    public async Task Empty_file_is_a_file_and_an_empty_source_is_no_error()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        Assert.Empty(await bench.FindNewAsync());

        bench.Put("Patient", content: "");

        Assert.Equal(0, Assert.Single(await bench.FindNewAsync()).SizeBytes);
    }

    [PostgresFact]
    public async Task Filter_limits_by_type_time_and_number()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        bench.Put("Patient", DiscoveryBench.Noon);
        bench.Put("Patient", DiscoveryBench.Noon.AddHours(1));
        bench.Put("Patient", DiscoveryBench.Noon.AddHours(2));
        bench.Put("Provider", DiscoveryBench.Noon);

        Assert.Equal(3, (await bench.FindNewAsync(new FileFilter { ExtractTypes = ["patients"] })).Count);
        Assert.Equal(2, (await bench.FindNewAsync(new FileFilter { From = DiscoveryBench.Noon.AddHours(1) })).Count);
        Assert.Equal(2, (await bench.FindNewAsync(new FileFilter { To = DiscoveryBench.Noon.AddHours(1) })).Count);
        Assert.Equal(2, (await bench.FindNewAsync(new FileFilter { First = 2 })).Count);
        Assert.Empty(await bench.FindNewAsync(new FileFilter { First = 0 }));
        var error = await Assert.ThrowsAsync<EtlException>(() => bench.FindNewAsync(new FileFilter { ExtractTypes = ["Nonsense"] }));
        Assert.Equal("ExtractTypeUnknown", error.ErrorId);
    }

    [PostgresFact]
    public async Task First_file_arrives_before_the_listing_ends()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        for (var number = 0; number < 2_100; number++)
        {
            bench.Put("Patient", DiscoveryBench.Noon.AddMinutes(number));
        }

        bench.Folder.Write("z-last.txt");

        var found = 0;
        await foreach (var file in bench.Discovery.FindNewAsync(new FileFilter(), bench.Reported.Add, CancellationToken.None))
        {
            if (found++ == 0)
            {
                Assert.Empty(bench.Reported);
            }
        }

        Assert.Equal(2_100, found);
        Assert.Single(bench.Reported);
    }

    [PostgresFact]
    public async Task Missing_schema_is_told()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await using var etl = database.OpenEtl();
        using var folder = new TemporaryFolder();
        folder.Write(SamplePipelines.FileName("Patient", DiscoveryBench.Noon));
        var discovery = new FileDiscovery(etl, SamplePipelines.Vendor(SamplePipelines.Folder(folder.Path)));

        var error = await Assert.ThrowsAsync<EtlException>(
            () => discovery.FindNewAsync(new FileFilter(), null, CancellationToken.None).ToListAsync().AsTask());

        Assert.Equal(EtlErrorKind.Schema, error.Kind);
    }

    [PostgresS3Fact]
    public async Task Bucket_is_searched_like_a_folder()
    {
        await using var bench = await DiscoveryBench.CreateAsync();
        await using var bucket = await S3Bucket.CreateAsync();
        bench.Pipeline = SamplePipelines.Vendor(bucket.Source(@"C:/Jobs\"));
        var key = @"C:/Jobs\working/" + SamplePipelines.FileName("Patient", DiscoveryBench.Noon);
        await bucket.PutAsync(key, [1]);
        await bucket.PutAsync(@"C:/Jobs\empty_$folder$", []);
        await bucket.PutAsync("elsewhere/" + SamplePipelines.FileName("Patient", DiscoveryBench.Noon), [1]);

        Assert.Equal((key, PlanReason.New), Single(await bench.FindNewAsync()));
        await bench.AddAttemptAsync(key, "completed");
        Assert.Empty(await bench.FindNewAsync());
        await bucket.PutAsync(key, [2]);
        Assert.Equal((key, PlanReason.Changed), Single(await bench.FindNewAsync()));
        Assert.Empty(bench.Reported);

        static (string Key, PlanReason Reason) Single(List<NewFile> files) => (Assert.Single(files).Key, files[0].Reason);
    }
}
