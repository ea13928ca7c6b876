using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>Starts <see cref="EngineProgram"/> on a workshop.</summary>
internal static class EngineProcess
{
    public static HostProcess Start(
        string connection, string folder, IReadOnlyDictionary<string, string?> environment, string command, params string[] rest) =>
        HostProcess.Start([command, connection, folder, .. rest], environment, "EtlTools.Tests.dll");

    /// <summary>Runs a command that is killed at a crash point: name, or name:3 for the third time. Fails where it was not.</summary>
    public static async Task KillAsync(EngineWorkshop work, string crashPoint, string command, params string[] rest) =>
        Assert.True(
            await RunToAsync(work.Database.ConnectionString, work.Folder, crashPoint, command, rest),
            $"{command} was not killed at {crashPoint}: it does not pass there");

    /// <summary>True where it was killed; false where it came to its end.</summary>
    public static async Task<bool> RunToAsync(
        string connection, string folder, string crashPoint, string command, params string[] rest)
    {
        await using var process = Start(
            connection, folder, new Dictionary<string, string?> { ["ETL_CRASH_AT"] = crashPoint }, command, rest);
        await process.WaitForExitAsync();
        if (process.ExitCode == 0)
        {
            return false;
        }

        Assert.DoesNotContain(EngineProgram.Done, process.Output, StringComparison.Ordinal);
        Assert.True(process.ExitCode is 137 or -1 or 9, $"ended with {process.ExitCode}: {process.Output}{process.Error}");
        return true;
    }
}
