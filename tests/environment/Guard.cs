using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EtlTools.TestEnvironment;

/// <summary>
/// Ends the servers of this process when the process ends, however it ends. A second process holds the reading end of
/// a pipe: when the pipe closes, this process is gone, and the guard stops what it was told of and deletes its folders.
/// </summary>
public static class Guard
{
    /// <summary>The argument with which this program is the guard.</summary>
    public const string Verb = "guard";

    private static readonly Lock Gate = new();
    private static Process? _process;

    /// <summary>A PostgreSQL data directory below a folder of ours.</summary>
    public static void WatchPostgres(string binaries, string folder) => Send("postgres", binaries, folder);

    /// <summary>Any other process with its folder.</summary>
    public static void WatchProcess(int processId, string folder) =>
        Send("process", processId.ToString(System.Globalization.CultureInfo.InvariantCulture), folder);

    /// <summary>A file system that was mounted below a folder of ours.</summary>
    public static void WatchMount(string folder) => Send("mount", "-", folder);

    /// <summary>Lets the guard clean up now, and waits until it has.</summary>
    public static async Task CloseAsync()
    {
        Process? process;
        lock (Gate)
        {
            (process, _process) = (_process, null);
        }

        if (process is not null)
        {
            process.StandardInput.Close();
            await process.StandardOutput.ReadToEndAsync();
            process.Dispose();
        }
    }

    /// <summary>What the second process does.</summary>
    internal static async Task RunAsync()
    {
        // Ctrl+C reaches every process of a terminal; the guard is the one that must outlive it.
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
        var registrations = signals
            .Select(signal => PosixSignalRegistration.Create(signal, context => context.Cancel = true))
            .ToList();

        var watched = new List<string[]>();
        while (await Console.In.ReadLineAsync() is { } line)
        {
            watched.Add(line.Split('\t'));
        }

        foreach (var entry in watched.AsEnumerable().Reverse().Where(entry => Directory.Exists(entry[2])))
        {
            var (kind, detail, folder) = (entry[0], entry[1], entry[2]);
            switch (kind)
            {
                case "mount":
                    await Postgres.SmallDisk.UnmountAsync(folder);
                    break;
                case "process":
                    KillIfThere(int.Parse(detail, System.Globalization.CultureInfo.InvariantCulture));
                    TempFolder.Delete(folder);
                    break;
                case "postgres":
                    await Postgres.PostgresCluster.StopAsync(new Postgres.PostgresBinaries(detail), folder, "immediate");
                    TempFolder.Delete(folder);
                    break;
            }
        }

        registrations.ForEach(registration => registration.Dispose());
    }

    private static void Send(params string[] words)
    {
        lock (Gate)
        {
            _process ??= StartGuard();
            _process.StandardInput.WriteLine(string.Join('\t', words));
            _process.StandardInput.Flush();
        }
    }

    private static Process StartGuard()
    {
        string[] command = [Command.Dotnet, "exec", typeof(Guard).Assembly.Location, Verb];

        // The shell starts it in the background and ends, so that a runner that kills a whole tree does not find it.
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(command[0], command[1..])
            : new ProcessStartInfo("/bin/sh", ["-c", "exec 3<&0; \"$@\" <&3 3<&- &", "sh", .. command]);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = Path.GetTempPath();
        return Process.Start(start)!;
    }

    private static void KillIfThere(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            process.Kill(entireProcessTree: true);
            process.WaitForExit(5000);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
