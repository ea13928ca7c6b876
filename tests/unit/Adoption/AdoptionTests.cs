using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Core.Staging;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Adoption;

/// <summary>An existing Indici database, with its data, under EtlTools.</summary>
public sealed class AdoptionTests : IAsyncLifetime
{
    private const string Name = "685146_535_Medicine_202508180544_202508181044_2508181044.csv";
    private static readonly string[] Row = ["1", "Aspirin", "", "", "", "", "1", "0", "685146", "535", "2025-08-18 10:44:00.000"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etl-adopt-");
    private PostgresDatabase _database = null!;
    private EtlDatabase _etl = null!;
    private PipelineConfig _pipeline = null!;

    public async Task InitializeAsync()
    {
        if (PostgresServer.SkipReason is not null)
        {
            return;
        }

        _pipeline = PipelineReader.Read("indici") with
        {
            Source = new SourceConfig { Kind = SourceKind.Folder, Path = _folder.FullName },
        };
        _database = await PostgresDatabase.CreateAsync();
        await _database.ExecuteAsync(DeploymentSchema.Sql(_pipeline));
        _etl = _database.OpenEtl();
    }

    public async Task DisposeAsync()
    {
        if (_database is not null)
        {
            await _etl.DisposeAsync();
            await _database.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [PostgresFact]
    public async Task Its_data_stays_and_every_raw_table_can_show_supersession()
    {
        await LoadAsTheOldSystemDidAsync("hash", ["1", "2"]);
        var planned = await new SchemaManager(_etl).PlanAsync(_pipeline, default);
        Assert.All(planned, step => Assert.Equal("Pending", step.Status));
        Assert.False(await _database.ScalarAsync<bool>("SELECT to_regclass('etl.schema_migrations') IS NOT NULL"));

        // What was told is what is done, in that order.
        var applied = await new SchemaManager(_etl).ApplyAsync(_pipeline, null, default);
        Assert.Equal(planned.Select(step => (step.Order, step.Kind, step.Target)), applied.Select(step => (step.Order, step.Kind, step.Target)));
        Assert.Single(applied, step => step.Kind == "Index");
        Assert.Empty(await new SchemaManager(_etl).ApplyAsync(_pipeline, null, default));
        Assert.Equal(2, await _database.ScalarAsync<long>("SELECT count(*) FROM stg.medicine"));
        Assert.Equal(18, await _database.ScalarAsync<long>(
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'raw' AND table_name LIKE '%\\_history' AND column_name = 'is_superseded'"));
        Assert.Equal("2025-08-18 10:44:00", await _database.ScalarAsync<string>("SELECT extracted_at::text FROM etl.load_run_files"));
        Assert.Equal(1, await _database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_indexes WHERE indexname = 'load_run_files_unique_idx' AND indexdef LIKE '%(s3_version_id, file_hash, attempt)%'"));
    }

    [PostgresFact]
    public async Task What_it_had_loaded_is_recognised()
    {
        Write(Row);
        using var source = SourceStoreFactory.Create(_pipeline.Source);
        var known = await source.FindAsync(Name, default);
        await LoadAsTheOldSystemDidAsync(FileIdentity.Hash(known!), ["1"]);
        await InitializeSchemaAsync();

        Assert.Empty(await PlanAsync());
    }

    [PostgresFact]
    public async Task A_file_it_loaded_is_reprocessed_and_its_rows_come_back_by_undo()
    {
        Write(["1", "Aspirin 100", .. Row[2..]]);
        using var source = SourceStoreFactory.Create(_pipeline.Source);
        await LoadAsTheOldSystemDidAsync(FileIdentity.Hash((await source.FindAsync(Name, default))!), ["1", "2"]);
        await InitializeSchemaAsync();
        var engine = new ReprocessEngine(_etl, _pipeline);

        var receipt = Assert.Single(await engine.ExecuteAsync(
            new ReprocessTarget { LoadRunFileIds = [1] }, new ReprocessOptions { Reason = "repair" }, null, default));
        Assert.Equal("Completed", receipt.Status);
        Assert.Equal((1L, 1L), (receipt.Staging!.Changed, receipt.Staging.Withdrawn));
        Assert.Equal(2, await _database.ScalarAsync<long>("SELECT count(*) FROM raw.medicine_history WHERE is_superseded"));
        await RequireIntactAsync();

        await engine.UndoAsync([receipt.ReceiptId!.Value], "not yet", default);
        Assert.Equal("Old 1/Old 2", await _database.ScalarAsync<string>("SELECT string_agg(medicine_name, '/' ORDER BY medicine_name) FROM stg.medicine"));
        await RequireIntactAsync();
    }

    [PostgresFact]
    public async Task Rows_that_a_failed_attempt_left_behind_go_when_the_file_is_loaded()
    {
        Write(Row);
        using var source = SourceStoreFactory.Create(_pipeline.Source);
        await LoadAsTheOldSystemDidAsync(FileIdentity.Hash((await source.FindAsync(Name, default))!), ["1", "2"], status: "failed");
        await InitializeSchemaAsync();

        var run = await new LoadEngine(_etl, _pipeline).LoadAsync(await PlanAsync(), new LoadOptions(), null, default);
        Assert.Equal(LoadRunStatus.Completed, run.Status);
        Assert.Equal("Aspirin", await _database.ScalarAsync<string>("SELECT string_agg(medicine_name, '/') FROM stg.medicine"));
        await RequireIntactAsync();
    }

    [PostgresFact]
    public async Task The_column_that_the_deployment_never_mapped_is_kept()
    {
        await InitializeSchemaAsync();
        var type = _pipeline.FindExtractType("PatientAlerts")!;
        var values = type.Columns.Where(column => column.InFile).Select(column => column.Name switch
        {
            "patient_alert_id" or "patient_id" => "1",
            "practice_id" => "535",
            "per_org_id" => "685146",
            "unmapped_33" => "kept",
            _ => "",
        });
        Assert.Equal(33, values.Count());
        Write([.. values], Name.Replace("Medicine", "PatientAlerts", StringComparison.Ordinal));
        await new LoadEngine(_etl, _pipeline).LoadAsync(await PlanAsync(), new LoadOptions(), null, default);

        Assert.Equal("kept", await _database.ScalarAsync<string>("SELECT unmapped_33 FROM raw.patient_alerts"));
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(*) FROM stg.patient_alerts"));
    }

    private Task InitializeSchemaAsync() => new SchemaManager(_etl).ApplyAsync(_pipeline, null, default);

    private Task<IReadOnlyList<LoadPlanItem>> PlanAsync() => new FileDiscovery(_etl, _pipeline).GetPlanAsync(
        new FileFilter(), TimeSpan.FromDays(30), [], 50, onUnrecognised: null, default);

    private async Task RequireIntactAsync()
    {
        await foreach (var result in new StagingIntegrity(_etl, _pipeline).TestAsync(["Medicine"], default))
        {
            Assert.True(result.IsIntact, result.ToString());
        }
    }

    private void Write(string[] row, string name = Name) => File.WriteAllText(
        Path.Combine(_folder.FullName, name), string.Join("|^^|", row) + "|~~|", new UnicodeEncoding(bigEndian: false, byteOrderMark: false));

    private Task LoadAsTheOldSystemDidAsync(string hash, string[] medicines, string status = "completed") => _database.ExecuteAsync(
        """
        INSERT INTO etl.load_runs (load_run_id, status, triggered_by) VALUES ('11111111-1111-1111-1111-111111111111', @status, 'scheduled');
        INSERT INTO etl.load_run_files (load_run_id, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id,
            practice_id, rows_read, rows_ingested, status)
        VALUES ('11111111-1111-1111-1111-111111111111', @folder, @name, '', @hash, '2508181044', 'Medicine', '685146', '535', 2, 2, @status);
        INSERT INTO raw.medicine (medicine_id, medicine_name, per_org_id, practice_id, load_run_file_id)
        SELECT m, 'Old ' || m, '685146', '535', 1 FROM unnest(@medicines) m;
        INSERT INTO stg.medicine (medicine_id, medicine_name, per_org_id, practice_id, load_run_file_id)
        SELECT m, 'Old ' || m, '685146', '535', 1 FROM unnest(@medicines) m;
        """,
        new { hash, medicines, status, folder = _folder.FullName, name = Name });
}
