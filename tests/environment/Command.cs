using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EtlTools.TestEnvironment;

public sealed record CommandResult(int ExitCode, string Output);

/// <summary>Runs other programs.</summary>
public static class Command
{
    /// <summary>Exit code of a program that could not be started.</summary>
    public const int NotStarted = 127;

    /// <summary>The dotnet command that runs this process, or the one on the PATH.</summary>
    public static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";

    /// <summary>Full path of a program on the PATH, links followed; null where there is none.</summary>
    public static string? Find(string name)
    {
        string[] extensions = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            foreach (var extension in extensions)
            {
                var path = Path.Combine(directory, name + extension);
                if (directory.Length > 0 && File.Exists(path))
                {
                    return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
                }
            }
        }

        return null;
    }

    /// <summary>Runs to the end and keeps what was written to both outputs.</summary>
    public static async Task<CommandResult> RunAsync(
        string file,
        IEnumerable<string> arguments,
        string? directory = null,
        IReadOnlyDictionary<string, string>? environment = null,
        CancellationToken cancellationToken = default)
    {
        var start = CreateStart(file, arguments, directory, environment);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new CommandResult(process.ExitCode, await output + await error);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return new CommandResult(NotStarted, exception.Message);
        }
    }

    /// <summary>Runs to the end on this process's own terminal. Returns the exit code.</summary>
    /// <param name="guardedFolder">A folder that the program works in; both end with this process, however it ends.</param>
    public static async Task<int> RunVisiblyAsync(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? directory = null,
        string? guardedFolder = null)
    {
        try
        {
            using var process = Process.Start(CreateStart(file, arguments, directory, environment))!;
            if (guardedFolder is not null)
            {
                Guard.WatchProcess(process.Id, guardedFolder);
            }

            // Whoever ends us means the whole run. (Ctrl+C reaches the other process by itself.)
            using var ending = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => process.Kill(entireProcessTree: true));
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            await Console.Error.WriteLineAsync($"{file}: {exception.Message}");
            return NotStarted;
        }
    }

    private static ProcessStartInfo CreateStart(
        string file, IEnumerable<string> arguments, string? directory, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(file, arguments) { WorkingDirectory = directory ?? "" };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
