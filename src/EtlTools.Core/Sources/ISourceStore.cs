namespace EtlTools.Core.Sources;

/// <summary>One object as a listing shows it: nothing has been read of its content.</summary>
/// <param name="Container">S3 bucket, or the folder's absolute path.</param>
/// <param name="Key">S3 key, or the path below the folder with forward slashes.</param>
/// <param name="SizeBytes">Bytes.</param>
/// <param name="ETag">S3: the ETag in its double quotes, as the service sends it. Folder: empty.</param>
/// <param name="LastModified">UTC.</param>
public sealed record SourceObject(string Container, string Key, long SizeBytes, string ETag, DateTimeOffset LastModified);

/// <summary>An opened object. The stream is read once, forward; it repairs broken bodies itself.</summary>
/// <param name="Content">The bytes, unchanged.</param>
/// <param name="Object">What was opened, as it was when it was opened.</param>
/// <param name="ObjectVersion">S3 version id where the bucket is versioned, else empty.</param>
public sealed record OpenedObject(Stream Content, SourceObject Object, string ObjectVersion) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>A bucket or a folder.</summary>
public interface ISourceStore : IDisposable
{
    /// <summary>What the source is, for messages: s3://bucket/prefix or the folder.</summary>
    string Description { get; }

    /// <summary>All objects, page by page as they come, in key order; never the whole listing in memory.</summary>
    /// <exception cref="EtlException">SourceNotFound, SourceAccessDenied, SourceUnavailable.</exception>
    IAsyncEnumerable<SourceObject> ListAsync(CancellationToken cancellationToken);

    /// <summary>As above; an entry that cannot be read (a folder without permission, a broken link) is reported and left out.</summary>
    IAsyncEnumerable<SourceObject> ListAsync(Action<UnrecognisedFile>? onUnreadable, CancellationToken cancellationToken) =>
        ListAsync(cancellationToken);

    /// <summary>The object's current size, ETag and time; null where it is not there.</summary>
    Task<SourceObject?> FindAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// Opens for one forward read. A body that breaks is resumed with a range request on the same ETag, a few times;
    /// a changed object is refused.
    /// </summary>
    /// <exception cref="EtlException">SourceFileMissing, SourceFileChanged, SourceAccessDenied, SourceUnavailable,
    /// SourceBodyTruncated (the length is not what the service promised).</exception>
    Task<OpenedObject> OpenAsync(SourceObject expected, CancellationToken cancellationToken);
}
