using EtlTools.TestEnvironment;

namespace EtlTools.Benchmarks;

/// <summary>Runs other programs; one that fails ends the benchmark.</summary>
internal static class Rivals
{
    public static async Task RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> variables)
    {
        var result = await Command.RunAsync(program, arguments, environment: variables);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {result.ExitCode}: {result.Output}");
        }
    }

    /// <summary>A pipeline of the shell; every part of it must succeed.</summary>
    public static Task RunShellAsync(string pipeline, IReadOnlyDictionary<string, string> variables) =>
        RunAsync("bash", ["-c", "set -o pipefail; export LC_ALL=C; " + pipeline], variables);
}
