using System.Net;
using System.Net.Sockets;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Sources;

namespace EtlTools.Tests.Sources;

/// <summary>Answers that a healthy server does not give, and answers that do not come.</summary>
public sealed class S3FaultTests
{
    private static readonly SourceObject Expected =
        new("bucket", "a.csv", 10, "\"e\"", new DateTimeOffset(2025, 8, 18, 1, 2, 3, 456, TimeSpan.Zero));

    private static readonly S3Timing Usual = S3Timing.Default with { ResumeDelay = TimeSpan.FromMilliseconds(10) };

    // For services that never answer; on a busy machine a healthy one may take longer than this.
    private static readonly S3Timing Impatient = Usual with { Connect = TimeSpan.FromSeconds(2), Request = TimeSpan.FromSeconds(2) };

    static S3FaultTests()
    {
        // Any will do: nothing here checks them. Those of a real test server stay.
        if (Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID") is null)
        {
            Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "S3RVER");
            Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "S3RVER");
        }
    }

    [Theory]
    [InlineData(403, "AccessDenied", "SourceAccessDenied", EtlErrorKind.Permission, false)]
    [InlineData(403, "InvalidAccessKeyId", "SourceAccessDenied", EtlErrorKind.Permission, false)]
    [InlineData(404, "NoSuchBucket", "SourceNotFound", EtlErrorKind.NotFound, false)]
    [InlineData(404, "NoSuchKey", "SourceFileMissing", EtlErrorKind.Source, false)]
    [InlineData(412, "PreconditionFailed", "SourceFileChanged", EtlErrorKind.Source, false)]
    [InlineData(503, "SlowDown", "SourceUnavailable", EtlErrorKind.Source, true)]
    [InlineData(500, "InternalError", "SourceUnavailable", EtlErrorKind.Source, true)]
    [InlineData(400, "InvalidRequest", "SourceRequestRefused", EtlErrorKind.Source, false)]
    public async Task Refusal_of_an_object_has_its_error(int status, string code, string errorId, EtlErrorKind kind, bool isTransient)
    {
        await using var service = new ScriptedService(ScriptedService.Error(status, code));
        using var store = Store(service.Endpoint);

        var error = await Assert.ThrowsAsync<EtlException>(() => store.OpenAsync(Expected, CancellationToken.None));

        Assert.Equal((errorId, kind, isTransient), (error.ErrorId, error.Kind, error.IsTransient));
        // Settings are named as a pipeline file has them.
        Assert.DoesNotMatch("source\\.[a-z_]*[A-Z]", error.NextStep);
    }

    [Fact]
    public async Task Refusal_of_a_listing_has_its_error()
    {
        await using var service = new ScriptedService(ScriptedService.Error(403, "AccessDenied"));
        using var store = Store(service.Endpoint);

        await AssertFailsAsync("SourceAccessDenied", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());
        await AssertFailsAsync("SourceAccessDenied", () => store.FindAsync("a.csv", CancellationToken.None));
    }

    [Theory]
    [InlineData("\"other\"", 10)]
    [InlineData("\"e\"", 11)]
    public async Task Another_object_than_expected_is_refused_by_services_that_ignore_the_condition(string etag, int size)
    {
        await using var service = new ScriptedService(ScriptedService.Body(size, new string('x', size), etag));
        using var store = Store(service.Endpoint);

        await AssertFailsAsync("SourceFileChanged", () => store.OpenAsync(Expected, CancellationToken.None));
    }

    [Theory]
    [InlineData("\"e\"")]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"")]
    public async Task ETag_need_not_be_a_checksum_of_the_body(string etag)
    {
        await using var service = new ScriptedService(ScriptedService.Body(10, "0123456789", etag, "206 Partial Content"));
        using var store = Store(service.Endpoint);

        await using var opened = await store.OpenAsync(Expected with { ETag = etag }, CancellationToken.None);

        Assert.Equal("0123456789", await new StreamReader(opened.Content).ReadToEndAsync());
    }

    [Theory]
    [InlineData("x-amz-version-id: 3sL4kqtJlcpXroDTDmJ\r\n", "3sL4kqtJlcpXroDTDmJ")]
    [InlineData("x-amz-version-id: null\r\n", "")]
    [InlineData("", "")]
    public async Task Version_is_that_of_the_object_opened(string header, string version)
    {
        await using var service = new ScriptedService(
            ScriptedService.Body(10, "0123456789", status: "206 Partial Content", headers: header));
        using var store = Store(service.Endpoint);

        await using var opened = await store.OpenAsync(Expected, CancellationToken.None);

        Assert.Equal(version, opened.ObjectVersion);
    }

    [Fact]
    public async Task Resumed_body_is_asked_for_by_range_and_etag()
    {
        await using var service = new ScriptedService(
            ScriptedService.Body(10, "0123"), ScriptedService.Body(6, "456789", status: "206 Partial Content"));
        using var store = Store(service.Endpoint);

        await using var opened = await store.OpenAsync(Expected, CancellationToken.None);
        var text = await new StreamReader(opened.Content).ReadToEndAsync();

        Assert.Equal("0123456789", text);
        Assert.Equal(Expected, opened.Object);
        Assert.Contains("If-Match: \"e\"", service.Requests[0], StringComparison.OrdinalIgnoreCase);
        Assert.Contains("If-Match: \"e\"", service.Requests[1], StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Range: bytes=4-9", service.Requests[1], StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Object_changed_before_the_resumption_is_refused()
    {
        await using var service = new ScriptedService(
            ScriptedService.Body(10, "0123"), ScriptedService.Error(412, "PreconditionFailed"));
        using var store = Store(service.Endpoint);

        await using var opened = await store.OpenAsync(Expected, CancellationToken.None);

        var error = await AssertFailsAsync("SourceFileChanged", () => opened.Content.CopyToAsync(Stream.Null));
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task Body_that_stays_short_is_told_after_a_few_tries()
    {
        await using var service = new ScriptedService(
            ScriptedService.Body(10, "0123"), ScriptedService.Body(6, "", status: "206 Partial Content"));
        using var store = Store(service.Endpoint);

        await using var opened = await store.OpenAsync(Expected, CancellationToken.None);

        var error = await AssertFailsAsync("SourceBodyTruncated", () => opened.Content.CopyToAsync(Stream.Null));
        Assert.True(error.IsTransient);
        Assert.Equal(6, service.Requests.Count);
    }

    [Fact]
    public async Task Service_that_sends_the_whole_body_again_is_not_taken_for_the_rest()
    {
        await using var service = new ScriptedService(ScriptedService.Body(10, "0123"), ScriptedService.Body(10, "0123456789"));
        using var store = Store(service.Endpoint);

        await using var opened = await store.OpenAsync(Expected, CancellationToken.None);

        await AssertFailsAsync("SourceFileChanged", () => opened.Content.CopyToAsync(Stream.Null));
    }

    [Fact]
    public async Task Service_where_nobody_listens_is_unavailable()
    {
        using var store = Store("http://127.0.0.1:1");

        var error = await AssertFailsAsync("SourceUnavailable", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());
        Assert.True(error.IsTransient);
        Assert.Contains("127.0.0.1:1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_without_TLS_is_told_from_one_that_is_not_there()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answers = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
                await client.GetStream().CopyToAsync(Stream.Null);
            }
        });
        using var store = Store($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        var error = await AssertFailsAsync("SourceTlsFailed", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());

        Assert.False(error.IsTransient);
        listener.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => answers);
    }

    [Fact]
    public async Task Silent_service_is_given_up()
    {
        await using var service = new ScriptedService(ScriptedService.Silence);
        using var store = Store(service.Endpoint, Impatient);

        await AssertFailsAsync("SourceUnavailable", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());
    }

    [Fact]
    public async Task Service_that_does_not_take_connections_is_given_up()
    {
        // A listener with a full backlog drops what else knocks.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var knocking = Enumerable.Range(0, 4).Select(_ => new TcpClient()).ToList();
        knocking.ForEach(client => _ = client.ConnectAsync(IPAddress.Loopback, port));
        using var store = Store($"http://127.0.0.1:{port}", Impatient);

        await AssertFailsAsync("SourceUnavailable", () => store.ListAsync(CancellationToken.None).ToListAsync().AsTask());

        knocking.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Cancellation_ends_the_wait_for_a_silent_service()
    {
        var patient = new S3Timing(TimeSpan.FromHours(1), TimeSpan.FromHours(1), TimeSpan.FromHours(1), TimeSpan.FromHours(1));
        await using var service = new ScriptedService(ScriptedService.Silence);
        using var store = S3SourceStore.Create(Source(service.Endpoint), patient);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.ListAsync(stop.Token).ToListAsync().AsTask());
    }

    [Fact]
    public void Profile_that_is_not_there_is_told()
    {
        var error = Assert.Throws<EtlException>(
            () => SourceStoreFactory.Create(Source("http://127.0.0.1:1") with { AwsProfile = "etl-test-none" }));
        Assert.Equal("AwsProfileNotFound", error.ErrorId);
        Assert.Contains("source.aws_profile", error.NextStep, StringComparison.Ordinal);
    }

    [Fact]
    public void Source_without_a_bucket_is_told()
    {
        var error = Assert.Throws<EtlException>(() => SourceStoreFactory.Create(new SourceConfig { Kind = SourceKind.S3 }));
        Assert.Equal("SourceInvalid", error.ErrorId);
    }

    private static ISourceStore Store(string endpoint, S3Timing? timing = null) =>
        S3SourceStore.Create(Source(endpoint), timing ?? Usual);

    private static SourceConfig Source(string endpoint) => new()
    {
        Kind = SourceKind.S3,
        Bucket = "bucket",
        Endpoint = endpoint,
        ForcePathStyle = true,
    };

    private static async Task<EtlException> AssertFailsAsync(string errorId, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<EtlException>(action);
        Assert.Equal(errorId, error.ErrorId);
        return error;
    }
}
