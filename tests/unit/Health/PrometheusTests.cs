using System.Text.RegularExpressions;
using EtlTools.Core;
using EtlTools.Core.Health;
using EtlTools.Core.Health.Export;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Health;

public sealed class PrometheusTests
{
    private static readonly string Docs = Path.Combine(Repository.Root, "docs");

    [Fact]
    public void The_names_of_the_recovery_guide_are_there_with_the_totals_of_the_ledger()
    {
        var lines = PrometheusText.Write(Example.Health, "").Split('\n');

        Assert.Contains("health_export_recovery_processed_total{status=\"success\"} 1234", lines);
        Assert.Contains("health_export_recovery_failed_total{status=\"error\"} 56", lines);
        Assert.Contains("health_export_data_loss_detected_total 45", lines);
        Assert.Contains("etl_health_status{family=\"all\",status=\"critical\"} 1", lines);
        Assert.Contains("etl_health_status{family=\"load\",status=\"critical\"} 0", lines);
        Assert.Contains("etl_health_generated_timestamp_seconds 1772319600", lines);
        Assert.Contains("etl_last_success_timestamp_seconds{family=\"load\"} 1772316000", lines);
        Assert.Contains("etl_items{family=\"ingestion\",state=\"failed\"} 89", lines);
        Assert.Contains("etl_backlog_oldest_age_seconds{family=\"ingestion\"} 108000", lines);
        Assert.Contains("etl_errors{family=\"load\",category=\"Odd <b>\\\"name\\\"</b>\\\\\",unit=\"file\"} 1", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("etl_failure_ratio{family=\"load\"", StringComparison.Ordinal));
    }

    [Fact]
    public void A_counter_never_falls_and_a_gauge_may()
    {
        var before = PrometheusText.Write(Example.Health, "");
        var cleared = Example.Health with
        {
            Total = Example.Health.Total.Select(total => total with { Value = total.Name == "FilesLoaded" ? 600 : 1 }).ToList(),
            Backlog = [new HealthBacklog { Family = PipelineFamily.Load, Unit = "file", Count = 3 }],
        };

        var lines = PrometheusText.Write(cleared, before).Split('\n');

        Assert.Contains("health_export_recovery_processed_total{status=\"success\"} 1234", lines);
        Assert.Contains("etl_files_loaded_total 600", lines);
        Assert.Contains("etl_backlog_items{family=\"load\"} 3", lines);
    }

    [Fact]
    public void What_is_no_metric_in_the_old_file_is_passed_over()
    {
        var text = PrometheusText.Write(Example.Health, "nonsense\netl_files_loaded_total many\netl_files_failed_total NaN\n\0\nhealth_export_data_loss_detected_total +Inf\n");

        Assert.Equal(PrometheusText.Write(Example.Health, ""), text);
    }

    [Fact]
    public void A_health_of_some_is_refused()
    {
        var error = Assert.Throws<EtlException>(() => PrometheusText.Write(Example.Health with { UserId = [Example.User] }, ""));

        Assert.Equal((EtlErrorKind.InvalidInput, "HealthIsPartial"), (error.Kind, error.ErrorId));
    }

    [PromtoolFact]
    public async Task Promtool_finds_nothing_to_say()
    {
        foreach (var health in new[] { Example.Health, new ProcessingHealth() })
        {
            var folder = TempFolder.Create();
            var file = Path.Combine(folder, "etl.prom");
            await HealthExporter.WriteAsync(health, HealthFormat.Prometheus, file, CancellationToken.None);

            // It reads its standard input only.
            var result = OperatingSystem.IsWindows()
                ? await Command.RunAsync("cmd", ["/c", $"\"{Promtool.Find()}\" check metrics < \"{file}\""])
                : await Command.RunAsync("sh", ["-c", $"'{Promtool.Find()}' check metrics < '{file}'"]);

            Assert.Equal((0, ""), (result.ExitCode, result.Output));
            TempFolder.Delete(folder);
        }
    }

    [PromtoolFact]
    public async Task The_rules_pass_their_tests()
    {
        var rules = Path.Combine(Docs, "prometheus", "etltools.rules.yml");
        var check = await Command.RunAsync(Promtool.Find()!, ["check", "rules", rules]);
        Assert.True(check.ExitCode == 0, check.Output);

        var test = await Command.RunAsync(Promtool.Find()!, ["test", "rules", Path.ChangeExtension(rules, ".test.yml")]);
        Assert.True(test.ExitCode == 0, test.Output);
    }

    [Fact]
    public async Task Rules_and_dashboard_use_metrics_that_are_written()
    {
        var names = PrometheusText.Names.ToHashSet(StringComparer.Ordinal);
        foreach (var (file, line) in new[] { ("prometheus/etltools.rules.yml", "expr:|^ +[a-z(/>]"), ("grafana/etltools-health.json", "\"expr\":") })
        {
            var expressions = (await File.ReadAllLinesAsync(Path.Combine(Docs, file))).Where(text => Regex.IsMatch(text, line));
            var used = expressions.SelectMany(text => Regex.Matches(text, @"\b(etl|health_export)_[a-z_]+\b").Select(match => match.Value)).ToHashSet(StringComparer.Ordinal);

            Assert.True(used.Count > 10, file);
            Assert.Empty(used.Except(names));
        }

        // What nobody looks at need not be written.
        var dashboard = await File.ReadAllTextAsync(Path.Combine(Docs, "grafana", "etltools-health.json"));
        Assert.All(names, name => Assert.Contains(name, dashboard, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whoever_reads_the_file_sees_it_whole()
    {
        var folder = TempFolder.Create();
        var file = Path.Combine(folder, "etl.prom");
        await HealthExporter.WriteAsync(Example.Health, HealthFormat.Prometheus, file, CancellationToken.None);
        var whole = await File.ReadAllTextAsync(file);
        using var end = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            var reads = 0;
            while (!end.IsCancellationRequested)
            {
                Assert.Equal(whole, await File.ReadAllTextAsync(file));
                reads++;
            }

            return reads;
        });
        for (var write = 0; write < 50; write++)
        {
            await HealthExporter.WriteAsync(Example.Health, HealthFormat.Prometheus, file, CancellationToken.None);
        }

        await end.CancelAsync();
        Assert.True(await reading > 0);
        Assert.Equal([file], Directory.GetFiles(folder));
        TempFolder.Delete(folder);
    }
}
