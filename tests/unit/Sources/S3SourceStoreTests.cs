using System.Security.Cryptography;
using EtlTools.Core;
using EtlTools.Core.Sources;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Sources;

/// <summary>Against a real server, and through a proxy that breaks its connections.</summary>
public sealed class S3SourceStoreTests
{
    private static readonly S3Timing Impatient = S3Timing.Default with
    {
        Idle = TimeSpan.FromSeconds(1),
        ResumeDelay = TimeSpan.FromMilliseconds(10),
    };

    [S3Fact]
    public async Task Keys_that_hold_a_Windows_path_are_listed_found_and_read()
    {
        string[] keys =
        [
            "C:/Jobs/indici_export/working/685146_535_Patient_202508180544_202508181044_2508181044.csv",
            @"in/C:\Jobs\working\685146_535_Patient_202508180544_202508181044_2508181044.csv",
            "in/with space +plus&and%41 ümlaut.csv",
        ];
        await using var bucket = await S3Bucket.CreateAsync();
        foreach (var key in keys)
        {
            await bucket.PutAsync(key, "content of it"u8.ToArray());
        }

        using var store = SourceStoreFactory.Create(bucket.Source());
        var listed = await store.ListAsync(CancellationToken.None).ToListAsync();

        Assert.Equal(keys.Order(StringComparer.Ordinal), listed.Select(file => file.Key).Order(StringComparer.Ordinal));
        foreach (var file in listed)
        {
            Assert.Equal(file, await store.FindAsync(file.Key, CancellationToken.None));
            await using var opened = await store.OpenAsync(file, CancellationToken.None);
            Assert.Equal("content of it", await new StreamReader(opened.Content).ReadToEndAsync());
        }
    }

    [S3Fact]
    public async Task Prefix_that_holds_a_Windows_path_selects()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        await bucket.PutAsync("C:/Jobs/a.csv", [1]);
        await bucket.PutAsync("C:/Other/b.csv", [1]);

        using var store = SourceStoreFactory.Create(bucket.Source("C:/Jobs/"));

