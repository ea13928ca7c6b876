using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Runs;

/// <summary>A database with the etl schema, and the entries that a test puts into its ledger.</summary>
internal sealed class Ledger : IAsyncDisposable
{
    private Ledger(PostgresDatabase database)
    {
        Database = database;
        Etl = database.OpenEtl();
        Runs = new RunLedger(Etl);
    }

    public PostgresDatabase Database { get; }

    public EtlDatabase Etl { get; }

    public RunLedger Runs { get; }

    public static async Task<Ledger> CreateAsync() => new(await PostgresDatabase.CreateWithSchemaAsync());

    /// <summary>A run of ours.</summary>
    public async Task<Guid> AddRunAsync(
        string status = "completed",
        string kind = "load",
        TimeSpan? age = null,
        TimeSpan? took = null,
        long? leaseKey = null,
        string? reason = null,
        string? notes = null,
        string? startedAt = null)
    {
        await using var connection = await Database.OpenAsync();
        return await connection.QuerySingleAsync<Guid>(
            """
            WITH start AS (SELECT coalesce(@startedAt::timestamptz, now() - @age) AS at)
            INSERT INTO etl.load_runs (status, kind, pipeline, triggered_by, requested_by, reason, notes, lease_key, started_at, completed_at)
            SELECT @status, @kind, 'indici', 'manual', 'etl', @reason, @notes, @leaseKey, at, CASE WHEN @status <> 'running' THEN at + @took END
            FROM start
            RETURNING load_run_id
            """,
            new
            {
                status,
                kind,
                reason,
                notes,
                leaseKey,
                startedAt,
                age = age ?? TimeSpan.FromMinutes(1),
                took = took ?? TimeSpan.FromSeconds(10),
            });
    }

    /// <summary>A run as the earlier system wrote it.</summary>
    public async Task<Guid> AddAdoptedRunAsync(
        string status, TimeSpan age, string? notes = null, int ingested = 0, int rejected = 0, int files = 0)
    {
        await using var connection = await Database.OpenAsync();
        return await connection.QuerySingleAsync<Guid>(
            """
            INSERT INTO etl.load_runs (
                started_at, completed_at, status, triggered_by, notes, total_files_processed, total_rows_ingested, total_rows_rejected)
            VALUES (now() - @age, CASE WHEN @status <> 'running' THEN now() END, @status, 'scheduled', @notes, @files, @ingested, @rejected)
            RETURNING load_run_id
            """,
            new { age, status, notes, ingested, rejected, files });
    }

    /// <summary>An attempt of ours at a file; the same key is the same logical file, the same hash the same content.</summary>
    public async Task<int> AddFileAsync(
        Guid run,
        string key = "685146_535_Patient_202508180544_202508181044_2508181044.csv",
        string status = "completed",
        int read = 0,
        int rejected = 0,
        string extractType = "Patient",
        string? hash = null,
        TimeSpan? startedAgo = null,
        TimeSpan? finishedAgo = null)
    {
        await using var connection = await Database.OpenAsync();
        return await connection.QuerySingleAsync<int>(
            """
            INSERT INTO etl.load_run_files (
                load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id,
                rows_read, rows_ingested, rows_rejected, status, attempt, started_at, finished_at, staged_at, extracted_at)
            VALUES (
                @run, 'indici', 'bucket', @key, '', @hash, '2508181044', @extractType, '685146', '535',
                @read, CASE WHEN @status = 'completed' THEN @read - @rejected ELSE 0 END, @rejected, @status,
                (SELECT 1 + count(*) FROM etl.load_run_files WHERE s3_key = @key), now() - @startedAgo, now() - @finishedAgo,
                CASE WHEN @status = 'completed' THEN now() - @finishedAgo END, '2025-08-18 10:44')
            RETURNING load_run_file_id
            """,
            new
            {
                run,
                key,
                status,
                read,
                rejected,
                extractType,
                hash = hash ?? Guid.NewGuid().ToString(),
                startedAgo = startedAgo ?? TimeSpan.FromSeconds(60),
                finishedAgo = finishedAgo ?? TimeSpan.FromSeconds(30),
            });
    }

    /// <summary>A file as the earlier system wrote it.</summary>
    public async Task<int> AddAdoptedFileAsync(Guid run, string status, int read, int ingested, int rejected, string? error = null)
    {
        await using var connection = await Database.OpenAsync();
        return await connection.QuerySingleAsync<int>(
            """
            INSERT INTO etl.load_run_files (
                load_run_id, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id,
                rows_read, rows_ingested, rows_rejected, status, error_message)
            VALUES (@run, 'bucket', @key, '', @key, '2508181044', 'Allergies', '685146', '535', @read, @ingested, @rejected, @status, @error)
            RETURNING load_run_file_id
            """,
            new { run, key = $"C:/Jobs/out\\{Guid.NewGuid():n}_Allergies.csv", read, ingested, rejected, status, error });
    }

    public async Task<long> AddRejectedRowAsync(
        int file, string stage = "load", byte[]? content = null, string? fields = null, long rowNumber = 1, params string[] reasons)
    {
        await using var connection = await Database.OpenAsync();
        return await connection.QuerySingleAsync<long>(
            """
            INSERT INTO etl.rejected_rows (load_run_id, load_run_file_id, extract_type, stage, row_number, line_number, byte_offset, reasons, content, fields)
            SELECT load_run_id, load_run_file_id, extract_type, @stage, @rowNumber, @rowNumber + 1, @rowNumber * 100, @reasons, @content, @fields::jsonb
            FROM etl.load_run_files WHERE load_run_file_id = @file
            RETURNING rejected_row_id
            """,
            new { file, stage, content, fields, rowNumber, reasons = reasons.Length == 0 ? ["field_count"] : reasons });
    }

    public Task SupersedeAsync(int file, int by) => Database.ExecuteAsync(
        "UPDATE etl.load_run_files SET superseded_at = now(), superseded_by_load_run_file_id = @by WHERE load_run_file_id = @file",
        new { file, by });

    /// <summary>A session that holds the lease, as a run's own does.</summary>
    public async Task<NpgsqlConnection> HoldLeaseAsync(long leaseKey)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(Database.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await connection.ExecuteAsync("SELECT pg_advisory_lock(@leaseKey)", new { leaseKey });
        return connection;
    }

    public Task KillAsync(NpgsqlConnection session) =>
        Database.ExecuteAsync("SELECT pg_terminate_backend(@pid, 5000)", new { pid = session.ProcessID });

    public async Task<IReadOnlyList<LoadRun>> GetRunsAsync(RunQuery? query = null) =>
        await Runs.GetRunsAsync(query ?? new RunQuery(), CancellationToken.None).ToListAsync();

    public Task<LoadRun> GetRunAsync(Guid id) => Runs.GetRunAsync(id, CancellationToken.None);

    public async Task<IReadOnlyList<LoadFile>> GetFilesAsync(FileQuery? query = null) =>
        await Runs.GetFilesAsync(query ?? new FileQuery(), CancellationToken.None).ToListAsync();

    public async Task<IReadOnlyList<RejectedRow>> GetRejectedRowsAsync(RejectedRowQuery? query = null) =>
        await Runs.GetRejectedRowsAsync(query ?? new RejectedRowQuery(), CancellationToken.None).ToListAsync();

    public async ValueTask DisposeAsync()
    {
        await Etl.DisposeAsync();
        await Database.DisposeAsync();
    }
}
