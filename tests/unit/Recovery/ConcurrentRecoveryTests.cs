using EtlTools.Core;
using EtlTools.Core.Recovery.Engine;
using EtlTools.TestEnvironment.HealthExport;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

public sealed class ConcurrentRecoveryTests
{
    [PostgresTheory]
    [InlineData("")]
    [InlineData(HealthExportSchema.WithoutUniqueKeys)]
    public async Task Two_recoveries_at_once_write_every_row_once(string differences)
    {
        await using var health = await HealthDatabase.OpenAsync(differences);
        var users = new[] { await health.AddUserAsync(), await health.AddUserAsync() };
        for (var i = 0; i < 12; i++)
        {
            // Neighbours overlap by half.
            await health.AddIngestionAsync(users[i % 2], HealthDatabase.HeartRates(100, first: 50 * (i / 2)));
        }

        var reports = await Task.WhenAll(health.RecoverAsync(), health.RecoverAsync());
        Assert.Equal(2 * 350, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal(2 * 350, reports.Sum(report => report.TotalMetricsRecovered));
        Assert.Equal(12, await health.Database.ScalarAsync<long>("SELECT count(*) FROM raw_ingestions WHERE processing_status = 'recovered'"));
        Assert.All(reports.SelectMany(report => report.Record), record => Assert.True(
            record.Outcome is RecoveryOutcome.Recovered or RecoveryOutcome.NothingMissing or RecoveryOutcome.Skipped, record.Outcome.ToString()));
    }

    [PostgresFact]
    public async Task An_ingestion_that_somebody_has_is_skipped()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(5));
        await using var holder = await health.Database.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var command = new Npgsql.NpgsqlCommand("SELECT FROM raw_ingestions FOR UPDATE", holder, transaction))
        {
            await command.ExecuteNonQueryAsync();
        }

        Assert.Equal(RecoveryOutcome.Skipped, Assert.Single((await health.RecoverAsync()).Record).Outcome);
        await transaction.RollbackAsync();
        Assert.Equal("error", await health.StatusAsync(id));
        Assert.Equal(0, await health.CountAsync("heart_rate_metrics"));
    }

    [PostgresFact]
    public async Task A_preview_counts_what_a_user_has_twice_once_and_keeps_nobody_elses_ingestions_locked()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var (done, waiting) = (await health.AddUserAsync(), await health.AddUserAsync());
        var old = DateTime.UtcNow.AddHours(-9);
        foreach (var user in new[] { done, waiting })
        {
            await health.AddIngestionAsync(user, HealthDatabase.HeartRates(100), createdAt: old);
            await health.AddIngestionAsync(user, HealthDatabase.HeartRates(100, first: 50), createdAt: old.AddHours(1));
            old = old.AddHours(2);
        }

        // Another recovery has the second user: the preview of the first one is over, and its locks are gone.
        await using var holder = await health.Database.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var command = new Npgsql.NpgsqlCommand(RecoverySql.LockUser, holder, transaction))
        {
            command.Parameters.AddWithValue("user", waiting);
            await command.ExecuteNonQueryAsync();
        }

        var preview = health.PreviewAsync(new RecoveryOptions { MaxConcurrency = 1 });
        await Faults.Steps.Until(() => health.Database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"));
        Assert.Equal(2, (await health.Database.QueryAsync<Guid>("SELECT id FROM raw_ingestions WHERE user_id = @done FOR UPDATE SKIP LOCKED", new { done })).Count());
        await transaction.RollbackAsync();

        var table = Assert.Single((await preview).Table);
        Assert.Equal((400L, 100L, 300L), (table.Expected, table.PresentBefore, table.Recovered));
        Assert.Equal(0, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal([table], (await health.RecoverAsync()).Table);
    }

    [PostgresFact]
    public async Task What_concerns_all_ends_the_run_and_marks_nothing_as_failed()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(5));
        await health.Database.ExecuteAsync("""
            CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_space BEFORE INSERT ON heart_rate_metrics FOR EACH STATEMENT EXECUTE FUNCTION no_space();
            """);
        var error = await Assert.ThrowsAsync<EtlException>(() => health.RecoverAsync());
        Assert.Equal("DiskFull", error.ErrorId);
        Assert.Equal("error", await health.StatusAsync(id));
        Assert.Equal(0, await health.CountAsync("etl.data_recoveries"));
    }

    [PostgresFact]
    public async Task A_payload_that_a_trigger_changes_is_not_kept()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(5));
        await health.Database.ExecuteAsync("""
            CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.processing_status = 'recovered' THEN NEW.raw_payload := '{}'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER tamper BEFORE UPDATE ON raw_ingestions FOR EACH ROW EXECUTE FUNCTION tamper();
            """);
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((RecoveryOutcome.Failed, "PayloadChanged"), (record.Outcome, record.ErrorCode));
        Assert.Equal("recovery_failed", await health.StatusAsync(id));
        Assert.Equal(0, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal("Failed PayloadChanged", await health.Database.ScalarAsync<string>("SELECT outcome || ' ' || error_code FROM etl.data_recoveries"));
    }
}