        Assert.Equal(["C:/Jobs/a.csv"], await store.ListAsync(CancellationToken.None).Select(file => file.Key).ToListAsync());
    }

    [S3Fact]
    public async Task Listing_shows_what_identity_is_made_of()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        byte[] content = [1, 2, 3];
        await bucket.PutAsync("a.csv", content);

        using var store = SourceStoreFactory.Create(bucket.Source());
        var file = await store.ListAsync(CancellationToken.None).SingleAsync();

        Assert.Equal(bucket.Name, file.Container);
        Assert.Equal(3, file.SizeBytes);
        Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData(content))}\"", file.ETag);
        Assert.Equal(TimeSpan.Zero, file.LastModified.Offset);
        Assert.Equal(file, await store.FindAsync("a.csv", CancellationToken.None));
        Assert.Equal(FileIdentity.Hash(file), FileIdentity.Hash((await store.FindAsync("a.csv", CancellationToken.None))!));
    }

    [S3Fact]
    public async Task Listing_goes_on_over_its_pages()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        var keys = Enumerable.Range(0, 1203).Select(number => $"many/{number:d6}.csv").ToList();
        await Parallel.ForEachAsync(keys, async (key, _) => await bucket.PutAsync(key, []));

        using var store = SourceStoreFactory.Create(bucket.Source("many/"));

        Assert.Equal(keys, await store.ListAsync(CancellationToken.None).Select(file => file.Key).ToListAsync());
    }

    [S3Fact]
    public async Task Empty_bucket_has_no_files_and_a_missing_one_is_told()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        using var empty = SourceStoreFactory.Create(bucket.Source());
        using var missing = SourceStoreFactory.Create(bucket.Source() with { Bucket = "etl-test-none" });

        Assert.Empty(await empty.ListAsync(CancellationToken.None).ToListAsync());
        Assert.Null(await empty.FindAsync("none.csv", CancellationToken.None));
        await AssertFailsAsync("SourceNotFound", () => missing.ListAsync(CancellationToken.None).ToListAsync().AsTask());
        await AssertFailsAsync(
            "SourceFileMissing", () => empty.OpenAsync(Expected(bucket.Name, "none.csv"), CancellationToken.None));
        await AssertFailsAsync(
            "SourceNotFound", () => missing.OpenAsync(Expected("etl-test-none", "none.csv"), CancellationToken.None));
    }

    [S3Fact]
    public async Task A_key_that_begins_another_is_found_itself()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        await bucket.PutAsync("a.csv.old", [1, 2]);
        using var store = SourceStoreFactory.Create(bucket.Source());
        Assert.Null(await store.FindAsync("a.csv", CancellationToken.None));

        await bucket.PutAsync("a.csv", [1]);
        Assert.Equal(1, (await store.FindAsync("a.csv", CancellationToken.None))!.SizeBytes);
    }

    [S3Fact]
    public async Task Object_changed_since_the_listing_is_refused()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        await bucket.PutAsync("a.csv", [1, 2, 3]);
        using var store = SourceStoreFactory.Create(bucket.Source());
        var listed = await store.ListAsync(CancellationToken.None).SingleAsync();
        await bucket.PutAsync("a.csv", [4, 5, 6]);

        await AssertFailsAsync("SourceFileChanged", () => store.OpenAsync(listed, CancellationToken.None));
    }

    [S3Theory]
    [InlineData(ProxyFault.CutBefore)]
    [InlineData(ProxyFault.Stall)]
    public async Task Broken_body_is_resumed_to_the_same_bytes(ProxyFault fault)
    {
        await using var bucket = await S3Bucket.CreateAsync();
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        await bucket.PutAsync("a.bin", content);
        await using var proxy = TcpProxy.Start(new Uri(bucket.Endpoint));
        using var store = S3SourceStore.Create(bucket.Source(endpoint: $"http://127.0.0.1:{proxy.Port}"), Impatient);
        var listed = await store.ListAsync(CancellationToken.None).SingleAsync();

        // Before it is opened: a fast machine has the whole body under way by the time the first byte is read.
        proxy.After(ProxyDirection.ToClient, 100_000, fault);
        await using var opened = await store.OpenAsync(listed, CancellationToken.None);
        using var received = new MemoryStream();
        var buffer = new byte[70_001];
        foreach (var place in new[] { 200_000, 900_000, 1_300_000 })
        {
            // The bytes under way on this connection are past the place already or come to it: either way it breaks.
            proxy.After(ProxyDirection.ToClient, place, fault);
            while (received.Length < place + 400_000)
            {
                received.Write(buffer, 0, await opened.Content.ReadAsync(buffer));
            }
        }

        await opened.Content.CopyToAsync(received);

        Assert.Equal(content, received.ToArray());
        Assert.True(proxy.Tripped.IsCompleted);
    }

    [S3Fact]
    public async Task Object_changed_while_it_is_read_is_refused()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        await bucket.PutAsync("a.bin", RandomNumberGenerator.GetBytes(3_000_000));
        await using var proxy = TcpProxy.Start(new Uri(bucket.Endpoint)).After(ProxyDirection.ToClient, 500_000, ProxyFault.CutBefore);
        using var direct = SourceStoreFactory.Create(bucket.Source());
        var listed = await direct.ListAsync(CancellationToken.None).SingleAsync();
        using var store = S3SourceStore.Create(bucket.Source(endpoint: $"http://127.0.0.1:{proxy.Port}"), Impatient);

        await using var opened = await store.OpenAsync(listed, CancellationToken.None);
        await proxy.Tripped;
        await bucket.PutAsync("a.bin", RandomNumberGenerator.GetBytes(3_000_000));

        await AssertFailsAsync("SourceFileChanged", () => opened.Content.CopyToAsync(Stream.Null));
    }

    [S3Fact]
    public async Task Reading_ends_when_cancelled_in_a_silent_body()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        await bucket.PutAsync("a.bin", RandomNumberGenerator.GetBytes(3_000_000));
        await using var proxy = TcpProxy.Start(new Uri(bucket.Endpoint)).After(ProxyDirection.ToClient, 500_000, ProxyFault.Stall);
        using var direct = SourceStoreFactory.Create(bucket.Source());
        var listed = await direct.ListAsync(CancellationToken.None).SingleAsync();
        using var store = S3SourceStore.Create(
            bucket.Source(endpoint: $"http://127.0.0.1:{proxy.Port}"), S3Timing.Default with { Idle = TimeSpan.FromHours(1) });
        using var stop = new CancellationTokenSource();

        await using var opened = await store.OpenAsync(listed, CancellationToken.None);
        var reading = opened.Content.CopyToAsync(Stream.Null, stop.Token);
        await proxy.Tripped;
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [S3Fact]
    public async Task Synchronous_reading_gives_the_same_bytes()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        var content = RandomNumberGenerator.GetBytes(300_000);
        await bucket.PutAsync("a.bin", content);
        using var store = SourceStoreFactory.Create(bucket.Source());
        var listed = await store.ListAsync(CancellationToken.None).SingleAsync();

        await using var opened = await store.OpenAsync(listed, CancellationToken.None);
        using var received = new MemoryStream();
        opened.Content.CopyTo(received);

        Assert.Equal(content, received.ToArray());
    }

    [S3Fact]
    public async Task Empty_object_has_an_empty_body()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        await bucket.PutAsync("a.csv", []);
        using var store = SourceStoreFactory.Create(bucket.Source());
        var listed = await store.ListAsync(CancellationToken.None).SingleAsync();

        await using var opened = await store.OpenAsync(listed, CancellationToken.None);

        Assert.Equal(0, await opened.Content.ReadAsync(new byte[10]));
    }

    private static async Task AssertFailsAsync(string errorId, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<EtlException>(action);
        Assert.Equal(errorId, error.ErrorId);
    }

    private static SourceObject Expected(string bucket, string key) => new(bucket, key, 1, "\"e\"", DateTimeOffset.UnixEpoch);
}
