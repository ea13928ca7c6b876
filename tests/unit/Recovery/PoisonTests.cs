using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Report;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

/// <summary>Metrics that a table refuses, whatever refuses them: they alone stay behind, and are named without a value.</summary>
public sealed class PoisonTests
{
    [PostgresFact]
    public async Task Rules_of_the_catalogue_set_single_rows_aside()
    {
        await using var health = await HealthDatabase.OpenAsync("""
            ALTER TABLE heart_rate_metrics ADD CONSTRAINT even_only CHECK (heart_rate % 2 = 0);
            ALTER TABLE heart_rate_metrics ALTER context SET NOT NULL;
            """);
        var user = await health.AddUserAsync();
        await health.AddIngestionAsync(
            user,
            HealthDatabase.Internal(
                HealthDatabase.HeartRate(1, 60), HealthDatabase.HeartRate(2, 61), HealthDatabase.HeartRate(3, 62, null), HealthDatabase.HeartRate(4, 64)));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((2L, 2L, true), (record.Recovered, record.Failed, record.IsVerified));
        Assert.Equal(["CheckConstraint even_only", "NotNull context"], record.Problem.Select(problem => $"{problem.Reason} {problem.Name}").Order());

        // The audit knows that trying again would change nothing.
        var audit = Assert.Single(await health.FindAsync());
        Assert.Equal((2L, false), (audit.Missing, audit.IsRecoverable));

        // Once the constraint is gone, the same command brings the rest.
        await health.Database.ExecuteAsync("ALTER TABLE heart_rate_metrics DROP CONSTRAINT even_only, ALTER context DROP NOT NULL");
        Assert.Equal(2, (await health.RecoverAsync()).TotalMetricsRecovered);
        Assert.Empty(await health.FindAsync());
    }

