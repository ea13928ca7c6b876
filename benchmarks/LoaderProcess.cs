using System.Diagnostics;

namespace EtlTools.Benchmarks;

/// <summary>Ours: the loader as a process of its own, with start-up, listing, ledger, COPY and commit.</summary>
internal static class LoaderProcess
{
    // Where scripts/benchmark.sh publishes it.
    private static readonly string Program =
        Path.GetFullPath(Path.Combine("artifacts", "etl", OperatingSystem.IsWindows() ? "etl.exe" : "etl"));

    /// <summary>Loads what a pipeline's folder holds into raw.</summary>
    /// <returns>The highest resident memory of the process, in MB.</returns>
    public static Task<double> LoadAsync(string pipelineFile, BenchmarkDatabase database) =>
        RunAsync(["load", "--pipeline", pipelineFile, "--skip-staging"], database, exitCode: 0);

    /// <summary>Runs a command of etl that has to end with an exit code.</summary>
    /// <returns>The highest resident memory of the process, in MB.</returns>
    public static async Task<double> RunAsync(IEnumerable<string> arguments, BenchmarkDatabase database, int exitCode)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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

        if (process.ExitCode != exitCode)
        {
            throw new InvalidOperationException($"etl ended with {process.ExitCode}: {await output}{await error}");
        }

        return peak;
    }
}
