using System.Net;
using System.Net.Sockets;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Faults;

/// <summary>Each a clear error with a stable id, and nothing changed.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private EngineWorkshop _work = null!;

    public async Task InitializeAsync()
    {
        if (PostgresServer.SkipReason is null)
        {
            _work = await EngineWorkshop.OpenAsync();
            _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
            await _work.LoadAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (_work is not null)
        {
            await _work.DisposeAsync();
        }
    }

    [PostgresFact]
    public async Task Database_that_is_not_there()
    {
        await using var etl = Connect(settings => settings.Database = "no_such_database");
        await RefusesAsync("DatabaseNotFound", () => LoadAsync(etl));
        await RefusesAsync("DatabaseNotFound", () => etl.GetInfoAsync(CancellationToken.None));
    }

    [PostgresFact]
    public async Task Database_that_is_not_initialised()
    {
        await using var empty = await PostgresDatabase.CreateAsync();
        await using var etl = empty.OpenEtl();
        foreach (var use in Uses(etl))
        {
            var error = await Assert.ThrowsAsync<EtlException>(use);
            Assert.Contains(error.ErrorId, (string[])["SchemaMissing", "TableMissing"]);
            Assert.Contains("Initialize-EtlDatabase", error.NextStep, StringComparison.Ordinal);
        }

        Assert.Equal(0, await empty.ScalarAsync<long>("SELECT count(*) FROM pg_namespace WHERE nspname IN ('etl', 'raw', 'stg')"));
    }

    [PostgresFact]
    public async Task User_without_rights()
    {
        var role = "etl_test_" + Guid.NewGuid().ToString("n")[..12];
        await _work.Database.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD '{role}'");
        try
        {
            await using (var etl = Connect(settings => (settings.Username, settings.Password) = (role, role)))
            {
                foreach (var use in Uses(etl).Append(() => new SchemaManager(etl).ApplyAsync(_work.Pipeline, null, CancellationToken.None)))
                {
                    await RefusesAsync("PermissionDenied", use);
                }
            }

            // Who may only read is refused as well, before anything is begun.
            await _work.Database.ExecuteAsync(
                $"GRANT USAGE ON SCHEMA etl, raw, stg TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA etl, raw, stg TO {role}");
            await using var reader = Connect(settings => (settings.Username, settings.Password) = (role, role));
            _work.WritePersons(2, "b", "3,A,Cyd,,,");
            await RefusesAsync("PermissionDenied", () => LoadAsync(reader));
            var file = await _work.FileIdAsync("_a");
            await RefusesAsync("PermissionDenied", () => new ReprocessEngine(reader, _work.Pipeline).ExecuteAsync(
                new ReprocessTarget { LoadRunFileIds = [file] }, Because, null, CancellationToken.None));
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await _work.Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    [PostgresFact]
    public async Task Run_file_receipt_and_row_that_are_not_there()
    {
        var id = Guid.NewGuid();
        var ledger = new RunLedger(_work.Etl);
        await RefusesAsync("LoadRunNotFound", () => ledger.GetRunAsync(id, CancellationToken.None), id.ToString());
        await RefusesAsync("LoadRunNotFound", () => ledger.StopAsync(id, "x", TimeSpan.Zero, CancellationToken.None), id.ToString());
        await RefusesAsync("LoadRunNotFound", () => ledger.GetFilesAsync(new FileQuery { LoadRunIds = [id] }, CancellationToken.None).ToListAsync().AsTask());
        await RefusesAsync("LoadRunNotFound", () => ReprocessAsync(new ReprocessTarget { LoadRunIds = [id] }), id.ToString());
        await RefusesAsync("LoadFileNotFound", () => ReprocessAsync(new ReprocessTarget { LoadRunFileIds = [4711] }), "4711");
        await RefusesAsync("LoadFileNotFound", () => ledger.GetFilesAsync(new FileQuery { LoadRunFileIds = [4711] }, CancellationToken.None).ToListAsync().AsTask());
        await RefusesAsync("ReceiptNotFound", () => _work.Reprocessor.UndoAsync([id], "x", CancellationToken.None), id.ToString());
        await RefusesAsync("RejectedRowNotFound", () => RepairAsync(4711, "name", "x"));
        await RefusesAsync("RejectedRowNotFound", () => ledger.GetRejectedRowContentAsync(4711, CancellationToken.None));
        await RefusesAsync("RepairColumnUnknown", async () => await RepairAsync(
            await _work.Database.ScalarAsync<long>("SELECT rejected_row_id FROM etl.rejected_rows"), "no_such_column", "x"));
    }

    [PostgresFact]
    public async Task Run_that_is_not_running()
    {
        var run = await _work.Database.ScalarAsync<Guid>("SELECT load_run_id FROM etl.load_runs");
        await RefusesAsync(
            "LoadRunNotRunning",
            () => new RunLedger(_work.Etl).StopAsync(run, "x", TimeSpan.Zero, CancellationToken.None),
            run.ToString());
    }

    [PostgresTheory]
    [InlineData("")]
    [InlineData(" \t")]
    public async Task Reason_that_is_empty(string reason)
    {
        var file = await _work.FileIdAsync("_a");
        await RefusesAsync("ReasonEmpty", () => _work.Reprocessor.ExecuteAsync(
            new ReprocessTarget { LoadRunFileIds = [file] }, new ReprocessOptions { Reason = reason }, null, CancellationToken.None));
        await RefusesAsync("ReasonEmpty", () => _work.Reprocessor.PreviewAsync(
            new ReprocessTarget { LoadRunFileIds = [file] }, new ReprocessOptions { Reason = reason }, null, CancellationToken.None));
        await RefusesAsync("ReasonEmpty", () => _work.Reprocessor.UndoAsync([Guid.NewGuid()], reason, CancellationToken.None));
        await RefusesAsync("ReasonEmpty", () => _work.Repair.RepairAsync([], reason, preview: false, CancellationToken.None));
        await RefusesAsync("ReasonEmpty", () => new RunLedger(_work.Etl).StopAsync(Guid.NewGuid(), reason, TimeSpan.Zero, CancellationToken.None));
    }

    [PostgresFact]
    public async Task File_name_outside_the_convention()
    {
        var path = Path.Combine(_work.Folder, "Person today.csv");
        await File.WriteAllTextAsync(path, "person_id\n");
        _work.WritePersons(2, "b", "3,A,Cyd,,,");
        await RefusesAsync("FileNameNotRecognised", () => _work.Discovery.PlanFilesAsync(["Person today.csv"], CancellationToken.None), "Person today.csv");

        // Among others it is a warning, and never the end.
        var unrecognised = new List<UnrecognisedFile>();
        var plan = await _work.Discovery.GetPlanAsync(
            new FileFilter(), TimeSpan.FromDays(1), [], 100, unrecognised.Add, CancellationToken.None);
        Assert.Equal("FileNameNotRecognised", Assert.Single(unrecognised).ErrorId);
        Assert.Single(plan);
    }

    [PostgresFact]
    public Task Folder_that_is_not_there() => RefusesAsync("SourceNotFound", () =>
    {
        _work.Pipeline = EngineWorkshop.Describe(Path.Combine(_work.Folder, "nowhere"));
        return _work.PlanAsync();
    });

    [PostgresS3Fact]
    public async Task Bucket_that_is_not_there()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        _work.Pipeline = _work.Pipeline with { Source = bucket.Source() with { Bucket = bucket.Name + "-not" } };
        await RefusesAsync("SourceNotFound", () => _work.PlanAsync());
    }

    [PostgresFact]
    public async Task Servers_that_do_not_answer()
    {
        // Takes connections, and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var etl = Connect(settings => (settings.Host, settings.Port, settings.Timeout) = ("127.0.0.1", ((IPEndPoint)silent.LocalEndpoint).Port, 1));
        await RefusesAsync("ConnectionTimeout", () => LoadAsync(etl));

        await using var nobody = Connect(settings => (settings.Host, settings.Port) = ("127.0.0.1", LoopbackPort.FindFree()));
        await RefusesAsync("DatabaseUnreachable", () => LoadAsync(nobody));
    }

    [PostgresTheory]
    [InlineData("ALTER TABLE stg.persons DROP CONSTRAINT {0}", "NaturalKeyMissing")]
    [InlineData("DROP TABLE stg.persons", "StagingTableMissing")]
    [InlineData("DROP TABLE raw.persons CASCADE", "RawTableMissing")]
    [InlineData("ALTER TABLE stg.persons RENAME COLUMN practice_id TO practice", "NaturalKeyMissing")]

    // A collation that is not deterministic needs ICU, which not every server has; what the catalogue says is all that counts.
    [InlineData("CREATE COLLATION stg.loose FROM \"C\"; ALTER TABLE stg.persons ALTER practice_id TYPE text COLLATE stg.loose; UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'loose'", "NaturalKeyCollation")]
    public async Task Tables_that_do_not_fit(string change, string errorId)
    {
        var key = await _work.Database.ScalarAsync<string>(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'stg.persons'::regclass AND contype IN ('p', 'u')");
        await _work.Database.ExecuteAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, change, key));
        _work.WritePersons(2, "b", "3,A,Cyd,,,");
        await FailsAsync(errorId);
    }

    // .NET takes these.
    [PostgresTheory]
    [InlineData(@"^(?i:yes)$")]
    [InlineData(@"\A\d+\z")]
    public async Task Pattern_that_PostgreSQL_does_not_take(string pattern)
    {
        _work.Pipeline = _work.Pipeline with
        {
            ExtractTypes = [.. _work.Pipeline.ExtractTypes.Select(type => type.Name == "Person"
                ? type with { Rules = new Dictionary<string, ColumnRule> { ["name"] = new() { Pattern = pattern } } }
                : type)],
        };
        await RefusesAsync("RulePatternInvalid", () => new SchemaManager(_work.Etl).PlanAsync(_work.Pipeline, CancellationToken.None), "Person.name");
        await RefusesAsync("RulePatternInvalid", () => new SchemaManager(_work.Etl).ApplyAsync(_work.Pipeline, progress: null, CancellationToken.None));
        _work.WritePersons(2, "b", "3,A,Cyd,,,");
        await FailsAsync("RulePatternInvalid");
    }

    [PostgresTheory]
    [InlineData("person_id,practice_id,name,born,amount", "HeaderMismatch")]
    [InlineData("person_id,practice_id,name,born,amount,active,active", "HeaderMismatch")]
    [InlineData("person_id,practice_id,name,born,amount,active,", "HeaderMismatch")]
    [InlineData("person_id,practice_id,name,born,amount,colour", "HeaderMismatch")]
    public async Task Header_that_does_not_fit(string header, string errorId)
    {
        _work.Write("Person_2501020000_b", header, "3,A,Cyd,,,");
        await FailsAsync(errorId);
    }

    [PostgresTheory]
    [InlineData("3,A,Cyd,,")]
    [InlineData("3,A,Cyd,,,,")]
    public async Task Column_count_that_does_not_fit(string row)
    {
        _work.Pipeline = _work.Pipeline with { Dialect = new DialectConfig() };
        _work.Write("Person_2501020000_b", row, row);
        await FailsAsync("ColumnCountMismatch");
    }

    private static ReprocessOptions Because => new() { Reason = EngineWorkshop.Reason };

    /// <summary>A file that cannot be loaded fails its run; raw and staging stay as they are.</summary>
    private async Task FailsAsync(string errorId)
    {
        var run = await _work.LoadAsync();
        Assert.Equal((LoadRunStatus.Failed, 0, 1), (run.Status, run.FilesProcessed, run.FilesFailed));
        var failed = Assert.Single(await Steps.FailedFilesAsync(_work));
        Assert.Equal(errorId, failed.ErrorCode);
        Assert.False(string.IsNullOrWhiteSpace(failed.Error));
        Assert.Equal(0, await _work.Database.ScalarAsync<long>(
            "SELECT count(*) FROM etl.load_run_files WHERE status = 'completed' AND s3_key LIKE '%_b%'"));
    }

    private async Task RefusesAsync(string errorId, Func<Task> use, string? target = null)
    {
        var before = await EverythingAsync();
        var error = await Assert.ThrowsAsync<EtlException>(use);
        Assert.Equal(errorId, error.ErrorId);
        Assert.False(string.IsNullOrWhiteSpace(error.Message) || string.IsNullOrWhiteSpace(error.Target) || string.IsNullOrWhiteSpace(error.NextStep));
        if (target is not null)
        {
            Assert.Equal(target, error.Target);
        }

        Assert.Equal(before, await EverythingAsync());
    }

    private async Task<string> EverythingAsync() => await Truth.SnapshotAsync(_work) + await _work.Database.ScalarAsync<string>(
        "SELECT string_agg(to_jsonb(r)::text, ' ' ORDER BY load_run_id) FROM etl.load_runs r");

    private EtlDatabase Connect(Action<NpgsqlConnectionStringBuilder> change)
    {
        var settings = new NpgsqlConnectionStringBuilder(_work.Database.ConnectionString);
        change(settings);
        return EtlDatabase.Connect(new ConnectionRequest { ConnectionString = settings.ConnectionString });
    }

    private Func<Task>[] Uses(EtlDatabase etl) =>
    [
        () => LoadAsync(etl),
        () => new FileDiscovery(etl, _work.Pipeline).GetPlanAsync(new FileFilter(), TimeSpan.FromDays(1), [], 100, null, CancellationToken.None),
        () => new RunLedger(etl).GetRunsAsync(new RunQuery(), CancellationToken.None).ToListAsync().AsTask(),
        () => new RunLedger(etl).GetFilesAsync(new FileQuery(), CancellationToken.None).ToListAsync().AsTask(),
        () => new RunLedger(etl).GetRejectedRowsAsync(new RejectedRowQuery(), CancellationToken.None).ToListAsync().AsTask(),
        () => new RunLedger(etl).StopAsync(Guid.NewGuid(), "x", TimeSpan.Zero, CancellationToken.None),
        () => new ReprocessEngine(etl, _work.Pipeline).ExecuteAsync(new ReprocessTarget { LoadRunFileIds = [1] }, Because, null, CancellationToken.None),
        () => new ReprocessEngine(etl, _work.Pipeline).UndoAsync([Guid.NewGuid()], "x", CancellationToken.None),
        () => new RowRepair(etl, _work.Pipeline).RepairAsync(
            [new RowCorrection { RejectedRowId = 1, Values = new Dictionary<string, string?>() }], "x", preview: false, CancellationToken.None),
        () => new Core.Staging.StagingIntegrity(etl, _work.Pipeline).TestAsync([], CancellationToken.None).ToListAsync().AsTask(),
    ];

    private async Task LoadAsync(EtlDatabase etl) =>
        await new LoadEngine(etl, _work.Pipeline).LoadAsync(await _work.PlanAsync(), new LoadOptions(), null, CancellationToken.None);

    private Task ReprocessAsync(ReprocessTarget target) => _work.Reprocessor.ExecuteAsync(target, Because, null, CancellationToken.None);

    private Task RepairAsync(long row, string column, string value) => _work.Repair.RepairAsync(
        [new RowCorrection { RejectedRowId = row, Values = new Dictionary<string, string?> { [column] = value } }],
        EngineWorkshop.Reason,
        preview: false,
        CancellationToken.None);
}
