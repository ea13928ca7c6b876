using System.Text.Json;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Report;
using EtlTools.TestEnvironment.HealthExport;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

/// <summary>A Health Export database with ingestions, and the engine's view of it.</summary>
internal sealed class HealthDatabase : IAsyncDisposable
{
    public static readonly DateTime Start = new(2025, 9, 1, 0, 0, 0, DateTimeKind.Utc);

    private static readonly MetricMap Map = MetricMapReader.ReadBuiltIn();

    private HealthDatabase(PostgresDatabase database)
    {
        Database = database;
        Etl = database.OpenEtl();
    }

    public PostgresDatabase Database { get; }

    public EtlDatabase Etl { get; }

    /// <param name="differences">What this deployment has otherwise.</param>
    /// <param name="withLedger">Whether the etl schema is there.</param>
    public static async Task<HealthDatabase> OpenAsync(string differences = "", bool withLedger = true)
    {
        var database = withLedger ? await PostgresDatabase.CreateWithSchemaAsync() : await PostgresDatabase.CreateAsync();
        await database.ExecuteAsync(HealthExportSchema.Sql + differences);
        return new HealthDatabase(database);
    }

    /// <summary>Metrics of the service's own form.</summary>
    public static string Internal(params object[] metrics) =>
        JsonSerializer.Serialize(new { data = new { metrics, workouts = Array.Empty<object>() } });

    public static object HeartRate(int minute, object? rate = null, string? context = "resting", DateTime? start = null) => new
    {
        type = "HeartRate",
        recorded_at = (start ?? Start).AddMinutes(minute).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        heart_rate = rate ?? 60 + (minute % 40),
        context,
        source_device = "Watch",
    };

    public static object Glucose(int minute, double value, string? source) => new
    {
        type = "BloodGlucose",
        recorded_at = Start.AddMinutes(minute).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        blood_glucose_mg_dl = value,
        glucose_source = source,
    };

    /// <summary>Heart rates, one a minute.</summary>
    public static string HeartRates(int count, int first = 0) =>
        Internal(Enumerable.Range(first, count).Select(minute => HeartRate(minute)).ToArray());

    public async Task<Guid> AddUserAsync()
    {
        var id = Guid.NewGuid();
        await Database.ExecuteAsync("INSERT INTO users (id, email) VALUES (@id, @email)", new { id, email = $"{id}@example.org" });
        return id;
    }

    public async Task<Guid> AddIngestionAsync(
        Guid user, string payload, string? status = "error", string? errors = null, DateTime? createdAt = null)
    {
        var id = Guid.NewGuid();
        var cast = await Database.ScalarAsync<string>(
            "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'raw_ingestions'::regclass AND attname = 'processing_status'");
        await Database.ExecuteAsync(
            $"""
            INSERT INTO raw_ingestions (id, user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, processing_errors, created_at)
            VALUES (@id, @user, md5(@payload), octet_length(@payload), @payload::jsonb, @status::{cast}, @errors::jsonb, @createdAt)
            """,
            new { id, user, payload, status, errors, createdAt = createdAt ?? DateTime.UtcNow.AddHours(-3) });
        return id;
    }

    public ValueTask<List<IngestionAudit>> FindAsync(LostDataQuery? query = null) =>
        new LostDataFinder(Etl, Map).FindAsync(query ?? new LostDataQuery(), progress: null, CancellationToken.None).ToListAsync();

    public Task<DataRecoveryReport> RecoverAsync(RecoveryOptions? options = null) =>
        new RecoveryEngine(Etl, Map).ExecuteAsync(options ?? new RecoveryOptions(), progress: null, CancellationToken.None);

    public Task<DataRecoveryReport> PreviewAsync(RecoveryOptions? options = null) =>
        new RecoveryEngine(Etl, Map).PreviewAsync(options ?? new RecoveryOptions(), progress: null, CancellationToken.None);

    public Task<long> CountAsync(string table) => Database.ScalarAsync<long>($"SELECT count(*) FROM {table}");

    public Task<string?> StatusAsync(Guid id) =>
        Database.ScalarAsync<string>("SELECT processing_status::text FROM raw_ingestions WHERE id = @id", new { id });

    /// <summary>Everything that a recovery could touch: each metric table, the ingestions, the recoveries before.</summary>
    /// <param name="withRecoveries">False: not the recoveries, of which every attempt leaves its row.</param>
    public async Task<string> SnapshotAsync(bool withRecoveries = true)
    {
        var tables = await Database.QueryAsync<string>(
            """
            SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname = 'public' OR (@withRecoveries AND (schemaname, tablename) = ('etl', 'data_recoveries')) ORDER BY 1
            """,
            new { withRecoveries });
        var lines = new List<string>();
        foreach (var table in tables)
        {
            lines.Add(table + " " + await Database.ScalarAsync<string>(
                $"SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '') FROM {table} r"));
        }

        return string.Join("\n", lines);
    }

    public async ValueTask DisposeAsync()
    {
        await Etl.DisposeAsync();
        await Database.DisposeAsync();
    }
}
