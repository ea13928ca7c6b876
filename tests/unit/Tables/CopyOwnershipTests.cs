using EtlTools.Core;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>Copies that were not left as they were: another source wants them, or somebody has emptied them.</summary>
public sealed class CopyOwnershipTests
{
    private const string Patients = """
        CREATE TABLE patient (PatNum bigint PRIMARY KEY, LName varchar(20), DateTStamp datetime);
        INSERT INTO patient SELECT seq, CONCAT('L', seq), '2024-01-01' + INTERVAL seq DAY FROM seq_1_to_20;
        """;

    private static readonly TableConfig Patient = new()
    {
        Name = "patient", Strategy = SyncStrategy.Incremental, IncrementalColumns = ["DateTStamp"],
    };

    [MariaDbFact]
    public async Task Another_source_does_not_replace_the_rows_of_one_that_is_registered()
    {
        await using var work = await SyncWorkshop.CreateAsync(Patients, Patient);
        await work.SyncAsync();
        await using var branch = await MariaDbDatabase.CreateAsync(Patients + "DELETE FROM patient WHERE PatNum < 20");
        var engine = new TableSyncEngine(
            work.Database, SyncWorkshop.ConnectionTo(branch.Port, branch.Name) with { Name = "branch" }, work.Config, work.Settings);
        var versions = await work.VersionsAsync("patient");
        var error = await Assert.ThrowsAsync<EtlException>(() => engine.SyncAsync(new TableSyncOptions(), progress: null, CancellationToken.None));
        Assert.Equal(("TargetTableTaken", "raw.patient"), (error.ErrorId, error.Target));
        Assert.Contains("Unregister-TableSync -Source practice", error.NextStep, StringComparison.Ordinal);
        await Assert.ThrowsAsync<EtlException>(() => engine.PlanAsync(new TableSyncOptions(), CancellationToken.None));
        Assert.Equal(versions, await work.VersionsAsync("patient"));
        Assert.Equal(0, await work.CountAsync("etl.configured_tables WHERE source = 'branch'"));
        Assert.Equal("success", await work.Copy.ScalarAsync<string>("SELECT load_status FROM raw.etl_load_status"));
        var status = await new TableStatusReader(work.Database, "branch", work.Config, work.Settings).ReadAsync(new TableSyncOptions(), CancellationToken.None);
        Assert.Equal((TableCondition.Pending, null), (status[0].Condition, status[0].LastSuccessAt));

        // The practice is retired: what is known of its rows does not lead to those of the branch.
        await new TableRegister(work.Database).RemoveAsync([new RegisteredTableTarget("practice", null)], isPreview: false, CancellationToken.None);
        var sync = Assert.Single(await engine.SyncAsync(new TableSyncOptions(), progress: null, CancellationToken.None));
        Assert.Equal((SyncMode.Full, TableSyncStatus.Completed, 1L, 1L), (sync.Mode, sync.Status, sync.RowsRead, await work.CountAsync("raw.patient")));
    }

    [MariaDbFact]
    public async Task A_source_that_is_pointed_at_another_database_is_read_anew()
    {
        await using var work = await SyncWorkshop.CreateAsync(Patients, Patient);
        await work.SyncAsync();

        // Its rows are older than the watermark.
        await using var other = await MariaDbDatabase.CreateAsync(Patients + "UPDATE patient SET LName = 'other'; DELETE FROM patient WHERE PatNum > 15");
        var engine = new TableSyncEngine(work.Database, SyncWorkshop.ConnectionTo(other.Port, other.Name), work.Config, work.Settings);
        var sync = Assert.Single(await engine.SyncAsync(new TableSyncOptions(), progress: null, CancellationToken.None));
        Assert.Equal((SyncMode.Full, 15L, 5L), (sync.Mode, sync.RowsUpdated, sync.RowsDeleted));
        Assert.Equal(SyncMode.Incremental, Assert.Single(await engine.SyncAsync(new TableSyncOptions(), progress: null, CancellationToken.None)).Mode);
    }

    [MariaDbTheory]
    [InlineData(SyncStrategy.Incremental)]
    [InlineData(SyncStrategy.IncrementalChunked)]
    public async Task A_copy_that_somebody_emptied_is_read_anew(SyncStrategy strategy)
    {
        await using var work = await SyncWorkshop.CreateAsync(Patients, Patient with { Strategy = strategy, BatchSize = 7 });
        await work.SyncAsync();
        await work.Copy.ExecuteAsync("TRUNCATE raw.patient");
        var sync = await work.SyncOneAsync();
        Assert.Equal((SyncMode.Full, 20L), (sync.Mode, sync.RowsInserted));
        await work.AssertEqualAsync("patient", columns: ["PatNum", "LName"]);
        Assert.Equal(SyncMode.Incremental, (await work.SyncOneAsync()).Mode);
    }

    [MariaDbFact]
    public async Task A_table_called_like_the_tracking_table_does_not_replace_it()
    {
        await using var work = await SyncWorkshop.CreateAsync(
            Patients + "CREATE TABLE etl_load_status (id int PRIMARY KEY); INSERT INTO etl_load_status VALUES (1)", Patient, new TableConfig { Name = "etl_load_status" });
        var done = await work.Engine.SyncAsync(new TableSyncOptions(), progress: null, CancellationToken.None);
        Assert.Equal(["TargetTableTaken"], done.Select(sync => sync.ErrorCode).OfType<string>());
        Assert.Equal("etl_load_status failed,patient success", await work.Copy.ScalarAsync<string>(
            "SELECT string_agg(table_name || ' ' || load_status, ',' ORDER BY table_name) FROM raw.etl_load_status"));
    }
}
