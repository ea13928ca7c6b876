using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

/// <summary>
/// The incident at a small scale: 35 payloads that the service marked as processed without a word of an error, and half of
/// whose metrics are in no table.
/// </summary>
public sealed class IncidentTests
{
    private const int Payloads = 35;
    private const int Metrics = 200;

    [PostgresFact]
    public async Task It_is_found_previewed_recovered_verified_and_a_rerun_changes_nothing()
    {
        await using var health = await HealthDatabase.OpenAsync();
        await RebuildAsync(health);
        var whole = await WholeAsync(health);
        var lost = Payloads * Metrics / 2;

        var found = await health.FindAsync();
        Assert.Equal(Payloads, found.Count);
        Assert.All(found, audit => Assert.Equal(("processed", LossCause.SilentDataLoss, true), (audit.Status, audit.Cause, audit.IsRecoverable)));
        Assert.Equal(lost, found.Sum(audit => audit.Missing));
        Assert.Equal(Payloads * Metrics, found.Sum(audit => audit.Expected));
        Assert.Equal(2, found[0].Table.Count);

        var before = await health.SnapshotAsync();
        var options = new RecoveryOptions { RawIngestionIds = found.Select(audit => audit.RawIngestionId).ToList() };
        var preview = await health.PreviewAsync(options);
        Assert.Equal(before, await health.SnapshotAsync());
        Assert.Equal(lost, preview.TotalMetricsRecovered);

        var report = await health.RecoverAsync(options);
        Assert.Equal(preview.Table, report.Table);
        Assert.Equal(lost, report.TotalMetricsRecovered);
        Assert.Equal(0, report.TotalMetricsFailed);
        Assert.All(report.Record, record => Assert.Equal((RecoveryOutcome.Recovered, "recovered", true), (record.Outcome, record.Status, record.IsVerified)));
        Assert.All(report.Record, record => Assert.Equal(record.Sha256Before, record.Sha256After));
        Assert.Equal(whole, await WholeAsync(health, recovered: true));

        Assert.Empty(await health.FindAsync());
        var after = await health.SnapshotAsync(withRecoveries: false);
        var rerun = await health.RecoverAsync(options);
        Assert.All(rerun.Record, record => Assert.Equal(RecoveryOutcome.NothingMissing, record.Outcome));
        Assert.Equal(after, await health.SnapshotAsync(withRecoveries: false));
        Assert.Equal(2 * Payloads, await health.CountAsync("etl.data_recoveries"));
    }

