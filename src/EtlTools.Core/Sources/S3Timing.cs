namespace EtlTools.Core.Sources;

/// <summary>How long to wait for a service, so that one that does not answer is told apart from a slow one in bounded time.</summary>
/// <param name="Connect">For one connection attempt.</param>
/// <param name="Request">From a request to the headers of its answer, the client's own retries included.</param>
/// <param name="Idle">Between two pieces of a body.</param>
/// <param name="ResumeDelay">First pause before a broken body is resumed; it doubles, with jitter.</param>
internal sealed record S3Timing(TimeSpan Connect, TimeSpan Request, TimeSpan Idle, TimeSpan ResumeDelay)
{
    public static readonly S3Timing Default = new(
        Connect: TimeSpan.FromSeconds(10),
        Request: TimeSpan.FromSeconds(35),
        Idle: TimeSpan.FromSeconds(30),
        ResumeDelay: TimeSpan.FromMilliseconds(250));
}
