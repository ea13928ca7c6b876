using System.Net;
using System.Net.Sockets;

namespace EtlTools.Tests.Infrastructure;

public enum ProxyDirection
{
    ToServer,
    ToClient,
}

public enum ProxyFault
{
    /// <summary>The connection breaks; the bytes that gave rise to it are not passed on.</summary>
    CutBefore,

    /// <summary>The bytes are passed on, the other side answers, and the connection breaks before the answer arrives.</summary>
    CutAfter,

    /// <summary>Nothing is passed on any more, in either direction, and the connection stays open.</summary>
    Stall,
}

/// <summary>
/// A loopback proxy between a client and a server that breaks one connection at a chosen point: after so many bytes in
/// one direction, or at the first appearance of some bytes. It breaks once; later connections pass.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _tripped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _host;
    private readonly int _port;
    private readonly Lock _gate = new();
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private Plan? _plan;

    private TcpProxy(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The end of the message with which a client commits. (BEGIN ... READ COMMITTED must not be taken for it.)</summary>
    public static ReadOnlySpan<byte> PostgresCommit => "COMMIT\0"u8;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Ends when the fault has happened.</summary>
    public Task Tripped => _tripped.Task;

    public static TcpProxy Start(string host, int port) => new(host, port);

    /// <summary>A proxy to the server of an address such as http://127.0.0.1:4568.</summary>
    public static TcpProxy Start(Uri server) => new(server.Host, server.Port);

    /// <summary>The fault happens when this many bytes have been passed on one connection in the direction.</summary>
    public TcpProxy After(ProxyDirection direction, long bytes, ProxyFault fault)
    {
        lock (_gate)
        {
            _plan = new Plan(direction, bytes, null, fault);
        }

        return this;
    }

    /// <summary>
    /// The fault happens at the first appearance of the bytes in the direction, e.g. <see cref="PostgresCommit"/>.
    /// </summary>
    public TcpProxy At(ProxyDirection direction, ReadOnlySpan<byte> pattern, ProxyFault fault)
    {
        var bytes = pattern.ToArray();
        lock (_gate)
        {
            _plan = new Plan(direction, 0, bytes, fault);
        }

        return this;
    }

    /// <summary>From now on nobody is there.</summary>
    public void StopListening() => _listener.Stop();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        Task[] connections;
        lock (_gate)
        {
            connections = [.. _connections];
        }

        await Task.WhenAll(connections);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                lock (_gate)
                {
                    _connections.Add(ServeAsync(client));
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                client.NoDelay = server.NoDelay = true;
                await server.ConnectAsync(_host, _port, _stopping.Token);
                var connection = new Connection(this, client, server);
                await Task.WhenAny(
                    connection.PassAsync(ProxyDirection.ToServer, _stopping.Token),
                    connection.PassAsync(ProxyDirection.ToClient, _stopping.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException)
            {
                // The server is not there, or the proxy ends: the client sees a broken connection.
            }

            // A reset rather than an orderly end, as when the network fails.
            client.LingerState = server.LingerState = new LingerOption(enable: true, seconds: 0);
        }
    }

    private sealed record Plan(ProxyDirection Direction, long Bytes, byte[]? Pattern, ProxyFault Fault);

    private sealed class Connection(TcpProxy proxy, TcpClient client, TcpClient server)
    {
        private readonly Dictionary<ProxyDirection, long> _passed = new()
        {
            [ProxyDirection.ToServer] = 0,
            [ProxyDirection.ToClient] = 0,
        };

        private byte[] _tail = [];
        private volatile ProxyFaultState? _state;

        public async Task PassAsync(ProxyDirection direction, CancellationToken cancellationToken)
        {
            var (from, to) = direction == ProxyDirection.ToServer ? (client, server) : (server, client);
            var buffer = new byte[16 * 1024];
            while (await from.GetStream().ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                var chunk = buffer.AsMemory(0, count);
                if (_state is { Fault: ProxyFault.CutAfter } && _state.Direction != direction)
                {
                    // The answer is here, so the other side has done its work.
                    proxy._tripped.TrySetResult();
                    return;
                }

                if (_state is { Fault: ProxyFault.Stall })
                {
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }

                if (FindFault(direction, chunk, out var harmless) is not { } plan)
                {
                    await to.GetStream().WriteAsync(chunk, cancellationToken);
                    _passed[direction] += count;
                    continue;
                }

                switch (plan.Fault)
                {
                    case ProxyFault.CutBefore:
                        await to.GetStream().WriteAsync(chunk[..harmless], cancellationToken);
                        proxy._tripped.TrySetResult();
                        return;
                    case ProxyFault.CutAfter:
                        _state = new ProxyFaultState(plan.Fault, direction);
                        await to.GetStream().WriteAsync(chunk, cancellationToken);
                        break;
                    default:
                        _state = new ProxyFaultState(plan.Fault, direction);
                        await to.GetStream().WriteAsync(chunk[..harmless], cancellationToken);
                        proxy._tripped.TrySetResult();
                        await Task.Delay(Timeout.Infinite, cancellationToken);
                        break;
                }
            }
        }

        /// <summary>The plan, taken from the proxy, where this chunk gives rise to it.</summary>
        /// <param name="harmless">How many bytes of the chunk come before that.</param>
        private Plan? FindFault(ProxyDirection direction, ReadOnlyMemory<byte> chunk, out int harmless)
        {
            harmless = 0;
            lock (proxy._gate)
            {
                if (proxy._plan is not { } plan || plan.Direction != direction)
                {
                    return null;
                }

                if (plan.Pattern is null)
                {
                    if (_passed[direction] + chunk.Length <= plan.Bytes)
                    {
                        return null;
                    }

                    harmless = (int)(plan.Bytes - _passed[direction]);
                }
                else
                {
                    // The pattern may begin in one chunk and end in the next.
                    byte[] seen = [.. _tail, .. chunk.Span];
                    var at = seen.AsSpan().IndexOf(plan.Pattern);
                    if (at < 0)
                    {
                        _tail = seen[^Math.Min(seen.Length, plan.Pattern.Length - 1)..];
                        return null;
                    }

                    harmless = Math.Max(0, at - _tail.Length);
                }

                proxy._plan = null;
                return plan;
            }
        }
    }

    private sealed record ProxyFaultState(ProxyFault Fault, ProxyDirection Direction);
}
