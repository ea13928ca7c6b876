using System.Text;
using EtlTools.Core;
using EtlTools.Core.Sources;

namespace EtlTools.Tests.Sources;

public sealed class FolderSourceStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Listing_is_in_key_order_with_sizes_and_times()
    {
        var modified = new DateTime(2025, 8, 18, 1, 2, 3, DateTimeKind.Utc).AddTicks(1_234_567);
        _folder.Write("b.csv", "22");
        _folder.Write("a.csv", "1", modified);
        _folder.Write("a/x.csv", "333");
        _folder.Write("B.csv");

        var listed = await ListAsync(recurse: true);

        Assert.Equal(["B.csv", "a.csv", "a/x.csv", "b.csv"], listed.Select(file => file.Key));
        Assert.Equal(listed.Select(file => file.Key).Order(StringComparer.Ordinal), listed.Select(file => file.Key));
        Assert.Equal(
            new SourceObject(_folder.Path, "a.csv", 1, "", new DateTimeOffset(2025, 8, 18, 1, 2, 3, 123, TimeSpan.Zero)), listed[1]);
    }

    [Fact]
    public async Task Filter_and_recursion_are_as_configured()
    {
        _folder.Write("a.CSV");
        _folder.Write("a.txt");
        _folder.Write("sub/b.csv");

        Assert.Equal(["a.CSV"], (await ListAsync(filter: "*.csv")).Select(file => file.Key));
        Assert.Equal(["a.CSV", "sub/b.csv"], (await ListAsync(filter: "*.csv", recurse: true)).Select(file => file.Key));
    }

    [Fact]
    public async Task Content_comes_unchanged()
    {
        _folder.Write("sub/a.csv", "abc\r\nÄ");
        using var store = Store(recurse: true);
        var found = await store.FindAsync("sub/a.csv", CancellationToken.None);

        await using var opened = await store.OpenAsync(found!, CancellationToken.None);
        using var reader = new StreamReader(opened.Content, Encoding.UTF8);

        Assert.Equal("abc\r\nÄ", await reader.ReadToEndAsync());
        Assert.Equal(found, opened.Object);
        Assert.Equal("", opened.ObjectVersion);
    }

    [Fact]
    public async Task Missing_file_is_not_found()
    {
        using var store = Store();

        Assert.Null(await store.FindAsync("none.csv", CancellationToken.None));
        await AssertFailsAsync("SourceFileMissing", () => store.OpenAsync(Expected("none.csv"), CancellationToken.None));
    }

    [Fact]
    public async Task Missing_folder_is_told()
    {
        using var store = new FolderSourceStore(SamplePipelines.Folder(Path.Combine(_folder.Path, "none")));

        await AssertFailsAsync("SourceNotFound", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());
        await AssertFailsAsync("SourceNotFound", () => store.FindAsync("a.csv", CancellationToken.None));
    }

    [Theory]
    [InlineData("../outside.csv")]
    [InlineData("sub/../../outside.csv")]
    [InlineData("/etc/hostname")]
    [InlineData("a\0b")]
    public async Task Key_that_leaves_the_folder_is_refused(string key)
    {
        using var store = Store();

        await AssertFailsAsync("SourceKeyInvalid", () => store.FindAsync(key, CancellationToken.None));
        await AssertFailsAsync("SourceKeyInvalid", () => store.OpenAsync(Expected(key), CancellationToken.None));
    }

    [Fact]
    public async Task File_changed_since_the_listing_is_refused()
    {
        _folder.Write("a.csv", "one");
        var listed = (await ListAsync())[0];
        _folder.Write("a.csv", "other");

        using var store = Store();
        await AssertFailsAsync("SourceFileChanged", () => store.OpenAsync(listed, CancellationToken.None));
    }

    [Theory]
    [InlineData("grown")]
    [InlineData("touched")]
    [InlineData("replaced")]
    [InlineData("cut")]
    [InlineData("deleted")]
    public async Task File_changed_while_it_is_read_is_refused(string change)
    {
        var path = _folder.Write("a.csv", new string('a', 100_000));
        var listed = (await ListAsync())[0];
        using var store = Store();
        await using var opened = await store.OpenAsync(listed, CancellationToken.None);
        await opened.Content.ReadExactlyAsync(new byte[10]);

        switch (change)
        {
            case "grown":
                File.AppendAllText(path, "b");
                break;
            case "touched":
                File.SetLastWriteTimeUtc(path, listed.LastModified.UtcDateTime.AddSeconds(5));
                break;
            case "replaced":
                File.WriteAllText(path + ".new", new string('b', 100_000));
                File.SetLastWriteTimeUtc(path + ".new", listed.LastModified.UtcDateTime.AddSeconds(5));
                File.Move(path + ".new", path, overwrite: true);
                break;
            case "cut":
                File.WriteAllText(path, "");
                break;
            default:
                File.Delete(path);
                break;
        }

        await AssertFailsAsync("SourceFileChanged", () => opened.Content.CopyToAsync(Stream.Null));
    }

    [UnixFact]
    public async Task Entry_that_cannot_be_read_is_reported_and_the_rest_is_listed()
    {
        _folder.Write("a.csv");
        _folder.Write("z.csv");
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "broken.csv"), Path.Combine(_folder.Path, "none"));
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "loop"), _folder.Path);
        using var store = Store(recurse: true);
        var reported = new List<UnrecognisedFile>();

        var listed = await store.ListAsync(reported.Add, CancellationToken.None).ToListAsync();

        Assert.Equal(["a.csv", "z.csv"], listed.Select(file => file.Key));
        Assert.Equal(["broken.csv", "loop/"], reported.Select(entry => entry.Object.Key));
        Assert.All(reported, entry => Assert.Equal("SourceEntryUnreadable", entry.ErrorId));
        await AssertFailsAsync("SourceEntryUnreadable", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());
    }

    [UnixFact]
    public async Task Link_to_a_file_shows_the_file()
    {
        var target = _folder.Write("target/a.csv", "12345");
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "link.csv"), target);

        var link = Assert.Single(await ListAsync(filter: "link*"));

        Assert.Equal(5, link.SizeBytes);
        using var store = Store();
        await using var opened = await store.OpenAsync(link, CancellationToken.None);
        using var reader = new StreamReader(opened.Content);
        Assert.Equal("12345", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task Cancelled_listing_ends()
    {
        _folder.Write("a.csv");
        using var store = Store();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.ListAsync(cancelled.Token).ToListAsync().AsTask());
    }

    private static async Task AssertFailsAsync(string errorId, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<EtlException>(action);
        Assert.Equal(errorId, error.ErrorId);
    }

    private FolderSourceStore Store(string filter = "*", bool recurse = false) =>
        new(SamplePipelines.Folder(_folder.Path, filter, recurse));

    private SourceObject Expected(string key) => new(_folder.Path, key, 1, "", DateTimeOffset.UnixEpoch);

    private async Task<List<SourceObject>> ListAsync(string filter = "*", bool recurse = false)
    {
        using var store = Store(filter, recurse);
        return await store.ListAsync(CancellationToken.None).ToListAsync();
    }
}
