using System.Net;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;

namespace EtlTools.Core.Sources;

/// <summary>What a service's refusals and silences mean to an admin.</summary>
internal sealed class S3Faults(string bucket, string? endpoint)
{
    private readonly string _service = endpoint ?? "AWS";

    public EtlException Changed(string key) => new(
        EtlErrorKind.Source,
        "SourceFileChanged",
        "The object was written anew since it was listed; nothing of it was loaded.",
        key,
        "Run Find-NewFile again: it shows the object as it is now.");

    public EtlException Truncated(string key, long received, long expected, Exception? inner) => new(
        EtlErrorKind.Source,
        "SourceBodyTruncated",
        $"The service sent {received} of {expected} bytes and then no more, several times.",
        key,
        "Try again; if it stays so, upload the object again.",
        isTransient: true,
        inner);

    public EtlException Unavailable(string problem, Exception? inner) => new(
        EtlErrorKind.Source,
        "SourceUnavailable",
        $"The service at {_service} {problem}.",
        _service,
        "Check source.endpoint, the network and the service, and try again.",
        isTransient: true,
        inner);

    /// <param name="exception">What the client threw.</param>
    /// <param name="key">The object asked for; null where the bucket was asked.</param>
    public EtlException Translate(Exception exception, string? key)
    {
        switch (exception)
        {
            case EtlException known:
                return known;
            case AmazonServiceException { StatusCode: not 0 } answer:
                return TranslateAnswer(answer, key);
            case OperationCanceledException or TimeoutException:
                return Unavailable("does not answer", exception);
        }

        if (Causes(exception).Any(cause => cause is AuthenticationException))
        {
            return TlsFailed(exception);
        }

        return Causes(exception).Any(IsTransport)
            ? Unavailable("cannot be reached", exception)
            : exception is AmazonClientException ? NoCredentials(exception) : Unavailable("gave no usable answer", exception);
    }

    private EtlException TranslateAnswer(AmazonServiceException answer, string? key) => answer.StatusCode switch
    {
        HttpStatusCode.NotFound when answer.ErrorCode == "NoSuchBucket" || key is null => new(
            EtlErrorKind.NotFound,
            "SourceNotFound",
            $"There is no bucket '{bucket}' at {_service}.",
            bucket,
            "Check source.bucket, source.endpoint and source.region in the pipeline file.",
            inner: answer),
        HttpStatusCode.NotFound => new(
            EtlErrorKind.Source,
            "SourceFileMissing",
            $"The object is not in the bucket '{bucket}' any more.",
            key,
            "Upload it again, or leave it out.",
            inner: answer),
        HttpStatusCode.PreconditionFailed or HttpStatusCode.RequestedRangeNotSatisfiable when key is not null => Changed(key),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new(
            EtlErrorKind.Permission,
            "SourceAccessDenied",
            key is null
                ? $"The service refuses to list the bucket '{bucket}' ({answer.ErrorCode})."
                : $"The service refuses to read the object ({answer.ErrorCode}).",
            key ?? bucket,
            "Check the AWS credentials, and that they allow s3:ListBucket and s3:GetObject.",
            inner: answer),
        HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError =>
            Unavailable($"answers with an error ({(int)answer.StatusCode} {answer.ErrorCode})", answer),
        _ => new(
            EtlErrorKind.Source,
            "SourceRequestRefused",
            $"The service at {_service} refuses the request ({(int)answer.StatusCode} {answer.ErrorCode}).",
            key ?? bucket,
            "Check source.region, source.endpoint and source.force_path_style in the pipeline file.",
            inner: answer),
    };

    private EtlException NoCredentials(Exception exception) => new(
        EtlErrorKind.Permission,
        "SourceAccessDenied",
        "No AWS credentials were found in the environment, the AWS credential file or the machine's role.",
        bucket,
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or source.aws_profile in the pipeline file.",
        inner: exception);

    private EtlException TlsFailed(Exception exception) => new(
        EtlErrorKind.Source,
        "SourceTlsFailed",
        $"The service at {_service} does not speak TLS, or its certificate could not be verified: it is not signed by a trusted "
            + "authority, or it is made out to another host name.",
        _service,
        "Check source.endpoint (http or https, and the host name that the certificate bears); have this machine trust the authority.",
        inner: exception);

    private static bool IsTransport(Exception cause) =>
        cause is HttpRequestException or IOException or System.Net.Sockets.SocketException or WebException;

    private static IEnumerable<Exception> Causes(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            yield return cause;
        }
    }
}
