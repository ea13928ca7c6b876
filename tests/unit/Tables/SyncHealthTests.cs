using EtlTools.Core.Health;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Health;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>What health says after real syncs; neither source nor configuration is asked for it.</summary>
public sealed class SyncHealthTests
{
    private const string Rows = """
        CREATE TABLE fee (FeeNum int PRIMARY KEY, Code varchar(20));
        INSERT INTO fee SELECT seq, CONCAT('c', seq) FROM seq_1_to_10;
        CREATE TABLE note (NoteNum int PRIMARY KEY);
        INSERT INTO note SELECT seq FROM seq_1_to_10;
        """;

    private static readonly TableConfig Fee = new() { Name = "fee", Importance = TableImportance.Critical };
    private static readonly TableConfig Note = new() { Name = "note" };

    [MariaDbFact]
    public async Task What_is_configured_is_known_with_its_limits_and_forgotten_when_it_is_taken_out()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee with
        {
            Contract = SchemaContract.DiscardRow,
            Monitoring = new TableMonitoring { AlertsOnFailure = false, TimeLimit = TimeSpan.FromMinutes(7), Threshold = 0.5, OverdueAfter = TimeSpan.FromDays(9) },
        }, Note);
        await work.SyncAsync(new TableSyncOptions { Names = ["note"] });

        var (fee, note) = (await FindAsync(work, "fee"), await FindAsync(work, "note"));
        Assert.Equal(
            ("practice", "raw", TableImportance.Critical, TimeSpan.FromMinutes(7), 0.5, TimeSpan.FromDays(9)),
            (fee.Source, fee.Schema, fee.Importance, fee.TimeLimit!.Value, fee.Threshold, fee.OverdueAfter));
        Assert.Equal((null, 0L), (fee.LastSuccessAt, fee.Total));
        Assert.Equal((1L, 10L, 1.0, TimeSpan.FromDays(1)), (note.Total, note.RowsRead, note.Verified!.Value, note.OverdueAfter));
        var versions = await work.Copy.QueryAsync<string>("SELECT xmin::text FROM etl.configured_tables");

        await work.SyncAsync(new TableSyncOptions { Names = ["note"] });
        Assert.Equal(versions, await work.Copy.QueryAsync<string>("SELECT xmin::text FROM etl.configured_tables"));

        // What another file says of the same source leaves those of this one alone.
        work.Config = new TableSyncConfig { Path = "other.yaml", Tables = [Note with { Importance = TableImportance.Audit }] };
        await work.SyncAsync();
        Assert.Equal([("fee", TableImportance.Critical), ("note", TableImportance.Audit)], await ConfiguredAsync());

        work.Config = new TableSyncConfig { Tables = [Note] };
        await work.SyncAsync();
        Assert.Equal([("note", TableImportance.Standard)], await ConfiguredAsync());

        async Task<IEnumerable<(string, TableImportance)>> ConfiguredAsync() =>
            (await TableHealthTests.GetAsync(work.Copy)).Table.Select(table => (table.Name, table.Importance));
    }

    [MariaDbFact]
    public async Task A_critical_table_that_fails_is_critical_at_once_until_it_succeeds()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee, Note);
        await work.SyncAsync();
        Assert.Equal(HealthStatus.Healthy, (await TableHealthTests.GetAsync(work.Copy)).Status);

        await work.Source.ExecuteAsync("RENAME TABLE fee TO away");
        await work.FailAsync(new TableSyncOptions { Names = ["fee"] });
        var health = await TableHealthTests.GetAsync(work.Copy);
        var alert = Assert.Single(health.Alert);
        Assert.Equal(("TableFailing", HealthSeverity.Critical, AlertTier.Immediate), (alert.Id, alert.Severity, alert.Tier));
        Assert.Equal("Table syncs: 1 critical table failing: fee (1 failure since the last success, the last with SourceTableMissing).", alert.Message);

        await work.Source.ExecuteAsync("RENAME TABLE away TO fee");
        await work.SyncAsync();
        health = await TableHealthTests.GetAsync(work.Copy);
        Assert.Equal((HealthStatus.Healthy, 1L), (health.Status, health.Overall.Single(one => one.Family == PipelineFamily.Table).Recovered));
    }

    [MariaDbFact]
    public async Task Rows_that_do_not_arrive_are_below_the_threshold_with_their_share()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee);
        await work.SyncAsync();
        await work.Copy.ExecuteAsync("CREATE FUNCTION raw.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER skip BEFORE INSERT ON raw.fee FOR EACH ROW EXECUTE FUNCTION raw.skip()");
        await work.Source.ExecuteAsync("INSERT INTO fee SELECT seq, 'x' FROM seq_11_to_40");
        Assert.Equal("TableVerificationFailed", (await work.FailAsync()).ErrorCode);

        var finding = (await FindAsync(work, "fee")).Finding.Single(one => one.Kind == FindingKind.BelowThreshold);

        Assert.Equal((0.25, 0.95, HealthSeverity.Critical), (finding.Value, finding.Limit, finding.Severity));
        Assert.Equal("25% of the rows read are in the copy; the limit is 95%", finding.Message);
    }

    [MariaDbFact]
    public async Task Drift_that_the_copy_followed_is_told_of_once()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee);
        await work.SyncAsync();
        Assert.Empty((await FindAsync(work, "fee")).Finding);

        await work.Source.ExecuteAsync("ALTER TABLE fee ADD `New One` int, DROP Code");
        await work.SyncAsync();
        Assert.Equal("Code is gone, New One is new", (await FindAsync(work, "fee")).Finding.Single().Message);

        // What is gone is gone at every sync; two days later it is known.
        await work.Copy.ExecuteAsync("UPDATE etl.table_syncs SET started_at = started_at - interval '2 days', finished_at = finished_at - interval '2 days'");
        Assert.Equal(["Code is gone"], (await work.SyncOneAsync()).Drift);
        Assert.Empty((await FindAsync(work, "fee")).Finding);
    }

    [MariaDbTheory]
    [InlineData(SchemaContract.DiscardRow, "New One is new; 2 rows left out")]
    [InlineData(SchemaContract.DiscardValue, "New One is new")]
    [InlineData(SchemaContract.Freeze, "its columns changed, and nothing is synced (SchemaDrift)")]
    public async Task What_a_contract_leaves_out_or_stops_is_drift(SchemaContract contract, string message)
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee with { Contract = contract, Monitoring = new TableMonitoring { Threshold = 0.5 } });
        await work.SyncAsync();
        await work.Source.ExecuteAsync("ALTER TABLE fee ADD `New One` int; UPDATE fee SET `New One` = 1 WHERE FeeNum <= 2");
        await work.Engine.SyncAsync(new TableSyncOptions(), null, CancellationToken.None);

        Assert.Equal(message, (await FindAsync(work, "fee")).Finding.Single(one => one.Kind == FindingKind.Drifted).Message);
    }

    [MariaDbFact]
    public async Task A_sync_that_its_limit_ends_is_slow_and_one_that_takes_longer_than_usual()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee, Note with { Monitoring = new TableMonitoring { TimeLimit = TimeSpan.FromMilliseconds(1) } });
        for (var sync = 0; sync < 4; sync++)
        {
            await work.SyncAsync(new TableSyncOptions { Names = ["fee"] });
        }

        await work.Copy.ExecuteAsync("UPDATE etl.table_syncs SET started_at = finished_at - interval '1 hour' WHERE table_sync_id = (SELECT max(table_sync_id) FROM etl.table_syncs)");
        await work.Engine.SyncAsync(new TableSyncOptions { Names = ["note"] }, null, CancellationToken.None);

        Assert.StartsWith("took 1h; usual is", (await FindAsync(work, "fee")).Finding.Single().Message, StringComparison.Ordinal);
        Assert.Equal([FindingKind.Failing, FindingKind.Slow], (await FindAsync(work, "note")).Finding.Select(finding => finding.Kind));
    }

    [MariaDbFact]
    public async Task An_undo_is_no_success_and_no_sync()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("UPDATE fee SET Code = 'other'");
        var sync = await work.SyncOneAsync();
        await work.Copy.ExecuteAsync("UPDATE etl.table_states SET last_success_at = now() - interval '25 hours'");
        var undone = Assert.Single(await UndoAsync(sync));

        var health = await TableHealthTests.GetAsync(work.Copy);

        Assert.Equal([FindingKind.Overdue], health.Table.Single().Finding.Select(finding => finding.Kind));
        Assert.Equal(2, health.Overall.Single(one => one.Family == PipelineFamily.Table).Total);
        var advice = health.Recommendation.Single(one => one.Text.StartsWith("Undone", StringComparison.Ordinal));
        Assert.StartsWith("Undone and not synced since: 1 table of practice (fee).", advice.Text, StringComparison.Ordinal);
        Assert.Equal("Sync-Table -Name 'fee' -Source 'practice' -WhatIf", advice.Command);

        // The undo of the undo brings the sync again: nothing is undone.
        await UndoAsync(undone);
        Assert.DoesNotContain((await TableHealthTests.GetAsync(work.Copy)).Recommendation, one => one.Text.StartsWith("Undone", StringComparison.Ordinal));
        await work.SyncAsync();
        Assert.Empty((await TableHealthTests.GetAsync(work.Copy)).Recommendation);

        Task<IReadOnlyList<TableSync>> UndoAsync(TableSync one) => new TableUndoEngine(work.Database, work.Settings).ExecuteAsync(
            new TableUndoTarget { TableSyncIds = [one.TableSyncId!.Value] }, "wrong", CancellationToken.None);
    }

    [MariaDbFact]
    public async Task A_source_that_is_forgotten_is_counted_no_more()
    {
        await using var work = await SyncWorkshop.CreateAsync(Rows, Fee, Note);
        await work.SyncAsync();
        await work.Source.ExecuteAsync("RENAME TABLE fee TO away");
        await work.FailAsync(new TableSyncOptions { Names = ["fee"] });
        var register = new TableRegister(work.Database);

        await register.RemoveAsync([new RegisteredTableTarget("practice", "fee")], isPreview: false, CancellationToken.None);
        var health = await TableHealthTests.GetAsync(work.Copy);
        var tables = health.Overall.Single(one => one.Family == PipelineFamily.Table);
        Assert.Equal((1L, 0L, 0), (tables.Total, tables.Failed, health.ErrorPattern.Count));

        await register.RemoveAsync([new RegisteredTableTarget("practice", null)], isPreview: false, CancellationToken.None);
        Assert.DoesNotContain((await TableHealthTests.GetAsync(work.Copy)).Overall, one => one.Family == PipelineFamily.Table);
    }

    private static async Task<HealthTable> FindAsync(SyncWorkshop work, string table) =>
        (await TableHealthTests.GetAsync(work.Copy)).Table.Single(one => one.Name == table);
}
