using EtlTools.Core.Health;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Health;

/// <summary>What is read of the ledger of table syncs; its entries are made by hand.</summary>
public sealed class TableHealthTests
{
    [PostgresFact]
    public async Task A_database_without_tables_has_no_such_family()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();

        var health = await GetAsync(database);

        Assert.Equal((false, "not in this database", "Table syncs"), (Family(health).IsIncluded, Family(health).Detail, Family(health).Title));
        Assert.Empty(health.Table);
    }

    [PostgresFact]
    public async Task A_sync_counts_by_the_last_attempt_of_its_run_and_what_was_put_right_is_no_failure()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();
        await ConfigureAsync(database, "patient", "claim", "note", "fee", "old");
        var first = await RunAsync(database);
        await AttemptAsync(database, first, "patient", "failed", hours: 10, code: "SourceConnectionLost");
        await AttemptAsync(database, first, "patient", "failed", hours: 9.9, code: "SourceConnectionLost");
        await AttemptAsync(database, first, "patient", "completed", hours: 9.8, read: 100, discarded: 10);
        await AttemptAsync(database, first, "claim", "failed", hours: 9, code: "SourceTableMissing");
        await AttemptAsync(database, first, "note", "failed", hours: 9, code: "TableTimeLimit");
        var second = await RunAsync(database);
        await AttemptAsync(database, second, "claim", "completed", hours: 2, read: 50);
        await AttemptAsync(database, second, "note", "failed", hours: 2, code: "TableTimeLimit");
        await AttemptAsync(database, await RunAsync(database, "undo"), "note", "completed", hours: 1, mode: "undo");
        await AttemptAsync(database, second, "gone", "completed", hours: 1, read: 1);
        await AttemptAsync(database, await RunAsync(database), "old", "completed", hours: 30, read: 7);

        var health = await GetAsync(database);

        // Two are good, for a table that is not configured is not watched; note failed in two runs. Totals of all time leave out nothing.
        var overall = health.Overall.Single(one => one.Family == PipelineFamily.Table);
        Assert.Equal((4, 2, 2, 0, 1), (overall.Total, overall.Processed, overall.Failed, overall.Waiting, overall.Recovered));
        var loss = health.DataLoss.Single(one => one.Family == PipelineFamily.Table);
        Assert.Equal((150, 10, 1, 2), (loss.Expected, loss.Missing, loss.Items, loss.Audited));
        Assert.Equal(
            [("Processing Timeout", 2L), ("Source Connection", 2L), ("Schema Drift", 1L)],
            health.ErrorPattern.OrderByDescending(pattern => pattern.Count).ThenBy(pattern => pattern.Category).Select(pattern => (pattern.Category, pattern.Count)));
        Assert.Equal(1, health.Trend.Single(trend => trend is { Family: PipelineFamily.Table } && trend.To == health.From).Total);
        Assert.Equal([("note", 2)], health.Table.Where(table => table.Failures > 0).Select(table => (table.Name, table.Failures)));
        Assert.Equal(
            [("SyncsCompleted", 4L), ("SyncsFailed", 5L), ("TableRowsRead", 158L), ("TableRowsChanged", 4L)],
            health.Total.Where(total => total.Family == PipelineFamily.Table).Select(total => (total.Name, total.Value)));

        // A run that has ended has added itself up, and comes to the same.
        await using (var connection = await database.OpenAsync())
        {
            await TrackingStore.FinishRunAsync(connection, first, CancellationToken.None);
            await TrackingStore.FinishRunAsync(connection, second, CancellationToken.None);
        }

        Assert.Equal(health.Total, (await GetAsync(database)).Total);
    }

    [PostgresFact]
    public async Task What_waits_is_overdue_never_synced_or_failing()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();
        await ConfigureAsync(database, "good", "late", "never", "fails");
        await database.ExecuteAsync("UPDATE etl.configured_tables SET configured_at = now() - interval '3 hours' WHERE table_name = 'never'");
        var run = await RunAsync(database);
        await AttemptAsync(database, run, "good", "completed", hours: 1);
        await AttemptAsync(database, run, "late", "completed", hours: 30);
        await AttemptAsync(database, run, "fails", "completed", hours: 20);
        await AttemptAsync(database, await RunAsync(database), "fails", "failed", hours: 5, code: "SourceUnreachable");
        await AttemptAsync(database, await RunAsync(database), "fails", "failed", hours: 4, code: "SourceUnreachable");

        var health = await GetAsync(database);

        var backlog = health.Backlog.Single(one => one.Family == PipelineFamily.Table);
        Assert.Equal((3, 6), (backlog.Count, (int)Math.Round(backlog.OldestAge!.Value.TotalHours)));
        Assert.Equal(
            [("fails", FindingKind.Failing), ("late", FindingKind.Overdue)],
            health.Table.SelectMany(table => table.Finding).Select(finding => (finding.Name, finding.Kind)).Order());
        Assert.DoesNotContain(health.Alert, alert => alert.Id is "BacklogAge" or "ProcessingFailure" or "SubjectSuccess");
        Assert.Equal(HealthStatus.Warning, health.Status);
        Assert.Equal(1, (int)Math.Round((health.To - Family(health).LastSuccessAt!.Value).TotalHours));
    }

    [PostgresFact]
    public async Task A_sync_is_stuck_whose_session_is_gone_or_that_runs_longer_than_its_limit()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();
        await ConfigureAsync(database, "live", "long", "dead", "limited");
        await database.ExecuteAsync("UPDATE etl.configured_tables SET time_limit = '30 minutes' WHERE table_name = 'limited'");
        await using var lease = await database.OpenAsync();
        foreach (var table in new[] { "live", "long", "limited" })
        {
            await TableLease.TakeAsync(lease, "raw", table, CancellationToken.None);
        }

        var run = await RunAsync(database);
        await AttemptAsync(database, run, "live", "running", hours: 1.9);
        await AttemptAsync(database, run, "long", "running", hours: 2.1);
        await AttemptAsync(database, run, "dead", "running", hours: 0.1);
        await AttemptAsync(database, run, "limited", "running", hours: 0.6);

        var health = await GetAsync(database);

        Assert.Equal(
            [("long", "it runs longer than its limit of 2h"), ("limited", "it runs longer than its limit of 30m"), ("dead", "its session is gone")],
            health.Stuck.Select(work => (work.TableName!, work.Reason)));
        var overall = health.Overall.Single(one => one.Family == PipelineFamily.Table);
        Assert.Equal((3, 1), (overall.Waiting, overall.Failed));
        Assert.Equal("SyncInterrupted", health.ErrorPattern.Single().ErrorCode);
        Assert.Equal(["dead"], health.Table.Where(table => table.Finding.Any(finding => finding.Kind == FindingKind.Failing)).Select(table => table.Name));
        var alert = health.Alert.Single(one => one.Id == "StuckWork");
        Assert.Equal((3.0, AlertTier.Within15Minutes), (alert.Value, alert.Tier));
        Assert.StartsWith("Get-TableStatus -Name 'long', 'limited', 'dead' -Source 'practice'", health.Recommendation[0].Command, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Users_and_practices_leave_tables_out()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();
        await ConfigureAsync(database, "patient");

        var health = await GetAsync(database, new HealthQuery { PracticeId = ["535"] });

        Assert.Equal((false, "left out: tables have no users and no practice"), (Family(health).IsIncluded, Family(health).Detail));
    }

    /// <summary>The work follows the window and the number of tables, and not the length of the history.</summary>
    [PostgresFact]
    public async Task The_history_before_the_windows_is_not_read()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();
        await ConfigureAsync(database, [.. Enumerable.Range(1, 20).Select(n => $"t{n}")]);
        await database.ExecuteAsync("""
            INSERT INTO etl.table_sync_runs (source, kind, started_at, finished_at) SELECT 'practice', 'sync', now() - n * interval '1 hour', now() FROM generate_series(1, 1000) n;
            INSERT INTO etl.table_syncs (table_sync_run_id, source, target_schema, table_name, importance, strategy, mode, status, started_at, finished_at, rows_read, verified)
            SELECT r.table_sync_run_id, 'practice', 'raw', 't' || n, 'standard', 'full_table', 'full', 'completed', r.started_at, r.started_at, 1, 1
            FROM etl.table_sync_runs r CROSS JOIN generate_series(1, 20) n
            ORDER BY r.started_at;
            """);
        await database.ExecuteAsync("VACUUM ANALYZE etl.table_syncs");
        var before = await ReadAsync();

        await GetAsync(database, new HealthQuery { PreviousWindows = 0 });

        var read = await ReadAsync() - before;

        // Of 20,000 syncs, 480 are of the window, and each table's last 20 are looked at: some of both more than once.
        Assert.InRange(read, 400, 4000);

        async Task<long> ReadAsync()
        {
            await database.EndSessionsAsync();
            return await database.ScalarAsync<long>(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relid = 'etl.table_syncs'::regclass");
        }
    }
    internal static async Task<ProcessingHealth> GetAsync(PostgresDatabase database, HealthQuery? query = null)
    {
        await using var etl = database.OpenEtl();
        return await new HealthMonitor(etl).GetAsync(query ?? new HealthQuery(), TimeZoneInfo.Utc, CancellationToken.None);
    }

    private static FamilyHealth Family(ProcessingHealth health) => health.Family.Single(family => family.Family == PipelineFamily.Table);

    private static Task ConfigureAsync(PostgresDatabase database, params string[] tables) => database.ExecuteAsync(
        """
        INSERT INTO etl.configured_tables (source, table_name, target_schema, config_file, importance, contract, alerts_on_failure, threshold, overdue_after)
        SELECT 'practice', name, 'raw', '', 'standard', 'evolve', true, 0.95, '1 day' FROM unnest(@tables) name
        """,
        new { tables });

    private static async Task<Guid> RunAsync(PostgresDatabase database, string kind = "sync") => await database.ScalarAsync<Guid>(
        "INSERT INTO etl.table_sync_runs (source, kind) VALUES ('practice', @kind) RETURNING table_sync_run_id", new { kind });

    /// <summary>One that was good is the table's last success too.</summary>
    private static Task AttemptAsync(
        PostgresDatabase database, Guid run, string table, string status, double hours, string mode = "full", string? code = null, long read = 0, long discarded = 0) =>
        database.ExecuteAsync(
            """
            WITH sync AS (
                INSERT INTO etl.table_syncs (table_sync_run_id, source, target_schema, table_name, importance, strategy, mode, status, started_at, finished_at,
                                             rows_read, rows_discarded, rows_inserted, verified, error_code)
                VALUES (@run, 'practice', 'raw', @table, 'standard', 'full_table', @mode, @status, now() - @age, CASE WHEN @status <> 'running' THEN now() - @age END,
                        @read, @discarded, CASE WHEN @status = 'completed' THEN 1 ELSE 0 END, CASE WHEN @status = 'completed' THEN 1 END, @code)
                RETURNING table_sync_id, finished_at, status, mode)
            INSERT INTO etl.table_states (target_schema, table_name, source, table_sync_id, last_success_at)
            SELECT 'raw', @table, 'practice', table_sync_id, finished_at FROM sync WHERE status = 'completed' AND mode <> 'undo'
            ON CONFLICT (target_schema, table_name) DO UPDATE SET last_success_at = excluded.last_success_at
            """,
            new { run, table, status, mode, age = TimeSpan.FromHours(hours), code, read, discarded });
}
