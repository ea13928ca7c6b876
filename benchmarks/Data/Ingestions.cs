using EtlTools.Benchmarks;
using EtlTools.TestEnvironment.HealthExport;

namespace EtlTools.Benchmarks.Data;

/// <summary>Health Export databases full of stored payloads, made by the server itself.</summary>
internal static class Ingestions
{
    /// <summary>Metric types in turn: six heart rates, two blood pressures and two activities of every ten, one a minute.</summary>
    private const string Metric = """
        CASE WHEN m.n % 10 < 6
            THEN jsonb_build_object('type', 'HeartRate', 'id', gen_random_uuid(), 'user_id', u.id, 'recorded_at', at.time,
                    'heart_rate', 55 + m.n % 60, 'context', 'resting', 'source_device', 'Watch6,2', 'created_at', at.time)
        WHEN m.n % 10 < 8
            THEN jsonb_build_object('type', 'BloodPressure', 'id', gen_random_uuid(), 'user_id', u.id, 'recorded_at', at.time,
                    'systolic', 105 + m.n % 40, 'diastolic', 60 + m.n % 30, 'pulse', 60 + m.n % 40, 'source_device', 'Cuff', 'created_at', at.time)
        ELSE jsonb_build_object('type', 'Activity', 'id', gen_random_uuid(), 'user_id', u.id, 'recorded_at', at.time,
                    'step_count', m.n % 200, 'distance_meters', (m.n % 900) / 10.0, 'active_energy_burned_kcal', (m.n % 90) / 10.0,
                    'source_device', 'iPhone15,3', 'created_at', at.time)
        END
        """;

    private static readonly (string Type, string Table, string Columns, string Values)[] Tables =
    [
        ("HeartRate", "heart_rate_metrics", "heart_rate, context, source_device",
            "(m ->> 'heart_rate')::integer, (m ->> 'context')::activity_context, m ->> 'source_device'"),
        ("BloodPressure", "blood_pressure_metrics", "systolic, diastolic, pulse, source_device",
            "(m ->> 'systolic')::integer, (m ->> 'diastolic')::integer, (m ->> 'pulse')::integer, m ->> 'source_device'"),
        ("Activity", "activity_metrics", "step_count, distance_meters, active_energy_burned_kcal, source_device",
            "(m ->> 'step_count')::integer, (m ->> 'distance_meters')::double precision, (m ->> 'active_energy_burned_kcal')::double precision, m ->> 'source_device'"),
    ];

    public static IReadOnlyList<string> TableNames => [.. Tables.Select(table => table.Table)];

    /// <summary>A database with the ledger, and payloads of so many metrics each, ten a user.</summary>
    public static async Task<BenchmarkDatabase> CreateAsync(BenchmarkServer server, int payloads, int metrics)
    {
        var database = await server.CreateDatabaseAsync();
        await using (var etl = database.OpenEtl())
        {
            await new Core.Database.SchemaManager(etl).ApplyAsync(pipeline: null, progress: null, CancellationToken.None);
        }

        await database.ExecuteAsync(HealthExportSchema.Sql);
        await database.ExecuteAsync($"""
            INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, {Math.Max(1, payloads / 10)}) n;
            INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, created_at)
            SELECT u.id, md5(p.n::text), {metrics} * 200, payload.data, 'processed', now() - interval '2 hours'
            FROM generate_series(0, {payloads - 1}) p (n)
            JOIN (SELECT id, row_number() OVER (ORDER BY email) - 1 AS n FROM users) u ON u.n = p.n % {Math.Max(1, payloads / 10)}
            CROSS JOIN LATERAL (
                SELECT jsonb_build_object('data', jsonb_build_object('metrics', jsonb_agg({Metric} ORDER BY m.n), 'workouts', '[]'::jsonb)) AS data
                FROM generate_series(1, {metrics}) m (n)
                CROSS JOIN LATERAL (
                    SELECT '2020-01-01'::timestamptz + make_interval(mins => (p.n / {Math.Max(1, payloads / 10)}) * {metrics} + m.n) AS time) at
            ) payload
            """);
        return database;
    }

    /// <summary>SQL that stores the metrics of all payloads which satisfy a condition on their number in the payload (n).</summary>
    public static string Store(string condition, string prefix = "") => string.Join("\n", Tables.Select(table => $"""
        INSERT INTO {prefix}{table.Table} (user_id, recorded_at, {table.Columns})
        SELECT r.user_id, (m ->> 'recorded_at')::timestamptz, {table.Values}
        FROM raw_ingestions r
        CROSS JOIN LATERAL jsonb_array_elements(r.raw_payload -> 'data' -> 'metrics') WITH ORDINALITY e (m, n)
        WHERE m ->> 'type' = '{table.Type}' AND {condition};
        """));

    /// <summary>What a careful author would write by hand to find the losses of these three types: one row an ingestion.</summary>
    public static string ReconcileByHand() => $"""
        SET work_mem = '64MB';
        CREATE TABLE losses AS
        SELECT id, sum(expected)::bigint AS expected, sum(missing)::bigint AS missing
        FROM ({string.Join("\nUNION ALL\n", Tables.Select(table => $"""
            SELECT k.id, count(*) AS expected, count(*) FILTER (WHERE t.user_id IS NULL) AS missing
            FROM (SELECT DISTINCT r.id, r.user_id, (m ->> 'recorded_at')::timestamptz AS recorded_at
                  FROM raw_ingestions r
                  CROSS JOIN LATERAL jsonb_array_elements(r.raw_payload -> 'data' -> 'metrics') m
                  WHERE m ->> 'type' = '{table.Type}') k
            LEFT JOIN {table.Table} t ON t.user_id = k.user_id AND t.recorded_at = k.recorded_at
            GROUP BY k.id
            """))}) counts
        GROUP BY id
        """;
}
