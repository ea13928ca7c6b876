using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Health;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Health;

public sealed class IngestionHealthTests
{
    private static readonly Guid Ann = new("aaaaaaaa-0000-4000-8000-000000000001");
    private static readonly Guid Ben = new("bbbbbbbb-0000-4000-8000-000000000002");

    [PostgresFact]
    public async Task A_database_without_the_table_has_no_such_family()
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();

        var health = await GetAsync(database);

        var family = health.Family.Single(one => one.Family == PipelineFamily.Ingestion);
        Assert.Equal((false, "not in this database", HealthStatus.NoData), (family.IsIncluded, family.Detail, family.Status));
        Assert.DoesNotContain(health.Overall, overall => overall.Family == PipelineFamily.Ingestion);
    }

    [PostgresTheory]
    [InlineData("varchar(50)", "timestamptz")]
    [InlineData("text", "timestamp")]
    [InlineData("ingestion_status", "timestamptz")]
    public async Task Every_status_of_the_field_is_counted_in_any_type(string statusType, string timeType)
    {
        await using var database = await CreateAsync(statusType, timeType);
        foreach (var status in new[] { "processed", "completed", "recovered", "partial_success", "error", "failed", "recovery_failed",
            "pending", "parsing", "validation", "processing", "ready" })
        {
            await AddAsync(database, Ann, status);
        }

        var health = await GetAsync(database);

        var overall = Overall(health);
        Assert.Equal((12, 3, 1, 3, 5, 1), (overall.Total, overall.Processed, overall.Partial, overall.Failed, overall.Waiting, overall.Recovered));
        Assert.Equal((0.25, 0.25), (overall.SuccessRate, overall.FailureRate));
        Assert.Equal(5, health.Backlog.Single(backlog => backlog.Family == PipelineFamily.Ingestion).Count);
        Assert.Empty(health.Stuck);
    }

    [PostgresFact]
    public async Task Loss_is_what_the_service_counted_until_an_audit_knows_better()
    {
        await using var database = await CreateAsync();
        var silent = await AddAsync(database, Ann, "processed", expected: 100, actual: 60);
        var clean = await AddAsync(database, Ben, "processed", expected: 100, actual: 100);
        var overlapping = await AddAsync(database, Ben, "processed", expected: 100, actual: 50);
        await AddAsync(database, Ben, "processed");

        var before = await GetAsync(database);
        Assert.Equal((2, 300, 90, 0), Loss(before));
        Assert.Equal((HealthStatus.Critical, "DataLoss"), (before.Status, before.Alert[0].Id));
        Assert.Equal(0.4, before.Impact.Single(impact => impact.UserId == Ann).DataLossRate);
        Assert.Equal(("Silent Data Loss", 2L), before.ErrorPattern.Select(pattern => (pattern.Category, pattern.Count)).Single());

        // Duplicates looked like loss, and what nobody had recorded comes to light.
        await AuditAsync(database, overlapping, expected: 50, missing: 0);
        await AuditAsync(database, clean, expected: 100, missing: 70);
        var after = await GetAsync(database);
        Assert.Equal((2, 250, 110, 2), Loss(after));

        // A recovery is newer than the audit.
        await RecoverAsync(database, clean, "Recovered", expected: 100, before: 30, recovered: 70);
        await RecoverAsync(database, silent, "PartiallyRecovered", expected: 100, before: 60, recovered: 30);
        var recovered = await GetAsync(database);
        Assert.Equal((1, 250, 10, 3), Loss(recovered));
        Assert.Equal([("PayloadsRecovered", 1L), ("RecoveriesFailed", 1), ("PayloadsWithLoss", 2), ("MetricsRecovered", 100)],
            recovered.Total.Where(total => total.Family == PipelineFamily.Ingestion).Select(total => (total.Name, total.Value)));

        // By the time it ended, not by when the payload came in.
        await database.ExecuteAsync("UPDATE etl.data_recoveries SET finished_at = now() - interval '30 hours' WHERE outcome = 'Recovered'");
        var trend = (await GetAsync(database)).Trend.Where(window => window.Family == PipelineFamily.Ingestion).ToList();
        Assert.Equal(
            [(0L, 0L, 0L), (1, 0, 70), (0, 1, 30)],
            trend[^3..].Select(window => (window.Recovered!.Value, window.RecoveriesFailed!.Value, window.RecordsRecovered!.Value)));
        Assert.All((await GetAsync(database)).Trend.Where(window => window.Family == PipelineFamily.Load), window => Assert.Null(window.Recovered));

        // And an audit after it is newer again.
        await AuditAsync(database, clean, expected: 100, missing: 5);
        Assert.Equal((2, 250, 15, 3), Loss(await GetAsync(database)));
    }

    [PostgresFact]
    public async Task An_audit_of_what_was_not_processed_yet_is_not_trusted()
    {
        await using var database = await CreateAsync();
        var underWay = await AddAsync(database, Ann, "processing");
        await AuditAsync(database, underWay, expected: 100, missing: 60);
        Assert.Equal((0, 0, 0, 0), Loss(await GetAsync(database)));

        await database.ExecuteAsync("UPDATE raw_ingestions SET processing_status = 'processed', processed_at = clock_timestamp()");
        Assert.Equal((0, 0, 0, 0), Loss(await GetAsync(database)));

        await AuditAsync(database, underWay, expected: 100, missing: 1);
        Assert.Equal((1, 100, 1, 1), Loss(await GetAsync(database)));
    }

    [PostgresFact]
    public async Task The_silent_incident_shows_once_it_is_audited_and_is_recommended_to_be()
    {
        await using var database = await CreateAsync();
        var ids = new List<Guid>();
        for (var payload = 0; payload < 35; payload++)
        {
            ids.Add(await AddAsync(database, Ann, "processed"));
        }

        var before = await GetAsync(database);
        Assert.Equal(HealthStatus.Healthy, before.Status);
        Assert.Equal("Find-LostData -Window 24h", Assert.Single(before.Recommendation).Command);

        foreach (var id in ids)
        {
            await AuditAsync(database, id, expected: 76_374, missing: 40_406);
        }

        var after = await GetAsync(database);
        Assert.Equal((HealthStatus.Critical, 35L), (after.Status, after.DataLoss.Single(loss => loss.Items > 0).Items));
        Assert.Equal("Find-LostData -Window 24h | Where-Object IsRecoverable | Invoke-DataRecovery -WhatIf", Assert.Single(after.Recommendation).Command);
        Assert.Equal(ImpactUrgency.Urgent, Assert.Single(after.Impact).Urgency);
    }

    [PostgresFact]
    public async Task Errors_are_counted_by_category_with_the_times_they_were_seen_and_never_quoted()
    {
        await using var database = await CreateAsync();
        await AddAsync(database, Ann, "error", TimeSpan.FromHours(3), errors: """[{"metric_type":"HeartRate","error_message":"too many arguments: 70000 parameters"}]""");
        await AddAsync(database, Ann, "error", TimeSpan.FromHours(1), errors: """{"processing_metadata":{"postgresql_param_limit_violation":true},"errors":[]}""");
        await AddAsync(database, Ben, "error", errors: """{"stage":"validation","error":"heart_rate 98765432109 of Zyxwvutta out of range"}""");
        await AddAsync(database, Ben, "failed", errors: """[{"error_type":"timeout","message":"deadline"}]""");
        await AddAsync(database, Ben, "error");
        await AddAsync(database, Ben, "recovered");
        await AddAsync(database, Ben, "recovered", errors: """[{"error_type":"timeout","message":"deadline"}]""");
        await AddAsync(database, Ben, "error", TimeSpan.FromHours(30), errors: """[{"error_message":"pool exhausted"}]""");
        await AddAsync(database, Ben, "processed", errors: """{"processing_metadata":{"expected_count":10,"actual_count":10},"errors":[]}""");

        var health = await GetAsync(database);

        Assert.Equal(
            [("Data Validation", 1L), ("Other", 1), ("PostgreSQL Parameter Limit", 2), ("Processing Timeout", 2)],
            health.ErrorPattern.Select(pattern => (pattern.Category, pattern.Count)).Order());
        var limit = health.ErrorPattern.Single(pattern => pattern.ErrorCode == "ParameterLimit");
        Assert.Equal(("PostgreSQL Parameter Limit", "ParameterLimit"), (limit.Category, limit.ErrorCode));
        Assert.Equal(2, (limit.LastSeen - limit.FirstSeen).TotalHours, 2);
        Assert.Contains(health.Recommendation, one => one.Text.Contains("(2 cases)", StringComparison.Ordinal));
        Assert.DoesNotContain("Zyxwvutta", health.ToString() + string.Concat(health.Alert) + string.Concat(health.ErrorPattern), StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Days_since_success_reach_back_before_the_windows()
    {
        await using var database = await CreateAsync();
        await AddAsync(database, Ann, "processed", TimeSpan.FromDays(20));
        await AddAsync(database, Ann, "error");
        await AddAsync(database, Ben, "error");
        await AddAsync(database, Ben, "processed", TimeSpan.FromDays(3.5));

        var health = await GetAsync(database);

        Assert.Equal([(Ann, ImpactUrgency.Urgent), (Ben, ImpactUrgency.High)], health.Impact.Select(impact => (impact.UserId!.Value, impact.Urgency)));
        Assert.Equal(20, health.Impact[0].DaysSinceSuccess!.Value, 1);
        Assert.Equal("HIGH: Schedule user recovery", health.Impact[1].RecommendedAction);
        Assert.Equal($"Find-LostData -Window 24h -UserId {Ann} | Where-Object IsRecoverable | Invoke-DataRecovery -WhatIf", health.Impact[0].Command);

        var one = await GetAsync(database, users: [Ben]);
        Assert.Equal((1L, Ben), (Overall(one).Total, Assert.Single(one.Impact).UserId));
        Assert.Equal("left out: files have no users", one.Family.Single(family => family.Family == PipelineFamily.Load).Detail);
    }

    [PostgresFact]
    public async Task Work_that_does_not_move_is_stuck_however_old()
    {
        await using var database = await CreateAsync();
        await AddAsync(database, Ann, "pending", TimeSpan.FromMinutes(119));
        await AddAsync(database, Ann, "parsing", TimeSpan.FromMinutes(121));
        await AddAsync(database, Ben, "processing", TimeSpan.FromDays(40));
        await AddAsync(database, Ben, "processing", TimeSpan.FromDays(50));

        var health = await GetAsync(database);

        Assert.Equal([("parsing", 1L), ("processing", 2)], health.Stuck.Select(work => (work.State, work.Count)));
        Assert.Equal(50, health.Stuck[1].Age.TotalDays, 1);
        Assert.Equal(["BacklogAge", "StuckWork"], health.Alert.Select(alert => alert.Id).Order());
        Assert.Equal(4, health.Backlog.Single(backlog => backlog.Family == PipelineFamily.Ingestion).Count);
        Assert.Contains(health.Recommendation, one => one.Command == "Find-LostData -Window 51d -Status Parsing, Processing | Where-Object IsRecoverable | Invoke-DataRecovery -WhatIf");
    }

    [PostgresFact]
    public async Task Stuck_work_without_a_status_is_shown_by_the_health_itself()
    {
        await using var database = await CreateAsync();
        await database.ExecuteAsync("INSERT INTO raw_ingestions (user_id, processing_status, created_at) SELECT gen_random_uuid(), NULL, now() - interval '3 hours'");

        Assert.Equal("(Get-ProcessingHealth -Window 24h).Stuck", Assert.Single((await GetAsync(database)).Recommendation).Command);
    }

    [PostgresFact]
    public async Task Metrics_that_are_all_rejected_are_critical_and_the_mapping_is_to_be_extended()
    {
        await using var database = await CreateAsync();
        var unknown = await AddAsync(database, Ann, "processed");
        await AddAsync(database, Ben, "processed");
        await AuditAsync(database, unknown, expected: 0, missing: 0, rejected: 120, cause: "UnknownType", recoverable: false);

        var health = await GetAsync(database);

        Assert.Equal((HealthStatus.Critical, "RejectedMetrics", 1.0), (health.Status, Assert.Single(health.Alert).Id, health.Alert[0].Value));
        var loss = health.DataLoss.Single(one => one.Family == PipelineFamily.Ingestion);
        Assert.Equal((120, 1, 1.0, 0, 0), (loss.Rejected, loss.RejectedItems, loss.RejectedRate, loss.Unreadable, loss.BeyondRecovery));
        Assert.Equal((Ann, ImpactUrgency.Urgent, 120L), (health.Impact[0].UserId, health.Impact[0].Urgency, health.Impact[0].Rejected));
        Assert.Equal("URGENT: Look at what happened to this user's data now", health.Impact[0].RecommendedAction);
        Assert.Equal($"Find-LostData -Window 24h -UserId {Ann} | Format-List RawIngestionId, Cause, Rejected, NotRecoverableBecause, Problem", health.Impact[0].Command);
        Assert.Equal(
            ["Find-LostData -Window 24h | ForEach-Object Problem | Where-Object IsRowLost | Group-Object Type, Reason | Format-Table Count, Name", "Find-LostData -Window 24h"],
            health.Recommendation.Select(one => one.Command));
        Assert.Contains("extend the mapping", health.Recommendation[0].Text, StringComparison.Ordinal);
        Assert.Null(health.DataLoss.Single(one => one.Family == PipelineFamily.Load).Rejected);
    }

    [PostgresFact]
    public async Task What_no_recovery_brings_back_is_not_to_be_recovered_every_day()
    {
        await using var database = await CreateAsync();
        await AuditAsync(database, await AddAsync(database, Ann, "processed"), expected: 0, missing: 0, cause: "UnrecoverableStub", recoverable: false);
        await AuditAsync(database, await AddAsync(database, Ben, "partial_success"), expected: 100, missing: 3, cause: "Validation", recoverable: false);

        var health = await GetAsync(database);

        Assert.Equal(["UnreadablePayload", "SubjectSuccess"], health.Alert.Select(alert => alert.Id));
        Assert.Equal((1L, 2L), (health.DataLoss.Single(loss => loss.Items > 0).Unreadable!.Value, health.DataLoss.Single(loss => loss.Items > 0).BeyondRecovery!.Value));
        Assert.Equal(
            "Find-LostData -Window 24h | Where-Object IsRecoverable -EQ $false | Format-List RawIngestionId, Cause, NotRecoverableBecause",
            Assert.Single(health.Recommendation).Command);
        Assert.DoesNotContain(health.Impact, impact => impact.Command.Contains("Invoke-DataRecovery", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task A_failure_that_lost_nothing_only_needs_its_status_put_right()
    {
        await using var database = await CreateAsync();
        await AuditAsync(database, await AddAsync(database, Ann, "error"), expected: 100, missing: 0);

        var one = Assert.Single((await GetAsync(database)).Recommendation);

        Assert.Equal("1 payload marked as failed, with nothing lost. A recovery puts the status right.", one.Text);
        Assert.Contains("-IncludeWhole", one.Command, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_parameter_limit_is_no_advice_any_more_once_it_is_put_right()
    {
        await using var database = await CreateAsync();
        var limit = await AddAsync(database, Ann, "error", errors: """[{"metric_type":"HeartRate","error_message":"too many arguments"}]""");
        Assert.Equal(3, (await GetAsync(database)).Recommendation.Count);

        await database.ExecuteAsync("UPDATE raw_ingestions SET processing_status = 'recovered', processed_at = now()");
        await RecoverAsync(database, limit, "Recovered", expected: 100, before: 0, recovered: 100);
        var after = await GetAsync(database);

        Assert.Empty(after.Recommendation);
        Assert.Equal(1, after.ErrorPattern.Single(pattern => pattern.ErrorCode == "ParameterLimit").Count);
    }

    [PostgresFact]
    public async Task A_status_without_a_word_for_it_still_shows_what_was_put_right()
    {
        await using var database = await CreateAsync();
        var recovered = await AddAsync(database, Ann, "completed");
        await RecoverAsync(database, recovered, "Recovered", expected: 100, before: 0, recovered: 100);
        await AddAsync(database, Ann, "completed");

        Assert.Equal((2, 1), (Overall(await GetAsync(database)).Processed, Overall(await GetAsync(database)).Recovered));
    }

    [PostgresFact]
    public async Task Advice_is_about_the_users_and_the_schema_that_were_asked_about()
    {
        await using var database = await CreateAsync();
        await AddAsync(database, Ann, "processed", expected: 100, actual: 1);
        await AddAsync(database, Ben, "pending", TimeSpan.FromDays(3));
        await using var etl = database.OpenEtl();

        var health = await new HealthMonitor(etl).GetAsync(new HealthQuery { UserId = [Ann, Ben], Schema = "public" }, TimeZoneInfo.Utc, CancellationToken.None);

        Assert.Equal(3, health.Recommendation.Count);
        Assert.All(health.Recommendation, one => Assert.Contains($" -UserId {Ann}, {Ben} -Schema 'public'", one.Command, StringComparison.Ordinal));
        Assert.EndsWith(" -Schema 'public' | Where-Object IsRecoverable | Invoke-DataRecovery -WhatIf", Assert.Single(health.Impact).Command, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task The_services_counts_are_taken_only_where_they_are_numbers()
    {
        await using var database = await CreateAsync();
        foreach (var counts in new[] { """{"expected_count":"many","actual_count":1}""", """{"expected_count":-5,"actual_count":1}""", """{"expected_count":99999999999999999999,"actual_count":1}""",
            """{"expected_count":100}""", """{"actual_count":100}""", """[1]""", "null", """{"expected_count":7,"actual_count":9}""", """{"expected_count":10,"actual_count":4}""" })
        {
            await AddAsync(database, Ann, "processed", errors: $$"""{"processing_metadata":{{counts}},"errors":[]}""");
        }

        Assert.Equal((1, 17, 6, 0), Loss(await GetAsync(database)));
    }

    [PostgresFact]
    public async Task The_trend_counts_each_window_for_itself()
    {
        await using var database = await CreateAsync();
        await AddAsync(database, Ann, "processed", expected: 10, actual: 10);
        await AddAsync(database, Ann, "processed", TimeSpan.FromHours(30), expected: 10, actual: 4);
        await AddAsync(database, Ann, "error", TimeSpan.FromHours(31));
        await AuditAsync(database, await AddAsync(database, Ann, "processed", TimeSpan.FromHours(50), expected: 10, actual: 4), expected: 8, missing: 0);
        await AddAsync(database, Ann, "processed", TimeSpan.FromDays(9), expected: 10, actual: 4);

        var trend = (await GetAsync(database)).Trend.Where(window => window.Family == PipelineFamily.Ingestion).ToList();

        Assert.Equal([0, 0, 0, 0, 0, 1, 2, 1], trend.Select(window => window.Total));
        Assert.Equal([0L, 1, 0], trend.Skip(5).Select(window => window.Failed));
        Assert.Equal([(8L, 0L), (10, 6), (10, 0)], trend.Skip(5).Select(window => (window.Expected, window.Missing)));
    }

    [PostgresFact]
    public async Task A_user_who_may_not_read_the_table_is_told_which()
    {
        await using var database = await CreateAsync();
        await database.ExecuteAsync("CREATE ROLE health_reader_test LOGIN; GRANT USAGE ON SCHEMA etl TO health_reader_test; GRANT SELECT ON ALL TABLES IN SCHEMA etl TO health_reader_test");
        try
        {
            await using var etl = EtlDatabase.Connect(new ConnectionRequest
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = "-c role=health_reader_test" }.ConnectionString,
            });

            var error = await Assert.ThrowsAsync<EtlException>(() => new HealthMonitor(etl).GetAsync(new HealthQuery(), TimeZoneInfo.Utc, CancellationToken.None));
            Assert.Equal((EtlErrorKind.Permission, "PermissionDenied", "raw_ingestions"), (error.Kind, error.ErrorId, error.Target));

            await database.ExecuteAsync("GRANT SELECT ON raw_ingestions TO health_reader_test");
            Assert.Equal(HealthStatus.NoData, (await new HealthMonitor(etl).GetAsync(new HealthQuery(), TimeZoneInfo.Utc, CancellationToken.None)).Status);
        }
        finally
        {
            await database.ExecuteAsync("DROP OWNED BY health_reader_test; DROP ROLE health_reader_test");
        }
    }

    private static async Task<PostgresDatabase> CreateAsync(string statusType = "varchar(50)", string timeType = "timestamptz")
    {
        var database = await PostgresDatabase.CreateWithSchemaAsync();
        await database.ExecuteAsync($"""
            CREATE TYPE ingestion_status AS ENUM ('pending', 'parsing', 'validation', 'processing', 'processed', 'partial_success', 'error',
                'failed', 'completed', 'recovered', 'recovery_failed', 'ready');
            CREATE TABLE raw_ingestions (
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, raw_payload jsonb NOT NULL DEFAULT '{"{}"}',
                processing_status {statusType} DEFAULT 'pending', processing_errors jsonb, processed_at {timeType}, created_at {timeType})
            """);
        return database;
    }

    /// <summary>Payloads with loss, metrics expected, metrics missing, payloads audited.</summary>
    private static (long Items, long Expected, long Missing, long Audited) Loss(ProcessingHealth health)
    {
        var loss = health.DataLoss.Single(one => one.Family == PipelineFamily.Ingestion);
        Assert.Equal(loss.Expected, loss.Present + loss.Missing);
        return (loss.Items, loss.Expected, loss.Missing, loss.Audited);
    }

    private static async Task<Guid> AddAsync(
        PostgresDatabase database, Guid user, string status, TimeSpan? age = null, string? errors = null, int? expected = null, int? actual = null) =>
        await database.ScalarAsync<Guid>(
            $"""
            INSERT INTO raw_ingestions (user_id, processing_status, processing_errors, created_at)
            VALUES (@user, '{status}', @errors::jsonb, (now() - @age) AT TIME ZONE 'UTC' AT TIME ZONE
                CASE WHEN (SELECT data_type FROM information_schema.columns WHERE table_name = 'raw_ingestions' AND column_name = 'created_at') LIKE '%without%'
                     THEN current_setting('TimeZone') ELSE 'UTC' END)
            RETURNING id
            """,
            new
            {
                user,
                age = age ?? TimeSpan.FromMinutes(5),
                errors = errors ?? (expected is null ? null : $$"""{"processing_metadata":{"expected_count":{{expected}},"actual_count":{{actual}}},"errors":[]}"""),
            });

    private static Task AuditAsync(
        PostgresDatabase database, Guid id, long expected, long missing, long rejected = 0, string? cause = null, bool recoverable = true) => database.ExecuteAsync(
        """
        INSERT INTO etl.ingestion_audits (raw_ingestion_id, user_id, audited_at, expected, present, missing, duplicates, rejected, cause, recoverable)
        SELECT id, user_id, clock_timestamp(), @expected, @expected - @missing, @missing, 0, @rejected, @cause, @recoverable AND @missing > 0
        FROM raw_ingestions WHERE id = @id
        ON CONFLICT (raw_ingestion_id) DO UPDATE
        SET audited_at = excluded.audited_at, expected = excluded.expected, present = excluded.present, missing = excluded.missing,
            cause = excluded.cause, recoverable = excluded.recoverable
        """,
        new { id, expected, missing, rejected, cause = cause ?? (missing > 0 ? "SilentDataLoss" : "None"), recoverable });

    /// <summary>As a recovery leaves it: its own record, and an audit of how the ingestion stands now.</summary>
    private static async Task RecoverAsync(PostgresDatabase database, Guid id, string outcome, long expected, long before, long recovered)
    {
        await database.ExecuteAsync(
            """
            INSERT INTO etl.data_recoveries (data_recovery_id, recovery_run_id, raw_ingestion_id, user_id, outcome, cause, expected, present_before, metrics_recovered, started_at)
            SELECT gen_random_uuid(), gen_random_uuid(), id, user_id, @outcome, 'SilentDataLoss', @expected, @before, @recovered, now()
            FROM raw_ingestions WHERE id = @id
            """,
            new { id, outcome, expected, before, recovered });
        await AuditAsync(database, id, expected, expected - before - recovered, recoverable: false);
    }

    private static HealthOverall Overall(ProcessingHealth health) => health.Overall.Single(overall => overall.Family == PipelineFamily.Ingestion);

    private static async Task<ProcessingHealth> GetAsync(PostgresDatabase database, Guid[]? users = null)
    {
        await using var etl = database.OpenEtl();
        return await new HealthMonitor(etl).GetAsync(new HealthQuery { UserId = users ?? [] }, TimeZoneInfo.Utc, CancellationToken.None);
    }
}
