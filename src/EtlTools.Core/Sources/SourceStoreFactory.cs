using EtlTools.Core.Configuration;

namespace EtlTools.Core.Sources;

/// <summary>Opens the source that a pipeline names. Nothing is contacted before the first listing or reading.</summary>
public static class SourceStoreFactory
{
    /// <exception cref="EtlException">SourceInvalid, AwsProfileNotFound, AwsRegionMissing.</exception>
    public static ISourceStore Create(SourceConfig source) => source.Kind switch
    {
        SourceKind.S3 => S3SourceStore.Create(source, S3Timing.Default),
        SourceKind.Folder => new FolderSourceStore(source),
        _ => throw new EtlException(
            EtlErrorKind.Configuration,
            "SourceInvalid",
            $"There is no source of the kind {source.Kind}.",
            source.Kind.ToString(),
            "Set source.kind to s3 or folder."),
    };

    /// <summary>What <see cref="SourceObject.Container"/> is for every object of this source: the bucket, or the folder.</summary>
    internal static string ContainerOf(SourceConfig source) =>
        source.Kind == SourceKind.S3 ? source.Bucket ?? "" : FolderSourceStore.NormalizeRoot(source.Path ?? "");
}
