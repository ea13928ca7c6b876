using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Recovery;

/// <summary>Users who may not do everything: what they may do is done, and what they may not is told by table.</summary>
public sealed class RightsTests
{
    private const string Recovery = """
        GRANT USAGE ON SCHEMA etl TO $; GRANT SELECT ON ALL TABLES IN SCHEMA etl TO $;
        GRANT INSERT, UPDATE ON etl.ingestion_audits, etl.data_recoveries TO $; GRANT UPDATE ON raw_ingestions TO $;
        """;

    /// <summary>What it finds is kept only where it may be.</summary>
    [PostgresTheory]
    [InlineData("")]
    [InlineData("GRANT USAGE ON SCHEMA etl TO $; GRANT SELECT ON ALL TABLES IN SCHEMA etl TO $")]
    public async Task Who_may_only_read_finds_what_is_lost(string rights)
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(5), "processed");
        await using var user = await RestrictedUser.CreateAsync(health, rights);
        Assert.Equal(5, Assert.Single(await user.FindAsync()).Missing);
        Assert.Equal(0, await health.CountAsync("etl.ingestion_audits"));
    }

    [PostgresFact]
    public async Task A_table_that_may_not_be_read_is_not_judged()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var person = await health.AddUserAsync();
        await health.AddIngestionAsync(person, HealthDatabase.Internal(HealthDatabase.HeartRate(1), HealthDatabase.Glucose(1, 95, "finger")), "processed");
        await health.AddIngestionAsync(person, HealthDatabase.Internal(HealthDatabase.Glucose(2, 95, "finger")), "processed");
        await using var user = await RestrictedUser.CreateAsync(health, Recovery + "REVOKE SELECT ON blood_glucose_metrics FROM $");
        var finder = user.Finder();
        var audit = Assert.Single(await finder.FindAsync(new LostDataQuery(), progress: null, CancellationToken.None).ToListAsync());
        Assert.Equal((1L, 0L, 1L, true), (audit.Missing, audit.Rejected, audit.Unchecked, audit.IsRecoverable));
        Assert.Equal(("public.blood_glucose_metrics", 2L), (finder.Unchecked.Single().Key, finder.Unchecked.Single().Value));

        // Whoever can see everything must not find the half of it in its place.
        Assert.Equal(0, await health.CountAsync("etl.ingestion_audits"));
    }

    [PostgresTheory]
    [InlineData("SELECT", "REVOKE SELECT ON blood_glucose_metrics FROM $", 0)]
    [InlineData("INSERT", "", 2)]
    public async Task A_table_that_may_not_be_written_does_not_stop_the_others(string right, string rights, long audited)
    {
        await using var health = await HealthDatabase.OpenAsync();
        var person = await health.AddUserAsync();
        var mixed = await health.AddIngestionAsync(
            person, HealthDatabase.Internal(HealthDatabase.HeartRate(1), HealthDatabase.Glucose(1, 95, "finger"), HealthDatabase.Glucose(2, 95, "finger")));
        var glucose = await health.AddIngestionAsync(person, HealthDatabase.Internal(HealthDatabase.Glucose(3, 95, "finger")), "processed");
        await using var user = await RestrictedUser.CreateAsync(health, Recovery + "GRANT INSERT, UPDATE ON heart_rate_metrics TO $;" + rights);
        var options = new RecoveryOptions { RawIngestionIds = [mixed, glucose] };
        var preview = await user.PreviewAsync(options);
        var report = await user.RecoverAsync(options);
        Assert.Equal((1L, 3L), (report.TotalMetricsRecovered, report.TotalMetricsFailed));
        Assert.Equal(preview.TotalMetricsFailed, report.TotalMetricsFailed);
        Assert.Equal([RecoveryOutcome.PartiallyRecovered, RecoveryOutcome.Failed], report.Record.Select(record => record.Outcome).Order());
        var problem = Assert.Single(report.Record.Single(record => record.RawIngestionId == mixed).Problem);
        Assert.Equal(("NoPermission", right, "public.blood_glucose_metrics", 2L), (problem.Reason, problem.Name, problem.Table, problem.Count));

        // What the user may not do says nothing about the ingestion that it could do nothing for.
        Assert.Equal(("partial_success", "processed"), (await health.StatusAsync(mixed), await health.StatusAsync(glucose)));
        Assert.Equal(2, await health.CountAsync("etl.data_recoveries"));

        // What was seen is known, and can be brought back by somebody who has the right.
        Assert.Equal(audited, await health.CountAsync("etl.ingestion_audits"));
        Assert.Equal(audited == 0 ? 0 : 3, await health.Database.ScalarAsync<long>("SELECT coalesce(sum(missing), 0)::bigint FROM etl.ingestion_audits WHERE recoverable"));

        // Whoever has the right finds it recoverable, and recovers it.
        Assert.All(await health.FindAsync(), audit => Assert.True(audit.IsRecoverable));
        Assert.Equal(3, (await health.RecoverAsync(options)).TotalMetricsRecovered);
    }

    [PostgresFact]
    public async Task Rows_that_may_not_be_completed_are_told()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var person = await health.AddUserAsync();
        await health.Database.ExecuteAsync(
            "INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate) VALUES (@person, '2025-09-01T00:01Z', 61)", new { person });
        await health.AddIngestionAsync(person, HealthDatabase.Internal(HealthDatabase.HeartRate(1), HealthDatabase.HeartRate(2)));
        await using var user = await RestrictedUser.CreateAsync(health, Recovery + "GRANT INSERT ON heart_rate_metrics TO $");
        var record = Assert.Single((await user.RecoverAsync(new RecoveryOptions())).Record);
        Assert.Equal((1L, 0L, RecoveryOutcome.Recovered), (record.Recovered, record.Completed, record.Outcome));
        Assert.Equal(("NoPermission", "UPDATE", 1L), (record.Problem[0].Reason, record.Problem[0].Name, record.Problem[0].Count));
    }

    /// <summary>A role that may read the service's tables, and what it is granted beyond.</summary>
    private sealed class RestrictedUser(HealthDatabase health, EtlDatabase etl, string role) : IAsyncDisposable
    {
        private static readonly MetricMap Map = MetricMapReader.ReadBuiltIn();

        public static async Task<RestrictedUser> CreateAsync(HealthDatabase health, string rights)
        {
            var role = $"restricted_{Guid.NewGuid():n}";
            await health.Database.ExecuteAsync(
                $"CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; {rights.Replace("$", role, StringComparison.Ordinal)}");
            return new RestrictedUser(
                health,
                EtlDatabase.Connect(new ConnectionRequest
                {
                    ConnectionString = new NpgsqlConnectionStringBuilder(health.Database.ConnectionString) { Options = $"-c role={role}" }.ConnectionString,
                }),
                role);
        }

        public LostDataFinder Finder() => new(etl, Map);

        public ValueTask<List<IngestionAudit>> FindAsync() =>
            Finder().FindAsync(new LostDataQuery(), progress: null, CancellationToken.None).ToListAsync();

        public Task<Core.Recovery.Report.DataRecoveryReport> RecoverAsync(RecoveryOptions options) =>
            new RecoveryEngine(etl, Map).ExecuteAsync(options, progress: null, CancellationToken.None);

        public Task<Core.Recovery.Report.DataRecoveryReport> PreviewAsync(RecoveryOptions options) =>
            new RecoveryEngine(etl, Map).PreviewAsync(options, progress: null, CancellationToken.None);

        public async ValueTask DisposeAsync()
        {
            await etl.DisposeAsync();
            await health.Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }
}
