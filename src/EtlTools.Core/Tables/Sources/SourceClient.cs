using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace EtlTools.Core.Tables.Sources;

/// <summary>The database's own client program, which is the wire to it: it speaks every version, plugin and TLS mode.</summary>
/// <param name="Path">The program.</param>
/// <param name="IsMariaDb">It takes the options of MariaDB's client, not those of MySQL's.</param>
/// <param name="HostOfFile">Where the option file of the source leads to, if it says so.</param>
internal sealed record SourceClient(string Path, bool IsMariaDb, string? HostOfFile)
{
    private const string HostOption = "--host=";

    private static readonly string[] Names = ["mariadb", "mysql"];

    /// <exception cref="EtlException">SourceClientMissing.</exception>
    public static async Task<SourceClient> FindAsync(SourceConnection connection, CancellationToken cancellationToken)
    {
        var path = connection.Client is { } configured
            ? FindOnPath(configured) ?? throw Missing(configured, $"The client program {configured} is not there.")
            : Names.Select(FindOnPath).FirstOrDefault(found => found is not null)
                ?? throw Missing("mariadb", "Neither mariadb nor mysql is on the PATH.");
        var version = await AskAsync(path, ["--version"], cancellationToken).ConfigureAwait(false)
            ?? throw Missing(path, $"{path} does not run.");
        var host = connection is { Host: null, OptionFile: { } file } && File.Exists(file)
            ? await ReadHostAsync(path, file, cancellationToken).ConfigureAwait(false) : null;
        return new SourceClient(path, version.Contains("MariaDB", StringComparison.OrdinalIgnoreCase), host);
    }

    /// <summary>How to start it on a connection. The password is in its environment.</summary>
    public ProcessStartInfo Start(SourceConnection connection)
    {
        // The first option decides which files are read: those of the user are not, so that nothing comes from there unseen.
        List<string> arguments = [connection.OptionFile is { } file ? $"--defaults-file={file}" : "--no-defaults"];
        arguments.AddRange(
        [
            "--batch", "--quick", "--unbuffered", "--skip-column-names", "--skip-reconnect", "--skip-auto-rehash",
            "--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--connect-timeout=15",
            .. TlsOptions(connection, connection.TlsTo(connection.Host ?? HostOfFile)),
        ]);
        if (connection.Host is { } host)
        {
            arguments.AddRange([$"--host={host}", "--protocol=tcp"]);
        }

        if (connection.Port is { } port)
        {
            arguments.Add($"--port={port.ToString(CultureInfo.InvariantCulture)}");
        }

        if (connection.UserName is { } user)
        {
            arguments.Add($"--user={user}");
        }

        arguments.Add($"--database={connection.Database}");
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        start.Environment.Remove("MYSQL_PWD");
        if (connection.Password is { } password)
        {
            start.Environment["MYSQL_PWD"] = password;
        }

        return start;
    }

    private IEnumerable<string> TlsOptions(SourceConnection connection, SourceTls tls)
    {
        if (connection.CertificateFile is { } file && tls == SourceTls.Verify)
        {
            yield return $"--ssl-ca={file}";
        }

        if (connection.OptionFile is not null && tls == SourceTls.Prefer && connection.Tls == SourceTls.Default)
        {
            // An option of ours would outdo what the file says.
            yield break;
        }

        if (!IsMariaDb)
        {
            yield return "--ssl-mode=" + tls switch
            {
                SourceTls.Verify => "VERIFY_IDENTITY",
                SourceTls.Encrypt => "REQUIRED",
                SourceTls.Off => "DISABLED",
                _ => "PREFERRED",
            };
            yield break;
        }

        switch (tls)
        {
            case SourceTls.Verify:
                yield return "--ssl";
                yield return "--ssl-verify-server-cert";
                break;
            case SourceTls.Encrypt:
                yield return "--ssl";
                yield return "--disable-ssl-verify-server-cert";
                break;
            case SourceTls.Off:
                yield return "--skip-ssl";
                break;
            default:
                yield return "--disable-ssl-verify-server-cert";
                break;
        }
    }

    /// <summary>Only the client knows which files its option file includes. Its answer holds the password, and goes nowhere else.</summary>
    private static async Task<string?> ReadHostAsync(string path, string optionFile, CancellationToken cancellationToken)
    {
        var options = await AskAsync(path, [$"--defaults-file={optionFile}", "--print-defaults"], cancellationToken).ConfigureAwait(false)
            ?? throw new EtlException(
                EtlErrorKind.Configuration, "SourceOptionFileUnreadable", $"The client program cannot read the option file {optionFile}.", optionFile,
                $"Try it: {path} --defaults-file={optionFile}");
        return options.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
            .LastOrDefault(option => option.StartsWith(HostOption, StringComparison.Ordinal))?[HostOption.Length..];
    }

    /// <returns>What it prints; null where it ends with an error.</returns>
    private static async Task<string?> AskAsync(string path, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var answer = await process.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return process.ExitCode == 0 ? answer : null;
        }
        catch (Win32Exception error)
        {
            throw Missing(path, $"The client program {path} cannot be started.", error);
        }
    }

    private static string? FindOnPath(string name)
    {
        if (System.IO.Path.IsPathRooted(name))
        {
            return File.Exists(name) ? name : null;
        }

        string[] endings = OperatingSystem.IsWindows() ? [".exe", ""] : [""];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => endings.Select(ending => System.IO.Path.Combine(folder, name + ending)))
            .FirstOrDefault(File.Exists);
    }

    private static EtlException Missing(string target, string message, Exception? inner = null) => new(
        EtlErrorKind.NotFound,
        "SourceClientMissing",
        message,
        target,
        "Install the client of MariaDB (package mariadb-client) or MySQL, or name the program as client of the source in etl.yaml.",
        inner: inner);
}
