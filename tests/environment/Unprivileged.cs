using System.Globalization;

namespace EtlTools.TestEnvironment;

/// <summary>
/// PostgreSQL refuses to run as root. Where this process is root, its programs are started as an ordinary user instead;
/// everywhere else nothing changes.
/// </summary>
public static class Unprivileged
{
    private static readonly string[] Candidates = ["postgres", "nobody"];

    private static readonly Lazy<(string Name, int UserId, int GroupId)?> Account = new(FindAccount);

    public static bool IsNeeded => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
        ? Environment.IsPrivilegedProcess
        : false;

    /// <summary>The command that runs the given one as the ordinary user.</summary>
    public static (string File, IReadOnlyList<string> Arguments) Wrap(string file, IReadOnlyList<string> arguments)
    {
        if (!IsNeeded)
        {
            return (file, arguments);
        }

        var account = Account.Value ?? throw new InvalidOperationException("There is no ordinary user to run PostgreSQL as.");
        return Command.Find("setpriv") is { } setpriv
            ? (setpriv,
                [$"--reuid={account.UserId}", $"--regid={account.GroupId}", "--clear-groups", "--", file, .. arguments])
            : ("su", ["-s", "/bin/sh", account.Name, "-c", "exec \"$0\" \"$@\"", "--", file, .. arguments]);
    }

    public static Task<CommandResult> RunAsync(string file, IReadOnlyList<string> arguments, string directory, CancellationToken cancellationToken)
    {
        var (wrapped, all) = Wrap(file, arguments);
        return Command.RunAsync(wrapped, all, directory, cancellationToken: cancellationToken);
    }

    /// <summary>Gives a directory to the ordinary user.</summary>
    public static async Task GiveAsync(string path)
    {
        if (IsNeeded && Account.Value is { } account)
        {
            var result = await Command.RunAsync("chown", ["-R", $"{account.UserId}:{account.GroupId}", path]);
            if (result.ExitCode != 0)
            {
                throw new InvalidOperationException($"chown {path}: {result.Output}");
            }
        }
    }

    private static (string, int, int)? FindAccount()
    {
        var accounts = File.ReadLines("/etc/passwd")
            .Select(line => line.Split(':'))
            .Where(fields => fields.Length >= 4 && fields[2] != "0")
            .Select(fields => (fields[0],
                int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture)))
            .ToList();
        var named = Candidates.SelectMany(name => accounts.Where(account => account.Item1 == name)).ToList();
        return named.Count > 0 ? named[0] : accounts.Count > 0 ? accounts[^1] : null;
    }
}
