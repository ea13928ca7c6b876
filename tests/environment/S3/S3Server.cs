
namespace EtlTools.TestEnvironment.S3;

/// <summary>The S3 server of this test process: the one the environment names, or one of our own.</summary>
public static class S3Server
{
    private static readonly Lazy<Task<string>> Shared = new(ConnectAsync);

    /// <summary>Why no test can have an S3 server; null where it can.</summary>
    public static string? SkipReason { get; } =
        GivenServers.S3 is null && S3Program.Find() is null ? "No S3 server: run scripts/test.sh once, or name one in ETL_TEST_S3." : null;

    /// <summary>The server's address. The process's AWS credentials are the server's from then on.</summary>
    public static Task<string> EndpointAsync() => Shared.Value;

    private static async Task<string> ConnectAsync()
    {
        if (GivenServers.S3 is { } given)
        {
            return given;
        }

        var program = S3Program.Find() ?? throw new InvalidOperationException(SkipReason);
        var server = await S3Process.StartAsync(program);
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", S3Process.Credential);
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", S3Process.Credential);
        return server.Endpoint;
    }
}
