using EtlTools.Core;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Tables;
using EtlTools.TestEnvironment.HealthExport;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

/// <summary>Databases that differ from the usual one, each recovered to nothing missing and then left alone by a rerun.</summary>
public sealed class SchemaFlavourTests
{
    [PostgresFact]
    public async Task The_status_is_an_enum_that_lacks_the_words()
    {
        await using var health = await HealthDatabase.OpenAsync(HealthExportSchema.EnumStatus);
        var user = await health.AddUserAsync();
        var whole = await health.AddIngestionAsync(user, HealthDatabase.HeartRates(10), "failed");
        var poisoned = await health.AddIngestionAsync(
            user, HealthDatabase.Internal(HealthDatabase.HeartRate(100), HealthDatabase.HeartRate(101, "much")), "failed");

        // Without the words error and partial_success, failed is what stands for them.
        var report = await health.RecoverAsync();
        Assert.Equal(2, report.TotalRecords);
        Assert.Equal("completed", await health.StatusAsync(whole));
        Assert.Equal("failed", await health.StatusAsync(poisoned));
        Assert.Equal(
            "PartiallyRecovered,Recovered",
            await health.Database.ScalarAsync<string>("SELECT string_agg(outcome, ',' ORDER BY outcome) FROM etl.data_recoveries"));
        Assert.Equal(11, await health.CountAsync("heart_rate_metrics"));

        var lost = await health.AddIngestionAsync(user, HealthDatabase.Internal(HealthDatabase.HeartRate(102, "much")), "completed");
        await health.RecoverAsync(new RecoveryOptions { RawIngestionIds = [lost] });
        Assert.Equal("failed", await health.StatusAsync(lost));
        Assert.Equal("Failed completed failed", await health.Database.ScalarAsync<string>(
            "SELECT concat_ws(' ', outcome, original_status, new_status) FROM etl.data_recoveries WHERE raw_ingestion_id = @lost", new { lost }));

        var error = await Assert.ThrowsAsync<EtlException>(() => health.RecoverAsync(new RecoveryOptions { Status = ["error"] }));
        Assert.Equal("StatusUnknown", error.ErrorId);
    }

