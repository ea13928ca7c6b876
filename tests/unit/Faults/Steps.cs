using System.Diagnostics;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Core.Staging;
using EtlTools.Tests.Engine;
using Npgsql;

namespace EtlTools.Tests.Faults;

/// <summary>Waiting for a state instead of a time, and the engine's inner steps, to put something between them.</summary>
internal static class Steps
{
    // No state takes so long; one that never comes must not hold up the other tests for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async Task Until(Func<Task<bool>> condition)
    {
        for (var waited = Stopwatch.StartNew(); !await condition(); await Task.Delay(20))
        {
            Assert.True(waited.Elapsed < Patience, "The state that is waited for does not come.");
        }
    }

    /// <summary>Keeps every load from staging persons until it is disposed of.</summary>
    public static async Task<NpgsqlConnection> HoldStagingAsync(EngineWorkshop work)
    {
        var holder = await work.Database.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(hashtextextended('etl.staging stg.persons', 0))", holder);
        await command.ExecuteNonQueryAsync();
        return holder;
    }

    public static async Task LetGoAsync(NpgsqlConnection holder)
    {
        await using (var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", holder))
        {
            await command.ExecuteNonQueryAsync();
        }

        await holder.DisposeAsync();
    }

    /// <summary>Waits until a session of the engine waits for an advisory lock, i.e. for <see cref="HoldStagingAsync"/>.</summary>
    public static Task UntilHeldAsync(EngineWorkshop work) => Until(() => work.Database.ScalarAsync<bool>(
        """
        SELECT EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
        """));

    /// <summary>The session that holds the lease of the one running run; null where none does.</summary>
    public static Task<int?> LeaseHolderAsync(EngineWorkshop work) => work.Database.ScalarAsync<int?>(
        """
        SELECT l.pid
        FROM etl.load_runs r
        JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.classid::bigint = r.lease_key >> 32 AND l.objid::bigint = r.lease_key & 4294967295
        WHERE r.status = 'running'
        """);

    public static ValueTask<List<FailedFile>> FailedFilesAsync(EngineWorkshop work) =>
        work.Discovery.FindFailedAsync(new FileFilter(), TimeSpan.FromDays(30), CancellationToken.None).ToListAsync();

    public static Task<string?> AttemptsAsync(EngineWorkshop work, string name) => work.Database.ScalarAsync<string>(
        "SELECT string_agg(attempt::text, ' ' ORDER BY attempt) FROM etl.load_run_files WHERE s3_key LIKE '%' || @name || '%'", new { name });

    /// <summary>The engine's transaction of one file, on a database that may be another view of the workshop's.</summary>
    public static FileTransaction Transaction(EngineWorkshop work, EtlDatabase database) => new(
        database,
        work.Pipeline.Name,
        new FileLoader(
            work.Pipeline, SourceStoreFactory.Create(work.Pipeline.Source), new ExtractTableReader(work.Pipeline), new FileStager()));

    public static FileLoadOptions Options(Guid loadRunId) => new() { LoadRunId = loadRunId, MaxErrorRate = 0.5 };

    public static RunStart Start(EngineWorkshop work) => new() { Kind = LoadRunKind.Load, Pipeline = work.Pipeline.Name };

    /// <summary>The workshop's database by way of another port.</summary>
    public static EtlDatabase Through(EngineWorkshop work, int port) => EtlDatabase.Connect(new ConnectionRequest
    {
        ConnectionString = new NpgsqlConnectionStringBuilder(work.Database.ConnectionString)
        {
            Host = "127.0.0.1",
            Port = port,
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString,
    });
}
