using System.Globalization;
using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Staging;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Engine;

/// <summary>A database with a small pipeline of two types over a folder, and the engine's parts ready to use on it.</summary>
internal sealed class EngineWorkshop : IAsyncDisposable
{
    public const string Reason = "a test";

    /// <summary>Whatever holds a row is closed: by the next load that begins, and by the next look-back.</summary>
    public static readonly SegmentLimits AlwaysSeal = new() { FullBytes = 0, ScanBytes = 0 };

    private readonly DirectoryInfo _folder;
    private int _touch;

    private EngineWorkshop(PostgresDatabase database, EtlDatabase etl, DirectoryInfo folder)
    {
        Database = database;
        Etl = etl;
        _folder = folder;
        Pipeline = Describe(folder.FullName);
    }

    public PostgresDatabase Database { get; }
    public EtlDatabase Etl { get; }
    public PipelineConfig Pipeline { get; set; }
    public string Folder => _folder.FullName;

    /// <summary>When raw segments are closed; <see cref="AlwaysSeal"/> for tests of sealed ones.</summary>
    public SegmentLimits Segments { get; set; } = new();

    public LoadEngine Loader => new(Etl, Pipeline) { SegmentLimits = Segments };
    public ReprocessEngine Reprocessor => new(Etl, Pipeline) { SegmentLimits = Segments };
    public FileDiscovery Discovery => new(Etl, Pipeline);
    public RowRepair Repair => new(Etl, Pipeline);

    public static async Task<EngineWorkshop> OpenAsync(string? server = null) => await OpenAsync(
        server is null ? await PostgresDatabase.CreateWithSchemaAsync() : await PostgresDatabase.CreateAsync(server));

    /// <summary>Segments are sealed whenever they can be, and read through their indexes, however small they are.</summary>
    public static async Task<EngineWorkshop> OpenSealingAsync()
    {
        var database = await PostgresDatabase.CreateWithSchemaAsync();

        // What is forbidden counts as costly, and what is costly is compiled, which would take seconds a statement.
        await database.ExecuteAsync($"ALTER DATABASE {database.Name} SET enable_seqscan = off; ALTER DATABASE {database.Name} SET jit = off");
        var workshop = await OpenAsync(database);
        workshop.Segments = AlwaysSeal;
        return workshop;
    }

    /// <summary>On a database that then is the workshop's own.</summary>
    public static async Task<EngineWorkshop> OpenAsync(PostgresDatabase database)
    {
        var folder = Directory.CreateTempSubdirectory("etl-engine-");
        var workshop = new EngineWorkshop(database, database.OpenEtl(), folder);
        await new SchemaManager(workshop.Etl).ApplyAsync(workshop.Pipeline, progress: null, CancellationToken.None);
        return workshop;
    }

    /// <summary>Person (typed columns, one required) and Visit, its child; CSV with a header; date_extracted in the name.</summary>
    public static PipelineConfig Describe(string folder) => new()
    {
        Name = "workshop",
        Origin = "test",
        Source = new SourceConfig { Kind = SourceKind.Folder, Path = folder },
        FileName = new FileNameConfig { Pattern = @"^(?<extract_type>[A-Za-z]+)_(?<date_extracted>\d{10})_\w+$" },
        TimeZone = "Pacific/Auckland",
        Dialect = new DialectConfig { Header = true, Quote = '"' },
        MaxErrorRate = 0.5,
        ExtractTypes =
        [
            new ExtractTypeConfig
            {
                Name = "Person",
                Table = "persons",
                NaturalKey = ["person_id", "practice_id"],
                Columns =
                [
                    new ColumnConfig { Name = "person_id", Type = "integer" },
                    new ColumnConfig { Name = "practice_id" },
                    new ColumnConfig { Name = "name", NotNull = true },
                    new ColumnConfig { Name = "born", Type = "date" },
                    new ColumnConfig { Name = "amount", Type = "numeric(6,2)" },
                    new ColumnConfig { Name = "active", Type = "boolean" },
                ],
            },
            new ExtractTypeConfig
            {
                Name = "Visit",
                Table = "visits",
                Parents = ["Person"],
                NaturalKey = ["visit_id"],
                Columns =
                [
                    new ColumnConfig { Name = "visit_id" },
                    new ColumnConfig { Name = "at", Type = "timestamp with time zone" },
                ],
            },
        ],
    };

    /// <summary>Writes a file (again); a file written again never looks unchanged.</summary>
    public string Write(string name, params string[] lines)
    {
        var path = Path.Combine(Folder, name + ".csv");
        File.WriteAllText(path, string.Join("\n", lines) + "\n", new UTF8Encoding(false));
        File.SetLastWriteTimeUtc(path, new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(++_touch));
        return path;
    }

    /// <summary>A Person file of rows like "1,A,Ann,1980-02-29,1.5,yes".</summary>
    public string WritePersons(int day, string suffix, params string[] rows) => Write(
        string.Create(CultureInfo.InvariantCulture, $"Person_2501{day:D2}0000_{suffix}"),
        ["person_id,practice_id,name,born,amount,active", .. rows]);

    public async Task<LoadRun> LoadAsync(LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        await Loader.LoadAsync(await PlanAsync(), options ?? new LoadOptions(), progress: null, cancellationToken);

    public Task<IReadOnlyList<LoadPlanItem>> PlanAsync() =>
        Discovery.GetPlanAsync(new FileFilter(), TimeSpan.FromDays(30), [], 100, onUnrecognised: null, CancellationToken.None);

    public Task<IReadOnlyList<ReprocessReceipt>> ReprocessAsync(int file, Func<ReprocessOptions, ReprocessOptions>? change = null)
    {
        var options = new ReprocessOptions { Reason = Reason };
        return Reprocessor.ExecuteAsync(
            new ReprocessTarget { LoadRunFileIds = [file] }, change?.Invoke(options) ?? options, progress: null, CancellationToken.None);
    }

    public async Task<StagingIntegrityResult> IntegrityAsync(string extractType = "Person")
    {
        await foreach (var result in new StagingIntegrity(Etl, Pipeline).TestAsync([extractType], CancellationToken.None))
        {
            return result;
        }

        throw new InvalidOperationException("no result");
    }

    /// <summary>The last file entry whose key holds this text.</summary>
    public Task<int> FileIdAsync(string name) => Database.ScalarAsync<int>(
        "SELECT max(load_run_file_id) FROM etl.load_run_files WHERE s3_key LIKE '%' || @name || '%'", new { name })!;

    public async Task<string?> NameOfAsync(int person, string practice = "A") => await Database.ScalarAsync<string?>(
        "SELECT name FROM stg.persons WHERE person_id = @person AND practice_id = @practice", new { person, practice });

    /// <summary>Back to an empty ledger and empty tables.</summary>
    public async Task ResetAsync()
    {
        await Database.ExecuteAsync("""
            DROP SCHEMA IF EXISTS raw_segments CASCADE;
            TRUNCATE etl.load_runs, etl.load_run_files, etl.staging_runs, etl.rejected_rows, etl.reprocess_receipts, etl.raw_segments,
                raw.persons, raw.visits, stg.persons, stg.visits RESTART IDENTITY CASCADE
            """);
        foreach (var file in _folder.EnumerateFiles())
        {
            file.Delete();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Etl.DisposeAsync();
        await Database.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
