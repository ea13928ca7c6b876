using System.Diagnostics;

namespace EtlTools.TestEnvironment.S3;

/// <summary>A private S3 server on a free loopback port with its own folder, deleted at the end.</summary>
public sealed class S3Process : IAsyncDisposable
{
    /// <summary>The only credentials the server knows, key and secret alike.</summary>
    public const string Credential = "S3RVER";

    private const int StartAttempts = 5;

    private readonly Process _process;
    private readonly string _folder;

    private S3Process(Process process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        Endpoint = $"http://127.0.0.1:{port}";
    }

    public string Endpoint { get; }

    public static async Task<S3Process> StartAsync(S3Program program, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            var folder = TempFolder.Create();
            var port = LoopbackPort.FindFree();
            var process = Process.Start(new ProcessStartInfo(
                program.Node,
                ["--openssl-legacy-provider", program.Script, "--directory", folder, "--address", "127.0.0.1", "--port", $"{port}", "--silent", "--no-vhost-buckets"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            })!;
            Guard.WatchProcess(process.Id, folder);
            var server = new S3Process(process, folder, port);
            while (!process.HasExited)
            {
                if (await LoopbackPort.AnswersAsync(port, cancellationToken))
                {
                    _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                    _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
                    return server;
                }

                await Task.Delay(50, cancellationToken);
            }

            var output = await process.StandardError.ReadToEndAsync(cancellationToken);
            await server.DisposeAsync();
            if (attempt == StartAttempts)
            {
                throw new InvalidOperationException($"The S3 server did not start:{Environment.NewLine}{output}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        TempFolder.Delete(_folder);
    }
}
