using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace EtlTools.Host.Demo;

/// <summary>Runs etl's own commands as an admin would type them, shows them with their output, and keeps what was checked.</summary>
internal sealed class StoryTeller(IReadOnlyList<string> hiddenArguments, CancellationToken cancellationToken)
{
    private const int Killed = -1;
    private const int WaitAttempts = 40;

    private static readonly TimeSpan WaitBetween = TimeSpan.FromMilliseconds(250);

    private readonly List<(string What, bool Holds)> _checks = [];
    private string _output = "";
    private int _chapter;

    /// <summary>True where every check held.</summary>
    public bool Holds => _checks.TrueForAll(check => check.Holds);

    public static void Say(string text) => Console.Out.WriteLine(text);

    public void Chapter(string title) => Say($"{Environment.NewLine}== {++_chapter}. {title}");

    /// <summary>Runs a command to its end. Returns its exit code.</summary>
    public async Task<int> RunAsync(params string[] arguments)
    {
        Say($"{Environment.NewLine}$ etl {string.Join(' ', arguments.Select(Quote))}");
        return await RecordAsync(new Recorder(Console.Out), arguments).ConfigureAwait(false);
    }

    /// <summary>Runs a command unseen, again and again for a while, until its output holds the text.</summary>
    public async Task WaitForAsync(string text, params string[] arguments)
    {
        for (var attempt = 0; attempt < WaitAttempts; attempt++)
        {
            await RecordAsync(new StringWriter(), arguments).ConfigureAwait(false);
            if (_output.Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(WaitBetween, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a command in a process that kills itself at a step of its work.</summary>
    public async Task RunKilledAsync(string crashPoint, params string[] arguments)
    {
        Say($"{Environment.NewLine}$ ETL_CRASH_AT={crashPoint} etl {string.Join(' ', arguments)}");
        var program = Environment.ProcessPath!;
        var isDotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        string[] self = isDotnet ? ["exec", typeof(EtlHost).Assembly.Location] : [];
        var start = new ProcessStartInfo(program, [.. self, .. arguments, .. hiddenArguments]);
        start.Environment["ETL_CRASH_AT"] = crashPoint;

        // A killed process could not take its diagnostic pipes away with it.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }

        Say("(killed)");
        Check("the nightly load was killed", process.ExitCode is Killed or > 128);
    }

    /// <summary>Values of a name in the output of the last command, in order.</summary>
    public IReadOnlyList<string> Values(string name) =>
        Regex.Matches(_output, $@"(?<=(^|\s){name}=)[^\s]*", RegexOptions.Multiline).Select(match => match.Value).ToList();

    /// <summary>The lines of the last command's output that hold this text.</summary>
    public IReadOnlyList<string> Lines(string text) =>
        _output.Split('\n').Where(line => line.Contains(text, StringComparison.Ordinal)).ToList();

    public void Check(string what, bool holds) => _checks.Add((what, holds));

    public void ShowChecks()
    {
        foreach (var (what, holds) in _checks)
        {
            Say($"{(holds ? "  holds" : "  FAILS")}: {what}");
        }
    }

    private async Task<int> RecordAsync(StringWriter recorder, string[] arguments)
    {
        var screen = Console.Out;
        Console.SetOut(recorder);
        int exitCode;
        try
        {
            exitCode = await EtlHost.RunAsync([.. arguments, .. hiddenArguments], cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Console.SetOut(screen);
        }

        cancellationToken.ThrowIfCancellationRequested();
        _output = recorder.ToString();
        return exitCode;
    }

    private static string Quote(string argument) => argument.Contains(' ', StringComparison.Ordinal) ? $"'{argument}'" : argument;

    /// <summary>Writes on, and remembers.</summary>
    private sealed class Recorder(TextWriter screen) : StringWriter
    {
        public override void Write(char value)
        {
            base.Write(value);
            screen.Write(value);
        }

        public override void Write(char[] buffer, int index, int count)
        {
            base.Write(buffer, index, count);
            screen.Write(buffer, index, count);
        }

        public override void Write(string? value)
        {
            base.Write(value);
            screen.Write(value);
        }

        public override Encoding Encoding => screen.Encoding;
    }
}
