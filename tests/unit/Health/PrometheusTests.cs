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

        Assert.Contains(Line("health_export_recovery_processed_total", "status=\"success\"", "1234"), lines);
        Assert.Contains(Line("health_export_recovery_failed_total", "status=\"error\"", "56"), lines);
        Assert.Contains(Line("health_export_data_loss_detected_total", "", "45"), lines);
        Assert.Contains(Line("etl_health_status", "family=\"all\",status=\"critical\"", "1"), lines);
        Assert.Contains(Line("etl_health_status", "family=\"load\",status=\"critical\"", "0"), lines);
        Assert.Contains(Line("etl_health_generated_timestamp_seconds", "", "1772319600"), lines);
        Assert.Contains(Line("etl_last_success_timestamp_seconds", "family=\"load\"", "1772316000"), lines);
        Assert.Contains(Line("etl_items", "family=\"ingestion\",state=\"failed\"", "89"), lines);
        Assert.Contains(Line("etl_records_rejected", "family=\"ingestion\"", "5346"), lines);
        Assert.Contains(Line("etl_unreadable_items", "family=\"ingestion\"", "2"), lines);
        Assert.Contains(Line("etl_backlog_oldest_age_seconds", "family=\"ingestion\"", "108000"), lines);
        Assert.Contains(Line("etl_errors", "family=\"load\",category=\"Odd <b>\\\"name\\\"</b>\\\\\",unit=\"file\"", "1"), lines);
        Assert.DoesNotContain(lines, line => Regex.IsMatch(line, "^etl_(failure_ratio|records_rejected){.*load"));
    }

    [Fact]
    public void Every_series_says_which_database_it_is_about_and_no_user_name()
    {
        var series = PrometheusText.Write(Example.Health, "").Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToList();

        Assert.All(series, line => Assert.Matches("""^[a-z_]+\{database="db1:5432/ingest"[,}]""", line));
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

        Assert.Contains(Line("health_export_recovery_processed_total", "status=\"success\"", "1234"), lines);
        Assert.Contains(Line("etl_files_loaded_total", "", "600"), lines);
        Assert.Contains(Line("etl_backlog_items", "family=\"load\"", "3"), lines);
    }

    [Fact]
    public void What_is_no_metric_in_the_old_file_is_passed_over()
    {
        var old = string.Join('\n', "nonsense", Line("etl_files_loaded_total", "", "many"), Line("etl_files_failed_total", "", "NaN"), "\0",
            Line("health_export_data_loss_detected_total", "", "+Inf"), "");

        Assert.Equal(PrometheusText.Write(Example.Health, ""), PrometheusText.Write(Example.Health, old));
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

        // A panel that does not keep to the databases chosen adds them up.
        var panels = (await File.ReadAllLinesAsync(Path.Combine(Docs, "grafana", "etltools-health.json"))).Where(text => text.Contains("\"expr\":", StringComparison.Ordinal));
        Assert.All(panels, text => Assert.DoesNotMatch(@"\b(etl|health_export)_[a-z_]+(?!\{database=~|[a-z_])", text));

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

    private static string Line(string name, string labels, string value) =>
        $"{name}{{database=\"db1:5432/ingest\"{(labels.Length > 0 ? "," : "")}{labels}}} {value}";
}
