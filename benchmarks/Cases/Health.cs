using System.Diagnostics;
using System.Globalization;
using EtlTools.Core.Database;
using EtlTools.Core.Health;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// A reading of health over thirty days, all of which count, against the bare queries that a careful author would write for
/// the same figures, one for each question: counts by status, loss and trend; users; errors by category; backlog; audits; and the
/// same of the loads. Both sides run in this process over open connections, so that neither pays for the start of a program; what
/// the first reading of a process costs besides is told apart.
/// </summary>
internal sealed class Health : IBenchmark
{
    private const int Ingestions = 1_000_000;
    private const int Files = 100_000;
    private const int Days = 30;

    private static readonly HealthQuery Query = new() { Window = TimeSpan.FromDays(1), PreviousWindows = Days - 1 };

    public string Name => "health_vs_sql";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        await using var database = await workspace.Server.CreateDatabaseAsync();
        await using var etl = database.OpenEtl();
        await new SchemaManager(etl).ApplyAsync(pipeline: null, progress: null, CancellationToken.None);
        await FillAsync(database, workspace.Rows(Ingestions), workspace.Rows(Files));

        var monitor = new HealthMonitor(etl);
        var clock = Stopwatch.StartNew();
        var health = await monitor.GetAsync(Query, TimeZoneInfo.Utc, CancellationToken.None);
        var first = clock.Elapsed.TotalSeconds;
        await RequireSameAsync(database, health);
        var seconds = await Comparison.RunAsync(
            workspace.Runs,
            () => database.TimeAsync(() => monitor.GetAsync(Query, TimeZoneInfo.Utc, CancellationToken.None)),
            () => database.TimeAsync(() => database.ExecuteAsync(string.Join(";\n", Bare))));
        return
        [
            Result.Limit(
                Name,
                "seconds of Get-ProcessingHealth over 1,000,000 ingestions and 100,000 files, over those of the bare aggregate queries",
                1.5,
                seconds.Ours.Median / seconds.Rival.Median,
                [.. Result.Describe("ours", seconds.Ours), .. Result.Describe("rival", seconds.Rival), ("first_seconds", Result.Format("", Math.Round(first, 3)))]),
        ];
    }

    private static async Task FillAsync(BenchmarkDatabase database, int ingestions, int files)
    {
        await database.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $$$"""
            CREATE TABLE raw_ingestions (
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, payload_hash varchar(64), payload_size_bytes integer,
                raw_payload jsonb NOT NULL, processing_status varchar(50) DEFAULT 'pending', processing_errors jsonb, processed_at timestamptz,
                created_at timestamptz DEFAULT now());
            CREATE INDEX ON raw_ingestions (user_id, created_at);
            CREATE INDEX ON raw_ingestions (created_at);

            -- Nine in ten are clean, and have the service's own counts all the same; every hundredth has been audited.
            INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, processing_errors, processed_at, created_at)
            SELECT md5((n % 2000)::text)::uuid, repeat('a', 64), 1000, '{"data": {"metrics": [], "workouts": []}}',
                   CASE WHEN n % 100 < 92 THEN 'processed' WHEN n % 100 < 96 THEN 'error' WHEN n % 100 < 98 THEN 'partial_success' ELSE 'pending' END,
                   CASE WHEN n % 100 < 92 THEN jsonb_build_object('processing_metadata', jsonb_build_object(
                                'expected_count', 100 + n % 900, 'actual_count', CASE WHEN n % 100 < 3 THEN 50 ELSE 100 + n % 900 END, 'failed_count', 0,
                                'silent_failures', 0, 'loss_percentage', 0.0, 'postgresql_param_limit_violation', false), 'errors', '[]'::jsonb)
                        WHEN n % 100 < 98 THEN jsonb_build_array(jsonb_build_object('metric_type', 'HeartRate', 'error_message',
                                (array['too many arguments for statement', 'value out of range', 'pool timed out', 'deadline exceeded'])[1 + n % 4])) END,
                   now() - n * interval '{{{Days - 1}}} days' / {{{ingestions}}}, now() - n * interval '{{{Days - 1}}} days' / {{{ingestions}}}
            FROM generate_series(1, {{{ingestions}}}) n;
            INSERT INTO etl.ingestion_audits (raw_ingestion_id, user_id, expected, present, missing, duplicates, rejected, cause, recoverable)
            SELECT id, user_id, 100, 100, 0, 0, 0, 'None', true FROM (SELECT id, user_id, row_number() OVER () AS n FROM raw_ingestions) i WHERE n % 100 = 0;

            INSERT INTO etl.load_runs (load_run_id, status, pipeline, triggered_by, started_at, completed_at)
            SELECT md5(run::text)::uuid, 'completed', 'indici', 'scheduled', now() - run * interval '{{{Days - 1}}} days' / {{{files / 100}}}, now()
            FROM generate_series(1, {{{files / 100}}}) run;
            INSERT INTO etl.load_run_files (load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id,
                practice_id, rows_read, rows_ingested, rows_rejected, status, error_code, started_at, finished_at, staged_at)
            SELECT md5((1 + n / 100)::text)::uuid, 'indici', 'bucket', 'key' || n, '', md5(n::text), '2508181044', 'Patient', '685146', (n % 200)::text,
                   1000, 990, CASE WHEN n % 20 = 7 THEN 10 ELSE 0 END, CASE WHEN n % 25 = 0 THEN 'failed' ELSE 'completed' END,
                   CASE WHEN n % 25 = 0 THEN 'TooManyBadRows' END, started.at, started.at, started.at
            FROM generate_series(1, {{{files}}} - 100) n
            CROSS JOIN LATERAL (SELECT now() - n * interval '{{{Days - 1}}} days' / {{{files}}} AS at) started;
            INSERT INTO etl.rejected_rows (load_run_id, load_run_file_id, extract_type, stage, row_number, reasons, rejected_at)
            SELECT f.load_run_id, f.load_run_file_id, f.extract_type, 'staging', n, ARRAY['born:date_invalid'], f.started_at
            FROM etl.load_run_files f CROSS JOIN generate_series(1, 10) n
            WHERE f.rows_rejected > 0
            """));
        await database.ExecuteAsync("VACUUM ANALYZE");
    }

    // Queries read the same moment as ours would, a few seconds apart at most: counts of thirty days are compared, not of the edges.
    private static async Task RequireSameAsync(BenchmarkDatabase database, ProcessingHealth health)
    {
        var ingestions = health.Trend.Where(trend => trend.Family == PipelineFamily.Ingestion).ToList();
        var loads = health.Trend.Where(trend => trend.Family == PipelineFamily.Load).ToList();
        await database.RequireAsync(ingestions.Sum(trend => trend.Failed), "SELECT count(*) FROM raw_ingestions WHERE processing_status = 'error'");
        await database.RequireAsync(loads.Sum(trend => trend.Failed), "SELECT count(*) FROM etl.load_run_files WHERE status = 'failed'");
        await database.RequireAsync(loads.Sum(trend => trend.Missing), "SELECT sum(CASE status WHEN 'completed' THEN rows_rejected ELSE rows_read END) FROM etl.load_run_files");
    }

    private const string Metadata = "(processing_errors -> 'processing_metadata' ->> '{0}')::bigint";
    private static readonly string Expected = string.Format(CultureInfo.InvariantCulture, Metadata, "expected_count");
    private static readonly string Actual = string.Format(CultureInfo.InvariantCulture, Metadata, "actual_count");

    private static IReadOnlyList<string> Bare =>
    [
        // Overall, data loss and trend. OFFSET 0: the metadata is unpacked once.
        $"""
        SELECT date_bin('1 day', created_at, now()) AS day, count(*), count(*) FILTER (WHERE processing_status = 'processed'),
               count(*) FILTER (WHERE processing_status = 'partial_success'), count(*) FILTER (WHERE processing_status = 'error'),
               sum(expected), sum(greatest(expected - actual, 0)), count(*) FILTER (WHERE actual < expected)
        FROM (
            SELECT created_at, processing_status, {Expected} AS expected, {Actual} AS actual
            FROM raw_ingestions WHERE created_at >= now() - interval '{Days} days'
            OFFSET 0) i
        GROUP BY 1
        """,
        // Impact.
        $"""
        SELECT user_id, count(*), count(*) FILTER (WHERE processing_status IN ('error', 'partial_success')), sum({Expected}), sum(greatest({Expected} - {Actual}, 0))
        FROM raw_ingestions WHERE created_at >= now() - interval '1 day' GROUP BY 1
        """,
        "SELECT user_id, max(processed_at) FROM raw_ingestions WHERE processing_status = 'processed' GROUP BY 1",
        // Error patterns.
        """
        SELECT CASE WHEN processing_errors::text ~* 'parameter|too many arguments|safe limit|chunk size' THEN 'parameter limit'
                    WHEN processing_errors::text ~* 'range|invalid|validat' THEN 'validation' WHEN processing_errors::text ~* 'duplicate' THEN 'duplicate'
                    WHEN processing_errors::text ~* 'connection|pool' THEN 'connection' WHEN processing_errors::text ~* 'timeout|timed out|deadline' THEN 'timeout'
                    ELSE 'other' END, count(*), min(created_at), max(created_at)
        FROM raw_ingestions WHERE created_at >= now() - interval '1 day' AND processing_status IN ('error', 'partial_success') GROUP BY 1
        """,
        // Backlog and stuck work.
        "SELECT processing_status, count(*), min(created_at) FROM raw_ingestions WHERE processing_status IN ('pending', 'parsing', 'processing') GROUP BY 1",
        // The audits.
        "SELECT count(*), sum(missing) FROM etl.ingestion_audits a JOIN raw_ingestions i ON i.id = a.raw_ingestion_id WHERE i.created_at >= now() - interval '1 day'",

        // The same of the loads.
        $"""
        SELECT date_bin('1 day', started_at, now()) AS day, count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
               sum(rows_read), sum(rows_rejected)
        FROM etl.load_run_files WHERE started_at >= now() - interval '{Days} days' AND superseded_at IS NULL GROUP BY 1
        """,
        """
        SELECT practice_id, count(*), count(*) FILTER (WHERE status = 'failed'), sum(rows_read), sum(rows_rejected)
        FROM etl.load_run_files WHERE started_at >= now() - interval '1 day' AND superseded_at IS NULL GROUP BY 1
        """,
        "SELECT practice_id, max(finished_at) FROM etl.load_run_files WHERE status = 'completed' GROUP BY 1",
        "SELECT error_code, count(*), min(finished_at), max(finished_at) FROM etl.load_run_files WHERE started_at >= now() - interval '1 day' AND status = 'failed' GROUP BY 1",
        """
        SELECT reason, count(*) FROM etl.rejected_rows q JOIN etl.load_run_files f USING (load_run_file_id) CROSS JOIN unnest(q.reasons) reason
        WHERE f.started_at >= now() - interval '1 day' GROUP BY 1
        """,
        """
        SELECT count(*), min(f.created_at) FROM etl.load_run_files f
        WHERE f.status <> 'completed' AND NOT EXISTS (
            SELECT FROM etl.load_run_files l WHERE l.s3_bucket = f.s3_bucket AND l.s3_key = f.s3_key AND l.load_run_file_id > f.load_run_file_id)
        """,
        "SELECT load_run_id, started_at FROM etl.load_runs WHERE status = 'running'",
        "SELECT count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'), sum(rows_ingested), sum(rows_rejected) FROM etl.load_run_files",
    ];
}
