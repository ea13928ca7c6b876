using System.Text.Json;
using EtlTools.Core;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Report;

namespace EtlTools.Tests.Recovery;

public sealed class RecoveryReportTests
{
    private static readonly Guid User = Guid.NewGuid();
    private static readonly Guid Ingestion = Guid.NewGuid();

    [Fact]
    public async Task It_has_every_field_of_the_tool_it_follows_and_the_outcome_of_each_record()
    {
        var folder = Directory.CreateTempSubdirectory("etl-report");
        try
        {
            var file = RecoveryReportFile.Locate(folder.FullName, new DateTimeOffset(2025, 9, 8, 7, 6, 5, TimeSpan.Zero));
            Assert.Equal("data_recovery_report_20250908_070605.json", Path.GetFileName(file));
            await RecoveryReportFile.WriteAsync(Sample(), file, CancellationToken.None);
            Assert.NotEqual(file, RecoveryReportFile.Locate(folder.FullName, new DateTimeOffset(2025, 9, 8, 7, 6, 5, TimeSpan.Zero)));
            Assert.Single(folder.GetFiles());
            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(file));
            var root = json.RootElement;
            Assert.Equal((2L, 1L, 1L, 0L), (Number("total_records"), Number("processed_records"), Number("failed_records"), Number("skipped_records")));
            Assert.Equal((5L, 3L), (Number("total_metrics_recovered"), Number("total_metrics_failed")));
            Assert.True(root.GetProperty("processing_time_seconds").GetDouble() >= 0);
            Assert.Equal("abc", root.GetProperty("verification_checksums").GetProperty(Ingestion.ToString()).GetString());
            Assert.Equal(1, root.GetProperty("error_breakdown").GetProperty("PostgreSQL Parameter Limit").GetInt64());
            var user = root.GetProperty("user_recovery_stats").GetProperty(User.ToString());
            Assert.Equal(50, user.GetProperty("data_loss_percentage").GetDouble());
            Assert.Equal(2, user.GetProperty("largest_payload_mb").GetDouble());
            Assert.Equal("CheckConstraint HeartRate low", user.GetProperty("processing_errors")[0].GetString());
            Assert.Equal((2L, 5L, 3L), (
                user.GetProperty("records_processed").GetInt64(), user.GetProperty("metrics_recovered").GetInt64(), user.GetProperty("metrics_failed").GetInt64()));
            Assert.Equal(
                ["PartiallyRecovered", "Failed"],
                root.GetProperty("records").EnumerateArray().Select(record => record.GetProperty("outcome").GetString()));

            long Number(string name) => root.GetProperty(name).GetInt64();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("no/such", "There is no folder")]
    [InlineData("no/such/report.json", "There is no folder")]
    [InlineData("notes.txt", "does not end in .json")]
    [InlineData("/proc/self", "cannot be written to the folder /proc/self: ")]
    public void A_place_that_cannot_take_it_is_found_out_beforehand(string path, string fault)
    {
        var folder = Directory.CreateTempSubdirectory("etl-report");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "notes.txt"), "");
            if (!OperatingSystem.IsLinux() && Path.IsPathRooted(path))
            {
                return;
            }

            var error = Assert.Throws<EtlException>(() => RecoveryReportFile.Locate(Path.Combine(folder.FullName, path), DateTimeOffset.UtcNow));
            Assert.Equal("ReportPathInvalid", error.ErrorId);
            Assert.Contains(fault, error.Message, StringComparison.Ordinal);
            Assert.Single(folder.GetFiles());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData(" 12 ", 12)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_batch_size_of_the_environment_is_read(string? text, int? expected) =>
        Assert.Equal(expected, BatchEnvironment.BatchSize(_ => text));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("many")]
    public void One_that_cannot_be_is_refused_by_its_name(string text)
    {
        var error = Assert.Throws<EtlException>(() => BatchEnvironment.MaxConcurrency(_ => text));
        Assert.Equal(("EnvironmentInvalid", BatchEnvironment.ConcurrencyName), (error.ErrorId, error.Target));
    }

    private static DataRecoveryReport Sample() => DataRecoveryReport.Of(
        [
            new DataRecovery
            {
                RawIngestionId = Ingestion,
                UserId = User,
                Outcome = RecoveryOutcome.PartiallyRecovered,
                Cause = LossCause.ParameterLimit,
                Expected = 12,
                PresentBefore = 6,
                Recovered = 5,
                Failed = 1,
                Sha256Before = "abc",
                PayloadBytes = 2 << 20,
                Problem = [new EtlTools.Core.Recovery.MetricProblem { Type = "HeartRate", Reason = "CheckConstraint", Name = "low", Count = 1, IsRowLost = true }],
            },
            new DataRecovery { RawIngestionId = Guid.NewGuid(), UserId = User, Outcome = RecoveryOutcome.Failed, Failed = 2 },
        ],
        total: 2);

}
