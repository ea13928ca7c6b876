using System.Net;
using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;
using Amazon.S3.Model;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Sources;

/// <summary>A bucket of AWS or of any service that speaks S3.</summary>
internal sealed class S3SourceStore : ISourceStore
{
    private const int ClientRetries = 2;

    private readonly AmazonS3Client _client;
    private readonly S3Timing _timing;
    private readonly S3Faults _faults;
    private readonly string _bucket;
    private readonly string _prefix;

    private S3SourceStore(AmazonS3Client client, SourceConfig source, string bucket, S3Timing timing)
    {
        _client = client;
        _timing = timing;
        _bucket = bucket;
        _prefix = source.Prefix;
        _faults = new S3Faults(bucket, source.Endpoint);
        Description = $"s3://{bucket}/{source.Prefix}";
    }

    public string Description { get; }

    public static S3SourceStore Create(SourceConfig source, S3Timing timing)
    {
        if (string.IsNullOrWhiteSpace(source.Bucket))
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "SourceInvalid",
                "The source is S3 and names no bucket.",
                "source.bucket",
                "Set source.bucket in the pipeline file.");
        }

        var config = Configure(source, timing);
        try
        {
            var credentials = source.AwsProfile is null ? null : ProfileCredentials(source.AwsProfile);
            var client = credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
            return new S3SourceStore(client, source, source.Bucket, timing);
        }
        catch (AmazonClientException exception)
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "AwsRegionMissing",
                "Neither the pipeline nor the environment says in which AWS region the bucket is.",
                source.Bucket,
                "Set source.region in the pipeline file, or AWS_REGION.",
                inner: exception);
        }
    }

    public async IAsyncEnumerable<SourceObject> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? continuation = null;
        do
        {
            var page = await ListPageAsync(_prefix, continuation, cancellationToken).ConfigureAwait(false);
            foreach (var entry in page.S3Objects ?? [])
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return ToSourceObject(entry);
            }

            continuation = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (continuation is not null);
    }

    // A listing, not HEAD: only a listing shows the time in milliseconds on every service, and the time is part of a
    // file's identity. The key itself sorts before all the keys that it begins.
    public async Task<SourceObject?> FindAsync(string key, CancellationToken cancellationToken)
    {
        var page = await ListPageAsync(key, continuation: null, cancellationToken).ConfigureAwait(false);
        var entry = page.S3Objects?.FirstOrDefault(candidate => string.Equals(candidate.Key, key, StringComparison.Ordinal));
        return entry is null ? null : ToSourceObject(entry);
    }

    public async Task<OpenedObject> OpenAsync(SourceObject expected, CancellationToken cancellationToken)
    {
        var response = await GetAsync(expected, from: 0, cancellationToken).ConfigureAwait(false);
        try
        {
            var opened = new SourceObject(
                _bucket, expected.Key, expected.SizeBytes, QuotedETag(response.ETag), LastModified(response, expected));
            var body = new ResumingStream(
                response.ResponseStream,
                expected.SizeBytes,
                async (position, token) =>
                    (await GetAsync(opened, position, token).ConfigureAwait(false)).ResponseStream,
                _faults,
                expected.Key,
                _timing);
            return new OpenedObject(body, opened, NullVersionAsEmpty(response.VersionId));
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    public void Dispose() => _client.Dispose();

    private static AmazonS3Config Configure(SourceConfig source, S3Timing timing)
    {
        var config = new AmazonS3Config
        {
            MaxErrorRetry = ClientRetries,
            ConnectTimeout = timing.Connect,
            ForcePathStyle = source.ForcePathStyle,
        };
        if (source.Endpoint is not null)
        {
            config.ServiceURL = source.Endpoint;
            config.AuthenticationRegion = source.Region ?? "us-east-1";
        }
        else if (source.Region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(source.Region);
        }

        return config;
    }

    private static AWSCredentials ProfileCredentials(string profile) =>
        new CredentialProfileStoreChain().TryGetAWSCredentials(profile, out var credentials)
            ? credentials
            : throw new EtlException(
                EtlErrorKind.Configuration,
                "AwsProfileNotFound",
                $"There is no AWS profile '{profile}' on this machine, or it holds no credentials.",
                profile,
                "Check source.aws_profile in the pipeline file against the AWS credential file.");

    private Task<ListObjectsV2Response> ListPageAsync(string prefix, string? continuation, CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _bucket, Prefix = prefix, ContinuationToken = continuation };
        return CallAsync(token => _client.ListObjectsV2Async(request, token), key: null, cancellationToken);
    }

    // By range even from the first byte: the client takes the ETag of a whole body for its MD5 and refuses the body where
    // it is not, as under KMS encryption and with many other services. The answer is checked against what is expected,
    // too: not every service honours If-Match.
    private async Task<GetObjectResponse> GetAsync(SourceObject expected, long from, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = _bucket, Key = expected.Key };
        if (expected.ETag.Length > 0)
        {
            request.EtagToMatch = expected.ETag;
        }

        if (expected.SizeBytes > 0)
        {
            request.ByteRange = new ByteRange(from, expected.SizeBytes - 1);
        }

        var response = await CallAsync(token => _client.GetObjectAsync(request, token), expected.Key, cancellationToken)
            .ConfigureAwait(false);
        var isSame = (expected.ETag.Length == 0 || QuotedETag(response.ETag) == expected.ETag)
            && (response.ContentLength < 0 || response.ContentLength == expected.SizeBytes - from)
            && (from == 0 || response.HttpStatusCode == HttpStatusCode.PartialContent);
        if (isSame)
        {
            return response;
        }

        response.Dispose();
        throw _faults.Changed(expected.Key);
    }

    // Cancellation ends the wait at once, whatever the client is doing: resolving a name, connecting, pausing.
    private async Task<T> CallAsync<T>(
        Func<CancellationToken, Task<T>> call, string? key, CancellationToken cancellationToken)
        where T : AmazonWebServiceResponse
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timing.Request);
        var answer = Task.Run(() => call(deadline.Token), CancellationToken.None);
        try
        {
            return await answer.WaitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _ = answer.ContinueWith(
                static late => (late.IsCompletedSuccessfully ? late.Result as IDisposable : null)?.Dispose(),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            throw _faults.Translate(exception, key);
        }
    }

    private SourceObject ToSourceObject(S3Object entry) => new(
        _bucket, entry.Key, entry.Size ?? 0, QuotedETag(entry.ETag), AsUtc(entry.LastModified ?? DateTime.UnixEpoch));

    // The header has whole seconds; the listing's finer time stands unless the object was written anew.
    private static DateTimeOffset LastModified(GetObjectResponse response, SourceObject expected)
    {
        if (response.LastModified is not { } header)
        {
            return expected.LastModified;
        }

        var opened = AsUtc(header);
        return (opened - expected.LastModified).Duration() < TimeSpan.FromSeconds(1) ? expected.LastModified : opened;
    }

    private static DateTimeOffset AsUtc(DateTime time) =>
        new(time.Kind == DateTimeKind.Local ? time.ToUniversalTime() : DateTime.SpecifyKind(time, DateTimeKind.Utc));

    private static string QuotedETag(string? etag) =>
        string.IsNullOrEmpty(etag) || etag.EndsWith('"') ? etag ?? "" : $"\"{etag}\"";

    // What an unversioned object answers in a bucket whose versioning is suspended.
    private static string NullVersionAsEmpty(string? version) => version is null or "null" ? "" : version;
}
