using EtlTools.Core;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Tables;

/// <summary>A source that goes away, a client that dies, two syncs at once: the copy keeps its old rows.</summary>
public sealed class SourceFaultTests
{
    private const string Rows = "CREATE TABLE big (id int PRIMARY KEY, s varchar(100)); INSERT INTO big SELECT seq, REPEAT('x', 90) FROM seq_1_to_50000;";

    private static readonly TableConfig Big = new() { Name = "big" };

    [MariaDbFact]
    public async Task A_source_that_closes_the_connection_in_the_middle()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Big);
        await work.SyncAsync();
        await using var proxy = TcpProxy.Start("127.0.0.1", work.Source.Port).After(ProxyDirection.ToClient, 500_000, ProxyFault.CutBefore);
        await work.Source.ExecuteAsync("UPDATE big SET s = CONCAT('changed', id)");
        var sync = Assert.Single(await new TableSyncEngine(work.Database, work.Connection with { Port = proxy.Port }, work.Config, work.Settings)
            .SyncAsync(new TableSyncOptions(), null, CancellationToken.None));

        // The first attempt is noted and changed nothing; the second one found the source there again.
        Assert.Equal((TableSyncStatus.Completed, 50_000), (sync.Status, sync.RowsUpdated));
        Assert.Equal("completed,SourceConnectionLost,completed", await work.Copy.ScalarAsync<string>(
            "SELECT string_agg(coalesce(error_code, status), ',' ORDER BY table_sync_id) FROM etl.table_syncs"));
    }

    [MariaDbFact]
    public async Task A_source_that_closes_the_connection_after_a_million_rows_and_is_gone()
    {
        await using var work = await SyncWorkshop.CreateAsync("CREATE TABLE big (id int PRIMARY KEY, n int NOT NULL); INSERT INTO big SELECT seq, 0 FROM seq_1_to_100;", Big);
        await work.SyncAsync();
        var before = await work.VersionsAsync("big");
        await work.Source.ExecuteAsync("UPDATE big SET n = 7; INSERT INTO big SELECT seq, 7 FROM seq_101_to_1200000");

        // A row is of 14 bytes on its way.
        await using var proxy = TcpProxy.Start("127.0.0.1", work.Source.Port).After(ProxyDirection.ToClient, 15_500_000, ProxyFault.CutBefore);
        var gone = proxy.Tripped.ContinueWith(_ => proxy.StopListening(), TaskScheduler.Default);
        var failed = Assert.Single(await new TableSyncEngine(work.Database, work.Connection with { Port = proxy.Port }, work.Config, work.Settings)
            .SyncAsync(new TableSyncOptions(), null, CancellationToken.None));
        await gone;

        Assert.Equal((TableSyncStatus.Failed, "SourceUnreachable"), (failed.Status, failed.ErrorCode));
        Assert.Equal("SourceConnectionLost", await work.Copy.ScalarAsync<string>("SELECT error_code FROM etl.table_syncs WHERE status = 'failed' ORDER BY table_sync_id LIMIT 1"));
        Assert.Equal(before, await work.VersionsAsync("big"));
    }

    [MariaDbFact]
    public async Task A_source_that_does_not_answer_is_a_failure_of_each_table_that_was_meant()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Big, new TableConfig { Name = "other" });
        var engine = new TableSyncEngine(work.Database, work.Connection with { Port = 1 }, work.Config, work.Settings);
        var failure = await Assert.ThrowsAsync<EtlException>(() => engine.SyncAsync(new TableSyncOptions(), null, CancellationToken.None));
        Assert.Equal("SourceUnreachable", failure.ErrorId);
        var statuses = await new TableStatusReader(work.Database, "practice", work.Config, work.Settings).ReadAsync(new TableSyncOptions(), CancellationToken.None);
        Assert.All(statuses, status => Assert.Equal((TableCondition.Failed, 1, "SourceUnreachable"), (status.Condition, status.Failures, status.ErrorCode)));
        Assert.Equal(["failed", "failed"], await work.Copy.QueryAsync<string>("SELECT load_status FROM raw.etl_load_status"));
    }

    [MariaDbFact]
    public async Task What_is_no_source_is_told_from_one_that_is_gone()
    {
        await using var work = await SyncWorkshop.CreateAsync("CREATE TABLE big (id int PRIMARY KEY);", Big);
        await using var mute = TcpProxy.Start("127.0.0.1", work.Source.Port).After(ProxyDirection.ToClient, 0, ProxyFault.CutBefore);
        var failure = await Assert.ThrowsAsync<EtlException>(() =>
            new ClientDatabase(work.Connection with { Port = mute.Port }).OpenAsync(CancellationToken.None));
        Assert.Equal("SourceUnreachable", failure.ErrorId);

        // Cut early enough, the client says that there is nobody at all.
        Assert.StartsWith("Check host and port", failure.NextStep, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<EtlException>(() =>
            new ClientDatabase(work.Connection with { OptionFile = "/nowhere/my.cnf" }).OpenAsync(CancellationToken.None));
        Assert.Equal("SourceOptionFileMissing", failure.ErrorId);
    }

    [MariaDbTheory]
    [InlineData("exit 0")]
    [InlineData("exit 3")]
    [InlineData("kill -9 $$")]
    public async Task A_client_that_ends_early_is_never_taken_for_whole(string ending)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Big);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("DELETE FROM big WHERE id > 25000");

        // Passes on the first million bytes of what the client says, and ends as if all were well.
        var folder = TempFolder.Create();
        try
        {
            var client = Path.Combine(folder, "client");
            var script = $"#!/bin/bash\nif [ \"$1\" = --version ]; then exec mariadb --version; fi\nmariadb \"$@\" | {{ stdbuf -o0 head -c 1000000; pkill -P $$ -x mariadb; }}\n{ending}\n";

            // Written by another process: what this one has open while a test beside it starts a program, Linux does not run.
            Assert.Equal(0, (await TestEnvironment.Command.RunAsync("bash", ["-c", "printf %s \"$1\" > \"$2\" && chmod 500 \"$2\"", "-", script, client])).ExitCode);
            var failed = Assert.Single(await new TableSyncEngine(work.Database, work.Connection with { Client = client }, work.Config, work.Settings)
                .SyncAsync(new TableSyncOptions(), null, CancellationToken.None));
            Assert.Equal("SourceClientEnded", failed.ErrorCode);
            Assert.Equal(50_000, await work.CountAsync("raw.big"));
        }
        finally
        {
            TempFolder.Delete(folder);
        }
    }

    [MariaDbFact]
    public async Task Two_syncs_of_a_table_do_not_overlap()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Big);
        await work.SyncAsync();
        await using var blocker = await work.Copy.OpenAsync();
        await using var transaction = await LockCopyAsync(blocker);
        await work.Source.ExecuteAsync("DELETE FROM big WHERE id > 1000");
        var first = work.Engine.SyncAsync(new TableSyncOptions(), null, CancellationToken.None);
        await Faults.Steps.Until(async () => await work.CountAsync("etl.table_syncs WHERE status = 'running'") == 1);
        Assert.Equal("TableBusy", (await work.FailAsync()).ErrorCode);
        await transaction.RollbackAsync();
        Assert.Equal(TableSyncStatus.Completed, Assert.Single(await first).Status);
        Assert.Equal(1000, await work.CountAsync("raw.big"));
    }

    [MariaDbFact]
    public async Task A_table_that_takes_too_long_is_ended_and_one_that_is_stopped_changes_nothing()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Big);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("DELETE FROM big WHERE id > 1000");
        var failed = await work.FailAsync(new TableSyncOptions { TimeLimit = TimeSpan.FromMilliseconds(1) });
        Assert.Equal("TableTimeLimit", failed.ErrorCode);

        // It has read the source, and waits to write.
        using var stop = new CancellationTokenSource();
        await using (var blocker = await work.Copy.OpenAsync())
        {
            await using var transaction = await LockCopyAsync(blocker);
            var stopped = work.Engine.SyncAsync(new TableSyncOptions(), null, stop.Token);
            await Faults.Steps.Until(async () => await work.CountAsync("pg_locks WHERE NOT granted AND relation = 'raw.big'::regclass") == 1);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped);
        }

        Assert.Equal(50_000, await work.CountAsync("raw.big"));
        await work.SyncAsync();
        Assert.Equal(1000, await work.CountAsync("raw.big"));
    }

    [MariaDbFact]
    public async Task The_password_is_on_no_command_line_and_in_no_file_of_ours()
    {
        await using var work = await SyncWorkshop.CreateAsync("CREATE USER IF NOT EXISTS reader@'127.0.0.1' IDENTIFIED BY 'geheim'; GRANT SELECT ON *.* TO reader@'127.0.0.1'; " + Rows, Big);
        var engine = new TableSyncEngine(work.Database, (work.Connection with { UserName = "reader" }).WithPassword("geheim"), work.Config, work.Settings);
        var seen = new List<string>();
        var progress = new Observer(_ => seen.AddRange(CommandLines()));
        Assert.Equal(TableSyncStatus.Completed, Assert.Single(await engine.SyncAsync(new TableSyncOptions(), progress, CancellationToken.None)).Status);
        Assert.DoesNotContain(seen, line => line.Contains("geheim", StringComparison.Ordinal));
    }

    private static IEnumerable<string> CommandLines()
    {
        foreach (var folder in Directory.Exists("/proc") ? Directory.GetDirectories("/proc") : [])
        {
            string text;
            try
            {
                text = File.ReadAllText(Path.Combine(folder, "cmdline"));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            yield return text;
        }
    }

    /// <summary>Readers pass; writers wait until the transaction ends.</summary>
    private static async Task<NpgsqlTransaction> LockCopyAsync(NpgsqlConnection connection)
    {
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("LOCK TABLE raw.big IN SHARE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return transaction;
    }

    private sealed class Observer(Action<TableSyncProgress> look) : IProgress<TableSyncProgress>
    {
        public void Report(TableSyncProgress value) => look(value);
    }
}
