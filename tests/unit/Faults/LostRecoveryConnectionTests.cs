using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Report;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Recovery;
using Npgsql;

namespace EtlTools.Tests.Faults;

/// <summary>Connections that break while a payload is read, copied or committed: what is reported is what the database has.</summary>
public sealed class LostRecoveryConnectionTests
{
    private const int Metrics = 20_000;

    [PostgresTheory]
    [InlineData(ProxyDirection.ToClient)] // while the payload is read
    [InlineData(ProxyDirection.ToServer)] // in the middle of the COPY
    public async Task Before_the_commit(ProxyDirection direction)
    {
        await using var health = await OpenAsync(Metrics);
        await using var proxy = ProxyTo(health).After(direction, 300_000, ProxyFault.CutBefore);
        var report = await RecoverAsync(health, proxy);
        Assert.True(proxy.Tripped.IsCompleted);
        await AssertRecoveredOnceAsync(health, report, Metrics);
    }

    /// <summary>Before: the server has not seen the COMMIT. After: it has committed, and the answer does not arrive.</summary>
    [PostgresTheory]
    [InlineData(ProxyFault.CutBefore)]
    [InlineData(ProxyFault.CutAfter)]
    public async Task At_the_commit(ProxyFault fault)
    {
        await using var health = await OpenAsync(50);
        await using var proxy = ProxyTo(health).At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, fault);
        var report = await RecoverAsync(health, proxy);
        Assert.True(proxy.Tripped.IsCompleted);
        await AssertRecoveredOnceAsync(health, report, 50);
    }

    [PostgresTheory]
    [InlineData(ProxyFault.CutBefore)]
    [InlineData(ProxyFault.CutAfter)]
    public async Task At_the_commit_of_a_failure(ProxyFault fault)
    {
        await using var health = await OpenAsync(50, """
            CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.processing_status = 'recovered' THEN NEW.raw_payload := '{}'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER tamper BEFORE UPDATE ON raw_ingestions FOR EACH ROW EXECUTE FUNCTION tamper();
            """);
        await using var proxy = ProxyTo(health).At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, fault);
        var record = Assert.Single((await RecoverAsync(health, proxy)).Record);
        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal((RecoveryOutcome.Failed, "PayloadChanged", "recovery_failed"), (record.Outcome, record.ErrorCode, record.Status));
        Assert.Equal([record.DataRecoveryId!.Value], await health.Database.QueryAsync<Guid>("SELECT data_recovery_id FROM etl.data_recoveries"));
        Assert.Equal(0, await health.CountAsync("heart_rate_metrics"));
    }

    [PostgresFact]
    public async Task At_a_commit_of_which_nobody_tells_how_it_ended()
    {
        await using var health = await OpenAsync(50);
        await using var proxy = ProxyTo(health).At(ProxyDirection.ToServer, TcpProxy.PostgresCommit, ProxyFault.Stall);
        await using var etl = Through(health, proxy);
        etl.Patience = new NetworkPatience { Commit = TimeSpan.FromSeconds(1), Outcome = TimeSpan.FromSeconds(1) };
        var error = await Assert.ThrowsAsync<EtlException>(() => new RecoveryEngine(etl, MetricMapReader.ReadBuiltIn())
            .ExecuteAsync(new RecoveryOptions(), progress: null, CancellationToken.None));
        Assert.Equal("CommitUnknown", error.ErrorId);
        Assert.Contains("etl.data_recoveries has a row", error.NextStep, StringComparison.Ordinal);

        // The server gives the session up at last.
        await health.Database.TerminateSessionsAsync();
        Assert.Equal(50, (await health.RecoverAsync()).TotalMetricsRecovered);
    }

    [PostgresFact]
    public async Task In_an_audit()
    {
        await using var health = await OpenAsync(Metrics);
        await using var proxy = ProxyTo(health).After(ProxyDirection.ToClient, 100_000, ProxyFault.CutBefore);
        await using var etl = Through(health, proxy);
        var audit = Assert.Single(await new LostDataFinder(etl, MetricMapReader.ReadBuiltIn())
            .FindAsync(new LostDataQuery(), progress: null, CancellationToken.None).ToListAsync());
        Assert.True(proxy.Tripped.IsCompleted);
        Assert.Equal((Metrics, Metrics), (audit.Expected, audit.Missing));
    }

    private static async Task<HealthDatabase> OpenAsync(int metrics, string differences = "")
    {
        var health = await HealthDatabase.OpenAsync(differences);
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(metrics));
        return health;
    }

    private static async Task AssertRecoveredOnceAsync(HealthDatabase health, DataRecoveryReport report, int metrics)
    {
        var record = Assert.Single(report.Record);
        Assert.Equal((RecoveryOutcome.Recovered, metrics, true), (record.Outcome, record.Recovered, record.IsVerified));
        Assert.Equal(metrics, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal([record.DataRecoveryId!.Value], await health.Database.QueryAsync<Guid>("SELECT data_recovery_id FROM etl.data_recoveries"));
        Assert.Empty(await health.FindAsync());
    }

    private static async Task<DataRecoveryReport> RecoverAsync(HealthDatabase health, TcpProxy proxy)
    {
        await using var etl = Through(health, proxy);
        return await new RecoveryEngine(etl, MetricMapReader.ReadBuiltIn()).ExecuteAsync(new RecoveryOptions(), progress: null, CancellationToken.None);
    }

    private static TcpProxy ProxyTo(HealthDatabase health)
    {
        var server = new NpgsqlConnectionStringBuilder(health.Database.ConnectionString);
        return TcpProxy.Start(server.Host!, server.Port);
    }

    private static EtlDatabase Through(HealthDatabase health, TcpProxy proxy) => EtlDatabase.Connect(new ConnectionRequest
    {
        ConnectionString = new NpgsqlConnectionStringBuilder(health.Database.ConnectionString)
        {
            Host = "127.0.0.1",
            Port = proxy.Port,
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString,
    });
}
