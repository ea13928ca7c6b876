using System.Diagnostics;
using Npgsql;

namespace EtlTools.Tests.Infrastructure;

/// <summary>A process that starts servers may be killed at any time; they must not outlive it.</summary>
public sealed class GuardTests
{
    private static readonly string Program = typeof(Guard).Assembly.Location;

    [PrivatePostgresFact]
    public async Task Servers_end_with_the_process_that_started_them_even_when_it_is_killed()
    {
        var start = new ProcessStartInfo(Command.Dotnet, ["exec", Program, "run", "--", Command.Dotnet, "exec", Program, "show-servers"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment.Remove(GivenServers.PostgresVariable);
        start.Environment.Remove(GivenServers.S3Variable);
        start.Environment.Remove("PGHOST");
        using var process = Process.Start(start)!;
        string? connection = null;
        while (connection is null && await process.StandardOutput.ReadLineAsync() is { } line)
        {
            connection = line.StartsWith(GivenServers.PostgresVariable + '=', StringComparison.Ordinal)
                ? line[(line.IndexOf('=') + 1)..]
                : null;
        }

        var server = new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString;
        string folder;
        await using (var open = new NpgsqlConnection(server))
        {
            await open.OpenAsync();
            await using var command = new NpgsqlCommand("SHOW data_directory", open);
            folder = Path.GetDirectoryName((string)(await command.ExecuteScalarAsync())!)!;
        }

        Assert.True(Directory.Exists(folder));
        process.Kill(entireProcessTree: true);

        for (var attempt = 0; Directory.Exists(folder) && attempt < 300; attempt++)
        {
            await Task.Delay(100);
        }

        Assert.False(Directory.Exists(folder));
        await using var late = new NpgsqlConnection(server);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => late.OpenAsync());
    }
}
