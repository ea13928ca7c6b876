using System.Diagnostics;
using EtlTools.TestEnvironment;

namespace EtlTools.Benchmarks;

/// <summary>Ours: the loader as a process of its own, with start-up, listing, ledger, COPY and commit.</summary>
internal static class LoaderProcess
{
    /// <summary>Loads what a pipeline's folder holds into raw.</summary>
    /// <returns>The highest resident memory of the process, in MB.</returns>
    public static async Task<double> LoadAsync(string pipelineFile, BenchmarkDatabase database)
    {
        string[] command = [Command.Dotnet, "exec", typeof(LoaderProcess).Assembly.Location, "load", "--pipeline", pipelineFile];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in database.Variables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        var ended = process.WaitForExitAsync();
        double peak = 0;
        while (!ended.IsCompleted)
        {
            try
            {
                // The system keeps the peak, so to look now and then is enough.
                process.Refresh();
                peak = Math.Max(peak, process.PeakWorkingSet64 / 1048576.0);
            }
            catch (InvalidOperationException)
            {
                // It has just ended.
            }

            await Task.WhenAny(ended, Task.Delay(TimeSpan.FromMilliseconds(100)));
        }

        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"The loader ended with {process.ExitCode}: {await output}{await error}");
        }

        return peak;
    }
}