    [PostgresFact]
    public async Task What_a_trigger_refuses_is_isolated_by_halves()
    {
        await using var health = await HealthDatabase.OpenAsync("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.heart_rate IN (77, 78) THEN RAISE EXCEPTION 'no % here', NEW.heart_rate; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON heart_rate_metrics FOR EACH ROW EXECUTE FUNCTION refuse();
            """);
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(100));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        var poisoned = Enumerable.Range(0, 100).Count(minute => (60 + (minute % 40)) is 77 or 78);
        Assert.Equal((100L - poisoned, (long)poisoned), (record.Recovered, record.Failed));
        Assert.Equal(RecoveryOutcome.PartiallyRecovered, record.Outcome);
        Assert.Equal(100 - poisoned, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal("partial_success", await health.StatusAsync(id));
    }

    [PostgresFact]
    public async Task Where_everything_is_refused_the_ingestion_failed_and_its_errors_stay()
    {
        const string errors = """{"error": "too many arguments"}""";
        await using var health = await HealthDatabase.OpenAsync("ALTER TABLE heart_rate_metrics ADD CONSTRAINT never CHECK (heart_rate < 0) NOT VALID;");
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(5), errors: errors);
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((RecoveryOutcome.Failed, "recovery_failed"), (record.Outcome, await health.StatusAsync(id)));
        Assert.Equal(0, await health.CountAsync("heart_rate_metrics"));
        Assert.Equal(
            "t t error",
            await health.Database.ScalarAsync<string>(
                """
                SELECT concat_ws(' ', r.processing_errors = @errors::jsonb, d.original_errors = @errors::jsonb, d.original_status)
                FROM raw_ingestions r JOIN etl.data_recoveries d ON d.raw_ingestion_id = r.id
                """,
                new { errors }));
    }

    [PostgresFact]
    public async Task Where_everything_is_refused_the_ingestion_failed_whatever_its_status_said()
    {
        await using var health = await HealthDatabase.OpenAsync("ALTER TABLE heart_rate_metrics ADD CONSTRAINT never CHECK (heart_rate < 0) NOT VALID;");
        var user = await health.AddUserAsync();
        var processed = await health.AddIngestionAsync(user, HealthDatabase.HeartRates(5), "processed");
        var pending = await health.AddIngestionAsync(user, HealthDatabase.HeartRates(4), "pending");
        var options = new RecoveryOptions { RawIngestionIds = [processed, pending] };
        Assert.Equal(2, (await health.PreviewAsync(options)).FailedRecords);
        Assert.Equal(0, await health.CountAsync("etl.data_recoveries"));

        var report = await health.RecoverAsync(options);
        Assert.Equal((2L, 9L, 9L), (report.FailedRecords, report.TotalMetricsFailed, report.TotalMetricsMissing));
        Assert.Equal(("recovery_failed", "pending"), (await health.StatusAsync(processed), await health.StatusAsync(pending)));
        Assert.Equal(
            ["Failed 5 5 processed recovery_failed", "Failed 4 4 pending pending"],
            await health.Database.QueryAsync<string>(
                "SELECT concat_ws(' ', outcome, expected, metrics_failed, original_status, new_status) FROM etl.data_recoveries ORDER BY expected DESC"));

        // Every attempt leaves its row, and the audit knows that trying again would change nothing.
        await health.RecoverAsync(options);
        Assert.Equal(4, await health.CountAsync("etl.data_recoveries"));
        Assert.All(await health.FindAsync(), audit => Assert.False(audit.IsRecoverable));
    }

    [PostgresFact]
    public async Task A_fault_that_passes_leaves_its_row_and_the_status()
    {
        await using var health = await HealthDatabase.OpenAsync("""
            CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$;
            CREATE TRIGGER busy BEFORE INSERT ON heart_rate_metrics FOR EACH ROW EXECUTE FUNCTION busy();
            """);
        var user = await health.AddUserAsync();
        var id = await health.AddIngestionAsync(user, HealthDatabase.HeartRates(5));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((RecoveryOutcome.Failed, "SerializationFailure", "error"), (record.Outcome, record.ErrorCode, await health.StatusAsync(id)));
        Assert.Equal(user, record.UserId);
        Assert.Equal("Failed SerializationFailure error", await health.Database.ScalarAsync<string>(
            "SELECT concat_ws(' ', outcome, error_code, new_status) FROM etl.data_recoveries"));
    }

    [PostgresFact]
    public async Task Rows_that_are_there_are_completed_and_never_overwritten()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var user = await health.AddUserAsync();
        await health.Database.ExecuteAsync(
            "INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate, source_device) VALUES (@user, '2025-09-01T00:01Z', 99, NULL), (@user, '2025-09-01T00:02Z', 62, 'Watch')",
            new { user });
        await health.Database.ExecuteAsync("UPDATE heart_rate_metrics SET context = 'resting' WHERE heart_rate = 62");
        await health.AddIngestionAsync(
            user, HealthDatabase.Internal(HealthDatabase.HeartRate(1), HealthDatabase.HeartRate(2), HealthDatabase.HeartRate(3)));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((2L, 1L, 1L), (record.PresentBefore, record.Recovered, record.Completed));
        Assert.Equal(
            "99 resting Watch",
            await health.Database.ScalarAsync<string>("SELECT concat_ws(' ', heart_rate, context, source_device) FROM heart_rate_metrics ORDER BY recorded_at LIMIT 1"));
    }

    [PostgresFact]
    public async Task Metrics_of_one_key_become_one_row()
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), """
            {"data":{"metrics":[
              {"name":"step_count","units":"count","data":[{"qty":120,"date":"2025-09-08 00:48:00 -0500","source":"iPhone"}]},
              {"name":"flights_climbed","units":"count","data":[{"qty":3,"date":"2025-09-08 00:48:00 -0500","source":"iPhone"}]}],"workouts":[]}}
            """);
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Empty(record.Problem);
        Assert.Equal((1L, 1L, 1L), (record.Expected, record.Recovered, record.Duplicates));
        Assert.Equal("120 3", await health.Database.ScalarAsync<string>("SELECT concat_ws(' ', step_count, flights_climbed) FROM activity_metrics"));
    }

    [PostgresFact]
    public async Task Of_each_column_the_first_value_that_is_known_counts_lists_too()
    {
        await using var health = await HealthDatabase.OpenAsync();
        await health.AddIngestionAsync(await health.AddUserAsync(), """
            {"data":{"metrics":[
              {"type":"MentalHealth","recorded_at":"2025-09-01T00:00:00Z","mood_rating":3},
              {"type":"MentalHealth","recorded_at":"2025-09-01T00:00:00Z","mood_rating":5,"state_of_mind_labels":["calm","tired"]},
              {"type":"MentalHealth","recorded_at":"2025-09-01T00:00:00Z","state_of_mind_labels":["glad"],"coping_strategy":"walk"}],"workouts":[]}}
            """);
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal((1L, 1L, 2L), (record.Expected, record.Recovered, record.Duplicates));
        Assert.Equal(
            "3 walk calm tired",
            await health.Database.ScalarAsync<string>(
                "SELECT concat_ws(' ', mood_rating, coping_strategy, array_to_string(state_of_mind_labels, ' ')) FROM mental_health_metrics"));
    }

    [PostgresFact]
    public async Task Payloads_without_data_are_named_and_left_alone()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var user = await health.AddUserAsync();
        var processed = await health.AddIngestionAsync(user, """{"large_payload": true, "size_bytes": 20000000}""", "processed");
        var failed = await health.AddIngestionAsync(user, """{"large_payload": true, "size_bytes": 20000000}""");
        var report = await health.RecoverAsync(new RecoveryOptions { RawIngestionIds = [processed, failed] });
        Assert.All(report.Record, record => Assert.Equal((RecoveryOutcome.Unrecoverable, LossCause.UnrecoverableStub), (record.Outcome, record.Cause)));
        Assert.Equal(("processed", "recovery_failed"), (await health.StatusAsync(processed), await health.StatusAsync(failed)));
        Assert.Equal(2, await health.Database.ScalarAsync<long>("SELECT count(*) FROM etl.data_recoveries WHERE outcome = 'Unrecoverable'"));
        Assert.All(await health.Database.QueryAsync<string>("SELECT not_recoverable_because FROM etl.ingestion_audits"), because => Assert.Contains("a note", because, StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task The_simple_reprocessor_takes_parameter_limits_only_and_adds_to_the_errors_where_it_fails()
    {
        const string limit = """[{"metric_type":"HeartRate","error_message":"too many arguments for query"}]""";
        await using var health = await HealthDatabase.OpenAsync("ALTER TABLE heart_rate_metrics ADD CONSTRAINT low CHECK (heart_rate < 90);");
        var user = await health.AddUserAsync();
        var good = await health.AddIngestionAsync(user, HealthDatabase.HeartRates(3), errors: limit);
        var bad = await health.AddIngestionAsync(user, HealthDatabase.Internal(HealthDatabase.HeartRate(50, 95)), errors: limit);
        var other = await health.AddIngestionAsync(user, HealthDatabase.HeartRates(3, 70), errors: """{"error":"timeout"}""");
        var report = await health.RecoverAsync(new RecoveryOptions { IsLegacy = true });
        Assert.Equal(2, report.TotalRecords);
        Assert.Equal(("processed", "error", "error"), (await health.StatusAsync(good), await health.StatusAsync(bad), await health.StatusAsync(other)));
        await health.RecoverAsync(new RecoveryOptions { IsLegacy = true });
        Assert.Equal(
            "2 HeartRate recovery",
            await health.Database.ScalarAsync<string>(
                """
                SELECT concat_ws(' ', jsonb_array_length(processing_errors), processing_errors -> 0 ->> 'metric_type', processing_errors -> 1 ->> 'error_type')
                FROM raw_ingestions WHERE id = @bad
                """,
                new { bad }));
    }

    [PostgresFact]
    public async Task No_value_of_a_payload_is_in_any_record_report_or_error()
    {
        const string planted = "Planted-Device";
        await using var health = await HealthDatabase.OpenAsync("""
            ALTER TABLE heart_rate_metrics ALTER source_device TYPE varchar(5), ADD CONSTRAINT low CHECK (heart_rate < 170);
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.heart_rate = 163 THEN RAISE EXCEPTION 'not % of Planted-Trigger', NEW.heart_rate; END IF; RETURN NEW; END $$;
            CREATE TRIGGER tell BEFORE INSERT ON heart_rate_metrics FOR EACH ROW EXECUTE FUNCTION tell();
            """);
        var metrics = new[] { 161, 163, 177, 999 }.Select((rate, minute) => (object)new
        {
            type = "HeartRate",
            recorded_at = $"2025-09-01T00:0{minute}:00Z",
            heart_rate = rate,
            context = "Planted-Context",
            source_device = planted,
        });
        var user = await health.AddUserAsync();
        var unknown = new { type = "PlantedType", recorded_at = "2025-09-01T00:00:00Z", value = 4711.5 };
        var named = new { name = "planted_list", data = new[] { new { qty = 4711.5 } } };
        await health.AddIngestionAsync(user, HealthDatabase.Internal([.. metrics, unknown, named]), errors: """{"error": "heart_rate Planted-Error 161"}""");
        var audits = await health.FindAsync();
        var folder = Directory.CreateTempSubdirectory("etl-report");
        try
        {
            var report = await health.RecoverAsync();
            Assert.Equal(1, report.TotalMetricsRecovered);
            var file = RecoveryReportFile.Locate(folder.FullName, DateTimeOffset.UtcNow);
            await RecoveryReportFile.WriteAsync(report, file, CancellationToken.None);
            var told = string.Join(
                "\n",
                await File.ReadAllTextAsync(file),
                System.Text.Json.JsonSerializer.Serialize(report),
                System.Text.Json.JsonSerializer.Serialize<IReadOnlyList<IngestionAudit>>(audits),
                await health.Database.ScalarAsync<string>("SELECT string_agg((to_jsonb(d) - 'original_errors')::text, '') FROM etl.data_recoveries d"),
                await health.Database.ScalarAsync<string>("SELECT string_agg(a::text, '') FROM etl.ingestion_audits a"));
            foreach (var value in new[] { planted, "Planted-Context", "Planted-Trigger", "Planted-Error", "PlantedType", "planted_list", "4711", ":161", ":163", ":177", "999" })
            {
                Assert.DoesNotContain(value, told.Replace("4711-", "", StringComparison.Ordinal), StringComparison.Ordinal);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
