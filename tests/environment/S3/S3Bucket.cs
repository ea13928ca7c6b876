using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using EtlTools.Core.Configuration;

namespace EtlTools.TestEnvironment.S3;

/// <summary>One bucket for one test, deleted with its objects when disposed.</summary>
public sealed class S3Bucket : IAsyncDisposable
{
    private const string Region = "us-east-1";

    private S3Bucket(string endpoint, string name)
    {
        Endpoint = endpoint;
        Name = name;
        Client = new AmazonS3Client(new AmazonS3Config
        {
            ServiceURL = endpoint,
            AuthenticationRegion = Region,
            ForcePathStyle = true,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });
    }

    public string Endpoint { get; }

    public string Name { get; }

    public IAmazonS3 Client { get; }

    public static async Task<S3Bucket> CreateAsync()
    {
        var bucket = await OpenAsync("etl-test-" + Guid.NewGuid().ToString("n")[..16]);
        await bucket.Client.PutBucketAsync(bucket.Name);
        return bucket;
    }

    /// <summary>A bucket that is there already. It is deleted all the same when disposed.</summary>
    public static async Task<S3Bucket> OpenAsync(string name) => new(await S3Server.EndpointAsync(), name);

    /// <summary>The bucket as a pipeline's source.</summary>
    /// <param name="endpoint">Another address of the same server, e.g. a proxy's.</param>
    public SourceConfig Source(string prefix = "", string? endpoint = null) => new()
    {
        Kind = SourceKind.S3,
        Bucket = Name,
        Prefix = prefix,
        Endpoint = endpoint ?? Endpoint,
        Region = Region,
        ForcePathStyle = true,
    };

    /// <summary>Puts an object. Returns its ETag in double quotes.</summary>
    public async Task<string> PutAsync(string key, byte[] content)
    {
        using var stream = new MemoryStream(content);
        var response = await Client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = Name,
            Key = key,
            InputStream = stream,
            UseChunkEncoding = false,
        });
        return response.ETag;
    }

    public Task<string> PutAsync(VendorFile file, string prefix = "") => PutAsync(prefix + file.Name, file.ToBytes());

    public Task DeleteAsync(string key) => Client.DeleteObjectAsync(Name, key);

    public async ValueTask DisposeAsync()
    {
        ListObjectsV2Response page;
        do
        {
            page = await Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Name });
            foreach (var found in page.S3Objects ?? [])
            {
                await DeleteAsync(found.Key);
            }
        }
        while (page.IsTruncated == true);

        await Client.DeleteBucketAsync(Name);
        Client.Dispose();
    }
}
