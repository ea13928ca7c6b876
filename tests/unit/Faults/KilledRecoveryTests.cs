using EtlTools.Core.Recovery.Engine;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Recovery;

namespace EtlTools.Tests.Faults;

/// <summary>A recovering process, killed at every step: before its commit nothing has changed, and it can be run again.</summary>
public sealed class KilledRecoveryTests
{
    [PostgresTheory]
    [MemberData(nameof(CrashPoints.Recovery), MemberType = typeof(CrashPoints))]
    public async Task Recovering(string crashPoint, bool isKept)
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(20));
        var before = await health.SnapshotAsync();
        Assert.True(
            await EngineProcess.RunToAsync(health.Database.ConnectionString, Path.GetTempPath(), crashPoint, "recover"),
            $"the recovery was not killed at {crashPoint}");
        Assert.Equal(isKept, before != await health.SnapshotAsync());

        // The server may take a moment to notice that the lock's owner is gone.
        await Steps.Until(async () => (await health.RecoverAsync()).SkippedRecords == 0);
        Assert.Equal(20, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal(1, await health.CountAsync("etl.data_recoveries"));
        Assert.Equal("Recovered", await health.Database.ScalarAsync<string>("SELECT outcome FROM etl.data_recoveries"));
    }

    [PostgresFact]
    public async Task Keeping_that_it_failed()
    {
        await using var health = await HealthDatabase.OpenAsync("""
            CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.processing_status = 'recovered' THEN NEW.raw_payload := '{}'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER tamper BEFORE UPDATE ON raw_ingestions FOR EACH ROW EXECUTE FUNCTION tamper();
            """);
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(20));
        var before = await health.SnapshotAsync();
        Assert.True(await EngineProcess.RunToAsync(
            health.Database.ConnectionString, Path.GetTempPath(), CrashPoints.FailedRecovery, "recover"));
        Assert.Equal(before, await health.SnapshotAsync());
        await Steps.Until(async () => (await health.RecoverAsync()).Record.Any(record => record.Outcome == RecoveryOutcome.Failed));
    }
}
