using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EtlTools.Tests.Sources;

/// <summary>
/// A service that misbehaves as told: what a real S3 server cannot be made to do. It answers each request, one a
/// connection, with the next answer of its script, and with the last one from then on.
/// </summary>
internal sealed class ScriptedService : IAsyncDisposable
{
    /// <summary>No answer at all: the connection stays open and silent.</summary>
    public const string Silence = "";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly string[] _answers;
    private readonly List<string> _requests = [];
    private readonly Task _serving;
    private int _next;

    public ScriptedService(params string[] answers)
    {
        _answers = answers;
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Endpoint => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The head of every request so far.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>An S3 error.</summary>
    public static string Error(int status, string code)
    {
        var body = $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>";
        return $"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";
    }

    /// <summary>An object's body, or the part of it that is sent before the connection ends.</summary>
    /// <param name="promised">Its Content-Length.</param>
    /// <param name="sent">What comes.</param>
    /// <param name="etag">With its quotes.</param>
    /// <param name="status">Status line.</param>
    /// <param name="headers">More of them, each with its line end.</param>
    public static string Body(int promised, string sent, string etag = "\"e\"", string status = "200 OK", string headers = "") =>
        $"HTTP/1.1 {status}\r\n{headers}Content-Length: {promised}\r\nETag: {etag}\r\nLast-Modified: Mon, 18 Aug 2025 01:02:03 GMT\r\nConnection: close\r\n\r\n{sent}";

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _serving;
        _stopping.Dispose();
    }

    private async Task ServeAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var head = new StringBuilder();
                var buffer = new byte[8192];
                while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    var read = await stream.ReadAsync(buffer, _stopping.Token);
                    if (read == 0)
                    {
                        return;
                    }

                    head.Append(Encoding.ASCII.GetString(buffer, 0, read));
                }

                string answer;
                lock (_requests)
                {
                    _requests.Add(head.ToString());
                    answer = _answers[Math.Min(_next++, _answers.Length - 1)];
                }

                if (answer == Silence)
                {
                    await Task.Delay(Timeout.Infinite, _stopping.Token);
                }

                await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), _stopping.Token);
                client.Client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or SocketException)
            {
                // The client went away, or the test ends.
            }
        }
    }
}