    [PostgresFact]
    public async Task The_checksum_is_that_of_the_stored_text()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(50));
        var record = Assert.Single((await health.RecoverAsync()).Record);
        Assert.Equal(
            await health.Database.ScalarAsync<string>(
                "SELECT encode(sha256(convert_to(raw_payload::text, 'UTF8')), 'hex') FROM raw_ingestions WHERE id = @id", new { id }),
            record.Sha256Before);
        Assert.Equal(
            record.Sha256Before, await health.Database.ScalarAsync<string>("SELECT sha256_after FROM etl.data_recoveries"));
    }

    [PostgresFact]
    public async Task Without_the_ledger_it_is_found_and_a_recovery_is_refused()
    {
        await using var health = await HealthDatabase.OpenAsync(withLedger: false);
        await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(3));
        Assert.Equal(3, Assert.Single(await health.FindAsync()).Missing);
        var error = await Assert.ThrowsAsync<EtlTools.Core.EtlException>(() => health.RecoverAsync());
        Assert.Equal("SchemaMissing", error.ErrorId);
    }

    [PostgresFact]
    public async Task The_last_audit_of_each_ingestion_is_kept()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var id = await health.AddIngestionAsync(await health.AddUserAsync(), HealthDatabase.HeartRates(3));
        await health.FindAsync();
        await health.FindAsync();
        Assert.Equal("3/0/3 SilentDataLoss true", await AuditAsync());
        await health.RecoverAsync();
        Assert.Equal("3/3/0 None false", await AuditAsync());

        Task<string?> AuditAsync() => health.Database.ScalarAsync<string>(
            "SELECT format('%s/%s/%s %s %s', expected, present, missing, cause, recoverable::text) FROM etl.ingestion_audits WHERE raw_ingestion_id = @id",
            new { id });
    }

    [PostgresFact]
    public async Task What_is_asked_for_is_what_is_audited()
    {
        await using var health = await HealthDatabase.OpenAsync();
        var (ann, bob) = (await health.AddUserAsync(), await health.AddUserAsync());
        var old = await health.AddIngestionAsync(ann, HealthDatabase.HeartRates(2), "error", """{"error":"too many arguments"}""", DateTime.UtcNow.AddDays(-40));
        var processed = await health.AddIngestionAsync(bob, HealthDatabase.HeartRates(2), "processed");
        var stub = await health.AddIngestionAsync(bob, """{"large_payload": true, "size": 20000000}""", "processed");
        var working = await health.AddIngestionAsync(bob, HealthDatabase.HeartRates(2), "processing", createdAt: DateTime.UtcNow);
        var empty = await health.AddIngestionAsync(ann, """{"data":{"metrics":[],"workouts":[]}}""", "processed");

        Assert.Equal([stub, processed, old], (await health.FindAsync()).OrderByDescending(audit => audit.CreatedAt).ThenBy(audit => audit.RawIngestionId == processed).Select(audit => audit.RawIngestionId));
        Assert.Equal([old], await IdsAsync(new LostDataQuery { UserIds = [ann] }));
        Assert.Equal([old], await IdsAsync(new LostDataQuery { Causes = [LossCause.ParameterLimit] }));
        Assert.Equal([processed], await IdsAsync(new LostDataQuery { Causes = [LossCause.SilentDataLoss] }));
        Assert.Equal([stub], await IdsAsync(new LostDataQuery { Causes = [LossCause.UnrecoverableStub] }));
        Assert.Equal([old], await IdsAsync(new LostDataQuery { Status = ["error"] }));
        Assert.Equal([working], await IdsAsync(new LostDataQuery { Status = ["processing"] }));
        Assert.Single(await IdsAsync(new LostDataQuery { First = 1 }));
        Assert.DoesNotContain(old, await IdsAsync(new LostDataQuery { Window = TimeSpan.FromDays(30) }));
        Assert.Contains(empty, await IdsAsync(new LostDataQuery { IncludeWhole = true }));

        async Task<IEnumerable<Guid>> IdsAsync(LostDataQuery query) => (await health.FindAsync(query)).Select(audit => audit.RawIngestionId);
    }

    /// <summary>Heart rates and blood pressures of seven users, the second half of each payload's in no table.</summary>
    private static Task RebuildAsync(HealthDatabase health) => health.Database.ExecuteAsync(
        """
        INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, 7) n;

        INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, created_at)
        SELECT u.id, md5(u.id::text || p.n), 1000, payload.data, 'processed', now() - interval '2 hours'
        FROM (SELECT id FROM users) u
        CROSS JOIN generate_series(1, @payloads / 7) p (n)
        CROSS JOIN LATERAL (
            SELECT jsonb_build_object('data', jsonb_build_object('metrics', jsonb_agg(
                CASE WHEN m.n % 2 = 0
                THEN jsonb_build_object('type', 'HeartRate', 'id', gen_random_uuid(), 'recorded_at', at.time, 'heart_rate', 60 + m.n % 40,
                                        'context', 'resting', 'source_device', 'Watch')
                ELSE jsonb_build_object('type', 'BloodPressure', 'recorded_at', at.time, 'systolic', 110 + m.n % 20, 'diastolic', 70 + m.n % 10)
                END ORDER BY m.n), 'workouts', '[]'::jsonb)) AS data
            FROM generate_series(1, @metrics) m (n)
            CROSS JOIN LATERAL (SELECT '2025-09-01'::timestamptz + make_interval(days => p.n, mins => m.n) AS time) at
        ) payload;

        INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate, context, source_device)
        SELECT user_id, (m ->> 'recorded_at')::timestamptz, (m ->> 'heart_rate')::integer, (m ->> 'context')::activity_context, m ->> 'source_device'
        FROM raw_ingestions r
        CROSS JOIN LATERAL jsonb_array_elements(raw_payload -> 'data' -> 'metrics') WITH ORDINALITY e (m, n)
        WHERE m ->> 'type' = 'HeartRate' AND n <= @metrics / 2;

        INSERT INTO blood_pressure_metrics (user_id, recorded_at, systolic, diastolic)
        SELECT user_id, (m ->> 'recorded_at')::timestamptz, (m ->> 'systolic')::integer, (m ->> 'diastolic')::integer
        FROM raw_ingestions r
        CROSS JOIN LATERAL jsonb_array_elements(raw_payload -> 'data' -> 'metrics') WITH ORDINALITY e (m, n)
        WHERE m ->> 'type' = 'BloodPressure' AND n <= @metrics / 2;
        """,
        new { payloads = Payloads, metrics = Metrics });

    /// <summary>What the payloads say should be in the tables, and what is: both by hand.</summary>
    private static Task<string?> WholeAsync(HealthDatabase health, bool recovered = false) => health.Database.ScalarAsync<string>(
        recovered
            ? """
              SELECT md5(string_agg(row, ',' ORDER BY row)) FROM (
                  SELECT concat_ws('|', user_id, recorded_at, heart_rate, context, source_device) AS row FROM heart_rate_metrics
                  UNION ALL
                  SELECT concat_ws('|', user_id, recorded_at, systolic, diastolic) FROM blood_pressure_metrics) rows
              """
            : """
              SELECT md5(string_agg(row, ',' ORDER BY row)) FROM (
                  SELECT concat_ws('|', user_id, (m ->> 'recorded_at')::timestamptz, m ->> 'heart_rate', m ->> 'context', m ->> 'source_device',
                                   m ->> 'systolic', m ->> 'diastolic') AS row
                  FROM raw_ingestions CROSS JOIN LATERAL jsonb_array_elements(raw_payload -> 'data' -> 'metrics') m) rows
              """);
}
