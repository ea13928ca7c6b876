using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Sources;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Sources;

namespace EtlTools.Tests.Discovery;

/// <summary>A ledger, a folder and a pipeline for one test, and ways to write history into them.</summary>
internal sealed class DiscoveryBench : IAsyncDisposable
{
    public static readonly TimeSpan Month = TimeSpan.FromDays(30);
    public static readonly DateTime Noon = new(2025, 8, 18, 12, 0, 0);

    private readonly EtlDatabase _etl;

    private DiscoveryBench(PostgresDatabase database)
    {
        Database = database;
        _etl = database.OpenEtl();
        Pipeline = SamplePipelines.Vendor(SamplePipelines.Folder(Folder.Path, recurse: true));
    }

    public PostgresDatabase Database { get; }

    public TemporaryFolder Folder { get; } = new();

    public PipelineConfig Pipeline { get; set; }

    public FileDiscovery Discovery => new(_etl, Pipeline);

    /// <summary>What was reported as unrecognised.</summary>
    public List<UnrecognisedFile> Reported { get; } = [];

    public static async Task<DiscoveryBench> CreateAsync() => new(await PostgresDatabase.CreateWithSchemaAsync());

    /// <summary>Puts a vendor file into the folder and returns its key.</summary>
    public string Put(string extractType, DateTime? extracted = null, string folder = "", string content = "x")
    {
        var key = folder + SamplePipelines.FileName(extractType, extracted ?? Noon);
        Folder.Write(key, content);
        return key;
    }

    /// <summary>The file as discovery reads it now.</summary>
    public async Task<SourceFile> ReadAsync(string key)
    {
        using var store = SourceStoreFactory.Create(Pipeline.Source);
        var found = await store.FindAsync(key, CancellationToken.None);
        Assert.True(new FileNameConvention(Pipeline).TryRead(found!, out var file, out _));
        return file;
    }

    public async Task<Guid> AddRunAsync(string status = "failed", long? leaseKey = null, TimeSpan? age = null)
    {
        var id = Guid.NewGuid();
        await Database.ExecuteAsync(
            """
            INSERT INTO etl.load_runs (load_run_id, started_at, status, triggered_by, lease_key)
            VALUES (@id, now() - @age, @status, 'manual', @leaseKey)
            """,
            new { id, status, leaseKey, age = age ?? TimeSpan.FromMinutes(1) });
        return id;
    }

    /// <summary>Writes one attempt at the file as it is now.</summary>
    public async Task<int> AddAttemptAsync(
        string key,
        string status,
        Guid? run = null,
        int attempt = 1,
        TimeSpan? age = null,
        bool isSuperseded = false,
        string origin = "source",
        string? pipeline = "vendor",
        string? fileHash = null,
        string? extractType = null,
        string? error = null)
    {
        var file = await ReadAsync(key);
        run ??= await AddRunAsync();
        return await Database.ScalarAsync<int>(
            """
            INSERT INTO etl.load_run_files
                (load_run_id, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id,
                 started_at, finished_at, updated_at, status, error_message, pipeline, attempt, origin, extracted_at, superseded_at)
            VALUES
                (@run, @container, @key, '', @fileHash, @dateExtracted, @extractType, @perOrgId, @practiceId,
                 now() - @age, CASE WHEN @status IN ('completed', 'failed') THEN now() - @age END, now() - @age, @status, @error, @pipeline,
                 @attempt, @origin, @extractedAt, CASE WHEN @isSuperseded THEN now() END)
            RETURNING load_run_file_id
            """,
            new
            {
                run,
                container = file.Object.Container,
                key,
                fileHash = fileHash ?? file.FileHash,
                dateExtracted = file.DateExtracted,
                extractType = extractType ?? file.ExtractType,
                perOrgId = file.PerOrgId,
                practiceId = file.PracticeId,
                age = age ?? TimeSpan.FromMinutes(1),
                status,
                error,
                pipeline,
                attempt,
                origin,
                extractedAt = file.ExtractedAt,
                isSuperseded,
            });
    }

    public async Task<List<NewFile>> FindNewAsync(FileFilter? filter = null) =>
        await Discovery.FindNewAsync(filter ?? new FileFilter(), Reported.Add, CancellationToken.None).ToListAsync();

    public async Task<List<FailedFile>> FindFailedAsync(FileFilter? filter = null, TimeSpan? maxAge = null) =>
        await Discovery.FindFailedAsync(filter ?? new FileFilter(), maxAge ?? Month, CancellationToken.None).ToListAsync();

    public Task<IReadOnlyList<LoadPlanItem>> GetPlanAsync(
        FileFilter? filter = null, IReadOnlyList<string>? priority = null, int batchSize = 10) =>
        Discovery.GetPlanAsync(filter ?? new FileFilter(), Month, priority ?? [], batchSize, Reported.Add, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _etl.DisposeAsync();
        await Database.DisposeAsync();
        Folder.Dispose();
    }
}
