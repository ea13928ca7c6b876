using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Recovery;

namespace EtlTools.Tests.Host;

public sealed class RecoveryCommandTests
{
    [PostgresFact]
    public async Task Audit_preview_and_recover_say_what_they_found_and_did()
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(12));
        var folder = Directory.CreateTempSubdirectory("etl-report");
        try
        {
            var audit = await RunAsync("audit");
            Assert.Equal((1, "12", "SilentDataLoss"), (audit.ExitCode, HostWorkshop.Value(audit, "missing"), HostWorkshop.Value(audit, "cause")));
            var preview = await RunAsync("recover", "--what-if");
            Assert.Equal((0, "12", 0L), (preview.ExitCode, HostWorkshop.Value(preview, "recovered"), await health.CountAsync("heart_rate_metrics")));
            var recover = await RunAsync("recover", "--report", folder.FullName);
            Assert.Equal((0, "Recovered", 12L), (recover.ExitCode, HostWorkshop.Value(recover, "outcome"), await health.CountAsync("heart_rate_metrics")));
            Assert.Single(folder.GetFiles("data_recovery_report_*.json"));
            Assert.Equal(0, (await RunAsync("audit")).ExitCode);
            var unknown = await RunAsync("audit", "--user", Guid.NewGuid().ToString());
            Assert.Contains("IngestionUserNotFound", unknown.Output + unknown.Error, StringComparison.Ordinal);
            Assert.NotEqual(0, unknown.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        Task<HostProcess> RunAsync(params string[] arguments) =>
            HostProcess.RunAsync([.. arguments, "--connection", health.Database.ConnectionString]);
    }
}
