using System.Diagnostics;
using System.Text;

namespace EtlTools.Tests.Infrastructure;

/// <summary>The service host as a process of its own, to be killed from outside or at a crash point.</summary>
public sealed class HostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private HostProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public string Output => Read(_output);

    public string Error => Read(_error);

    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Variables on top of this process's own, e.g. ETL_CRASH_AT; null removes one.</param>
    /// <param name="program">The program beside the tests.</param>
    public static HostProcess Start(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string program = "etl.dll")
    {
        var start = new ProcessStartInfo(
            Command.Dotnet, ["exec", Path.Combine(AppContext.BaseDirectory, program), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var host = new HostProcess(new Process { StartInfo = start });
        host._process.OutputDataReceived += (_, line) => Append(host._output, line.Data);
        host._process.ErrorDataReceived += (_, line) => Append(host._error, line.Data);
        host._process.Start();
        host._process.StandardInput.Close();
        host._process.BeginOutputReadLine();
        host._process.BeginErrorReadLine();
        return host;
    }

    /// <summary>Starts it and waits for its end.</summary>
    public static async Task<HostProcess> RunAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var host = Start(arguments, environment);
        await host.WaitForExitAsync();
        return host;
    }

    /// <exception cref="TimeoutException">It does not end; it has been killed.</exception>
    public async Task WaitForExitAsync(TimeSpan? limit = null)
    {
        using var timeout = new CancellationTokenSource(limit ?? TimeSpan.FromMinutes(2));
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            throw new TimeoutException("The host did not end.");
        }
    }

    /// <summary>Waits until a line with the text has been written.</summary>
    public async Task WaitForOutputAsync(string text, TimeSpan? limit = null)
    {
        var waited = Stopwatch.StartNew();
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            if (_process.HasExited)
            {
                // What it wrote last may still be on its way to us.
                _process.WaitForExit();
                if (Output.Contains(text, StringComparison.Ordinal))
                {
                    return;
                }

                throw new InvalidOperationException($"The host ended with {ExitCode} before it wrote what was awaited.");
            }

            if (waited.Elapsed > (limit ?? TimeSpan.FromMinutes(1)))
            {
                throw new TimeoutException("The host did not write what was awaited.");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
    }

    public ValueTask DisposeAsync()
    {
        Kill();
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
