using System.Diagnostics;
using EtlTools.TestEnvironment.MariaDb;

namespace EtlTools.Tests.Infrastructure;

/// <summary>One source database for one test, dropped when disposed. A client of the test's own writes to it.</summary>
public sealed class MariaDbDatabase : IAsyncDisposable
{
    private readonly Process _client;

    private MariaDbDatabase(int port, string name)
    {
        Port = port;
        Name = name;
        _client = Process.Start(new ProcessStartInfo(
            MariaDbBinaries.Find()!.Client,
            ["--no-defaults", "--host=127.0.0.1", $"--port={port}", "--user=root", "--batch", "--skip-column-names", "--unbuffered", "--force", "--default-character-set=utf8mb4"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new System.Text.UTF8Encoding(false),
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        })!;
        _client.ErrorDataReceived += (_, line) => Errors += line.Data;
        _client.BeginErrorReadLine();
    }

    public int Port { get; }

    public string Name { get; }

    private string Errors { get; set; } = "";

    public static async Task<MariaDbDatabase> CreateAsync(string sql = "", int? port = null)
    {
        var database = new MariaDbDatabase(port ?? await MariaDb.PortAsync(), "etl_test_" + Guid.NewGuid().ToString("n")[..12]);
        await database.ExecuteAsync($"CREATE DATABASE {database.Name}; USE {database.Name}; SET NAMES utf8mb4; SET time_zone = '+00:00'; {sql}");
        return database;
    }

    /// <summary>Runs statements, and returns the rows of the last ones as lines of tab-separated fields.</summary>
    public async Task<IReadOnlyList<string>> ExecuteAsync(string sql)
    {
        const string End = "-- end --";
        await _client.StandardInput.WriteAsync($"{sql}\n;\nSELECT '{End}';\n");
        await _client.StandardInput.FlushAsync();
        var lines = new List<string>();
        while (await _client.StandardOutput.ReadLineAsync() is { } line && line != End)
        {
            lines.Add(line);
        }

        if (Errors.Contains("ERROR", StringComparison.Ordinal) && !Errors.Contains("Query was empty", StringComparison.Ordinal))
        {
            throw new InvalidOperationException(Errors);
        }

        return lines;
    }

    public async Task<string> ScalarAsync(string sql) => (await ExecuteAsync(sql))[^1];

    public async ValueTask DisposeAsync()
    {
        if (!_client.HasExited)
        {
            await _client.StandardInput.WriteAsync($"DROP DATABASE IF EXISTS {Name};\n");
            _client.StandardInput.Close();
            await _client.WaitForExitAsync();
        }

        _client.Dispose();
    }
}
