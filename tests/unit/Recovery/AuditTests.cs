using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

/// <summary>Times of payloads against times of tables, in every form that the column has.</summary>
public sealed class AuditTests
{
    private const string First = "0001-01-01T00:00:00Z";
    private const string Fraction = "2025-09-01T00:01:00.123456Z";
    private const string Plain = "2025-09-01T00:02:00Z";
    private const string SameElsewhere = "2025-09-01 02:02:00 +0200";
    private const string Last = "9998-12-31T23:59:59Z";

    [PostgresTheory]
    [InlineData("")]
    [InlineData("ALTER TABLE heart_rate_metrics ALTER recorded_at TYPE timestamp USING recorded_at AT TIME ZONE 'UTC';")]
    [InlineData("ALTER TABLE heart_rate_metrics ALTER recorded_at TYPE timestamptz(3);")]
    [InlineData("ALTER TABLE heart_rate_metrics DROP CONSTRAINT heart_rate_metrics_user_id_recorded_at_key;")]
    [InlineData("ALTER TABLE heart_rate_metrics DROP CONSTRAINT heart_rate_metrics_user_id_recorded_at_key, ALTER recorded_at DROP NOT NULL;")]
    public async Task A_time_counts_once_for_a_payload_and_belongs_to_its_user(string differences)
    {
        await using var health = await HealthDatabase.OpenAsync(differences);
        var (ann, ben) = (await health.AddUserAsync(), await health.AddUserAsync());
        var several = await health.AddIngestionAsync(ann, HeartRates(Last, Plain, First, SameElsewhere, Fraction, Plain));
        var other = await health.AddIngestionAsync(ann, HeartRates(Plain, "2025-09-01T00:03:00Z"));
        var others = await health.AddIngestionAsync(ben, HeartRates(Plain, First));
        await StoreAsync(health, ann, First, Fraction, Last);
        await StoreAsync(health, ben, Plain);
        if (differences.Contains("DROP CONSTRAINT", StringComparison.Ordinal))
        {
            await StoreAsync(health, ann, First, Last);
        }

        var audits = (await health.FindAsync()).ToDictionary(
            audit => audit.RawIngestionId, audit => (audit.Expected, audit.Present, audit.Missing, audit.Duplicates));
        Assert.Equal((4L, 3L, 1L, 2L), audits[several]);
        Assert.Equal((2L, 0L, 2L, 0L), audits[other]);
        Assert.Equal((2L, 1L, 1L, 0L), audits[others]);

        // A recovery writes the same keys, and then nothing is missing.
        var report = await health.RecoverAsync();
        Assert.Equal(3, report.TotalMetricsRecovered);
        Assert.Empty(await health.FindAsync());
    }

    /// <summary>Rounded up, the last time lies behind all times of the payload.</summary>
    [PostgresFact]
    public async Task A_time_that_the_column_rounds_is_found_where_it_is_then()
    {
        await using var health = await HealthDatabase.OpenAsync("ALTER TABLE heart_rate_metrics ALTER recorded_at TYPE timestamptz(0);");
        var ann = await health.AddUserAsync();
        await health.AddIngestionAsync(ann, HeartRates("2025-09-01T00:01:00.4Z", "2025-09-01T00:02:00.6Z"));
        await StoreAsync(health, ann, "2025-09-01T00:01:00.4Z", "2025-09-01T00:02:00.6Z");
        var audit = Assert.Single(await health.FindAsync(new LostDataQuery { IncludeWhole = true }));
        Assert.Equal((2L, 0L), (audit.Expected, audit.Missing));
        Assert.Equal(0, (await health.RecoverAsync()).TotalMetricsFailed);
    }

    [Fact]
    public void Times_are_put_in_order_once_each_and_found_again()
    {
        var times = new PayloadTimes(0, Guid.NewGuid(), new long[] { 5, long.MaxValue, 5, -7, 9, -7, -7 });
        Assert.Equal((4, 3, -7, long.MaxValue, 0), (times.Count, times.Duplicates, times.From, times.To, times.Present));
        foreach (var present in new long[] { 9, 9, 6, -8, long.MinValue, -7, long.MaxValue })
        {
            times.NotePresent(present);
        }

        Assert.Equal(3, times.Present);
    }

    private static string HeartRates(params string[] times) =>
        HealthDatabase.Internal([.. times.Select(time => (object)new { type = "HeartRate", recorded_at = time, heart_rate = 60 })]);

    private static Task StoreAsync(HealthDatabase health, Guid user, params string[] times) => health.Database.ExecuteAsync(
        $"""
        SET TIME ZONE 'UTC';
        INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate)
        SELECT @user, time, 60 FROM (VALUES {string.Join(", ", times.Select(time => $"('{time}'::timestamptz)"))}) t (time);
        RESET TIME ZONE
        """,
        new { user });
}