    [PostgresFact]
    public async Task A_check_allows_some_statuses_only()
    {
        await using var health = await HealthDatabase.OpenAsync(
            "ALTER TABLE raw_ingestions ADD CONSTRAINT known CHECK (processing_status IN ('pending', 'processed', 'error'));");
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(3));
        await health.RecoverAsync();
        Assert.Equal("processed", await health.StatusAsync(id));
    }

    [PostgresFact]
    public async Task Tables_are_partitioned_and_a_metric_without_a_partition_stays_behind()
    {
        await using var health = await HealthDatabase.OpenAsync(HealthExportSchema.Partitioned);
        var user = await health.AddUserAsync();
        var id = await health.AddIngestionAsync(
            user,
            HealthDatabase.Internal(
                HealthDatabase.HeartRate(1),
                HealthDatabase.HeartRate(2, start: new DateTime(2025, 3, 1, 0, 0, 0, DateTimeKind.Utc)),
                HealthDatabase.HeartRate(3, start: new DateTime(1999, 3, 1, 0, 0, 0, DateTimeKind.Utc))));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((RecoveryOutcome.PartiallyRecovered, 2L, 1L), (record.Outcome, record.Recovered, record.Failed));
        Assert.Equal(nameof(RefusalReason.NoPartition), Assert.Single(record.Problem).Reason);
        Assert.Equal("partial_success", await health.StatusAsync(id));
        await AssertRerunAsync(health);
    }

    [PostgresFact]
    public async Task No_table_has_a_unique_key()
    {
        await using var health = await HealthDatabase.OpenAsync(HealthExportSchema.WithoutUniqueKeys);
        var user = await health.AddUserAsync();
        for (var i = 0; i < 3; i++)
        {
            await health.AddIngestionAsync(user, HealthDatabase.HeartRates(50, first: 20 * i));
        }

        var report = await health.RecoverAsync();
        Assert.Equal(90, report.TotalMetricsRecovered);
        Assert.Equal(90, await health.CountAsync("heart_rate_metrics"));
        await AssertRerunAsync(health);
    }

    [PostgresTheory]
    [InlineData("")]
    [InlineData(HealthExportSchema.WithoutUniqueKeys)]
    public async Task A_part_of_the_key_is_null(string differences)
    {
        await using var health = await HealthDatabase.OpenAsync(differences);
        var user = await health.AddUserAsync();
        await health.AddIngestionAsync(
            user,
            HealthDatabase.Internal(
                HealthDatabase.Glucose(1, 90, null),
                HealthDatabase.Glucose(1, 90, null),
                HealthDatabase.Glucose(1, 91, "meter"),
                HealthDatabase.Glucose(2, 92, null)));
        var audit = Assert.Single(await health.FindAsync());
        Assert.Equal((3L, 3L, 1L), (audit.Expected, audit.Missing, audit.Duplicates));
        Assert.Equal(3, (await health.RecoverAsync()).TotalMetricsRecovered);
        Assert.Empty(await health.FindAsync());
        await AssertRerunAsync(health);
    }

    [PostgresFact]
    public async Task A_part_of_the_key_has_a_default()
    {
        await using var health = await HealthDatabase.OpenAsync(
            "ALTER TABLE blood_glucose_metrics ALTER glucose_source SET DEFAULT 'unknown', ALTER glucose_source SET NOT NULL;");
        await health.AddIngestionAsync(
            await health.AddUserAsync(), HealthDatabase.Internal(HealthDatabase.Glucose(1, 90, null), HealthDatabase.Glucose(1, 91, "meter")));
        Assert.Equal(2, (await health.RecoverAsync()).TotalMetricsRecovered);
        Assert.Empty(await health.FindAsync());
        await AssertRerunAsync(health);
    }

    [PostgresFact]
    public async Task Labels_differ_columns_lack_and_one_is_generated()
    {
        await using var health = await HealthDatabase.OpenAsync("""
            ALTER TYPE activity_context RENAME VALUE 'resting' TO 'AT_REST';
            ALTER TYPE activity_context RENAME VALUE 'walking' TO 'WALKING';
            ALTER TABLE heart_rate_metrics DROP COLUMN source_device;
            ALTER TABLE heart_rate_metrics ADD COLUMN is_high boolean GENERATED ALWAYS AS (heart_rate > 100) STORED;
            ALTER TABLE heart_rate_metrics ADD CONSTRAINT not_both CHECK (NOT (is_high AND heart_rate = 120));
            DROP TABLE symptoms;
            """);
        await health.AddIngestionAsync(
            await health.AddUserAsync(),
            HealthDatabase.Internal(
                HealthDatabase.HeartRate(1, 110, "walking"),
                HealthDatabase.HeartRate(2, 110, "resting"),
                HealthDatabase.HeartRate(3, 120),
                new { type = "Symptom", recorded_at = "2025-09-01T00:00:00Z", symptom_type = "headache", severity = "mild" }));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((RecoveryOutcome.PartiallyRecovered, 2L, 2L), (record.Outcome, record.Recovered, record.Failed));
        Assert.Equal(
            ["CheckConstraint not_both 1 True", "NoColumn source_device 3 False", "NoTable  1 True", "UnfitValue context 2 False"],
            record.Problem.Select(problem => $"{problem.Reason} {problem.Name} {problem.Count} {problem.IsRowLost}").Order());
        Assert.Equal(
            "WALKING,-",
            await health.Database.ScalarAsync<string>(
                "SELECT string_agg(coalesce(context::text, '-'), ',' ORDER BY recorded_at) FROM heart_rate_metrics WHERE is_high"));
        await AssertRerunAsync(health);
    }

    [PostgresFact]
    public async Task It_is_in_a_schema_of_its_own()
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(3));
        await health.Database.ExecuteAsync("ALTER SCHEMA public RENAME TO health");
        Assert.Equal("health.heart_rate_metrics", Assert.Single(Assert.Single(await health.FindAsync()).Table).Table);
        Assert.Equal(3, (await health.RecoverAsync(new RecoveryOptions { Schema = "health" })).TotalMetricsRecovered);
    }

    private static async Task AssertRerunAsync(HealthDatabase health)
    {
        var before = await health.SnapshotAsync(withRecoveries: false);
        var again = await health.RecoverAsync(new RecoveryOptions
        {
            RawIngestionIds = await health.Database.QueryAsync<Guid>("SELECT id FROM raw_ingestions"),
        });
        Assert.Equal(0, again.TotalMetricsRecovered + again.TotalMetricsCompleted);
        Assert.Equal(before, await health.SnapshotAsync(withRecoveries: false));
    }
}
