using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Recovery;

/// <summary>An audit needs no right to write: what it finds is kept only where it may be.</summary>
public sealed class AuditRightsTests
{
    [PostgresTheory]
    [InlineData("audit_reader_no_ledger_test", "")]
    [InlineData("audit_reader_test", "GRANT USAGE ON SCHEMA etl TO audit_reader_test; GRANT SELECT ON ALL TABLES IN SCHEMA etl TO audit_reader_test")]
    public async Task A_user_who_may_only_read_finds_what_is_lost(string role, string rights)
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(5), "processed");
        await health.Database.ExecuteAsync($"CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; {rights}");
        try
        {
            await using var etl = EtlDatabase.Connect(new ConnectionRequest
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(health.Database.ConnectionString) { Options = $"-c role={role}" }.ConnectionString,
            });
            var audits = await new LostDataFinder(etl, MetricMapReader.ReadBuiltIn())
                .FindAsync(new LostDataQuery(), progress: null, CancellationToken.None).ToListAsync();
            Assert.Equal(5, Assert.Single(audits).Missing);
            Assert.Equal(0, await health.CountAsync("etl.ingestion_audits"));
        }
        finally
        {
            await health.Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }
}
