using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class TableConfigTestTests : IDisposable
{
    private const string Tables = """
        CREATE TABLE patient (PatNum int PRIMARY KEY, LName varchar(10), Stamp datetime, Flag tinyint);
        CREATE TABLE link (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE named (name varchar(10) PRIMARY KEY, Stamp datetime);
        CREATE TABLE bare (x int, Stamp datetime);
        """;

    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("etl-config-").FullName, "tables.yaml");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [MariaDbFact]
    public async Task What_an_analysis_wrote_is_valid_and_drifts_with_the_source()
    {
        await using var source = await MariaDbDatabase.CreateAsync(Tables);
        var connection = SyncWorkshop.ConnectionTo(source.Port, source.Name);
        var analysis = await new SourceAnalyzer(connection).AnalyzeAsync([], 1, null, CancellationToken.None);
        await TableConfigFile.Merge(_path, analysis, TableConfigPreference.File).WriteAsync();
        var test = await new TableConfigTester(connection).TestAsync(_path, CancellationToken.None);
        Assert.Empty(test.Fault);
        Assert.True(test.IsValid);

        // Sync-Table would not find it.
        await File.WriteAllTextAsync(_path, (await File.ReadAllTextAsync(_path)).Replace("  patient:", "  Patient:", StringComparison.Ordinal));
        Assert.Equal("Call it patient.", Assert.Single((await new TableConfigTester(connection).TestAsync(_path, CancellationToken.None)).Fault, fault => fault.Code == "TableNameCase").Fix);
        await File.WriteAllTextAsync(_path, (await File.ReadAllTextAsync(_path)).Replace("  Patient:", "  patient:", StringComparison.Ordinal));
        Assert.Equal((4, 4), (test.Tables, test.SourceTables));

        await source.ExecuteAsync("ALTER TABLE patient ADD Extra int; DROP TABLE link; CREATE TABLE more (id int PRIMARY KEY)");
        test = await new TableConfigTester(connection).TestAsync(_path, CancellationToken.None);
        Assert.Equal(["TableMissing link", "SchemaChanged patient", "TableNotConfigured more"], test.Fault.Select(fault => $"{fault.Code} {fault.Name}"));
        Assert.False(test.IsValid);
    }

    [MariaDbFact]
    public async Task Every_fault_has_its_line_and_a_way_out()
    {
        await using var source = await MariaDbDatabase.CreateAsync(Tables);
        await File.WriteAllTextAsync(_path, """
            format: etltools-1
            tables:
              patient:
                strategy: incremental
                incremental_columns:
                  - Stamp
                  - Stmap
                  - LName
                  - PatNum
                incremental_strategy: and_logic
                primary_key: [PatNum, Flag]
                boolean_columns: [LName]
                lookback: {window_days: 3, predicate_columns: [LName]}
                dependencies: [link, nosuch]
              link:
                primary_key: [a]
                dependencies: [named]
              named:
                strategy: incremental_chunked
                incremental_columns: [Stamp]
                rejected_columns: {Stamp: 5 of 9 sampled values lie before 2000}
                dependencies: [patient]
              bare:
                strategy: incremental
                incremental_columns: [Stamp]
              pateint:
                strategie: full_table
            """);
        var test = await new TableConfigTester(SyncWorkshop.ConnectionTo(source.Port, source.Name)).TestAsync(_path, CancellationToken.None);
        Assert.Equal(
            [
                "7 ColumnMissing patient", "8 IncrementalColumnUnfit patient", "9 AndLogicWithKey patient", "11 PrimaryKeyDiffers patient",
                "12 BooleanColumnUnfit patient", "13 LookbackColumnUnfit patient", "14 DependencyCircle patient", "14 DependencyMissing patient",
                "16 PrimaryKeyDiffers link", "19 ChunkKeyUnfit named", "20 IncrementalColumnRejected named", "24 KeyMissing bare",
                "26 TableMissing pateint", "27 SettingInvalid ",
            ],
            test.Fault.Select(fault => $"{fault.Line} {fault.Code} {fault.Name}"));
        Assert.Equal("Did you mean Stamp?", test.Fault[0].Fix);
        Assert.Equal("primary_key: [a, b]", test.Fault[8].Fix);
        Assert.All(test.Fault, fault => Assert.NotEqual("", fault.Fix));
        Assert.False(test.IsValid);
    }

    [MariaDbFact]
    public async Task What_a_test_says_of_a_table_a_sync_says_too_and_at_the_same_line()
    {
        await File.WriteAllTextAsync(_path, """
            format: etltools-1
            tables:
              part:
                importance: audit
                primary_key:
                  - a
              more:
                primary_key: [id, Note]
              unique:
                primary_key: [code]
              optional:
                primary_key:
                  [opt]
              bare:
                primary_key: [x]
              misnamed:
                strategy: incremental
                incremental_columns:
                  - Stamp
                  - Stmap
              unfit:
                lookback:
                  window_days: 3
                  predicate_columns: [Note]
              text:
                strategy: incremental
                incremental_columns: [Note]
              gone: {}
              replaced: {strategy: incremental, incremental_columns: [Stamp], primary_key: [code]}
            """);
        const string Columns = "(id int PRIMARY KEY, code varchar(5) NOT NULL UNIQUE, opt int UNIQUE, Note varchar(10), Stamp datetime)";
        await using var work = await SyncWorkshop.CreateAsync($"""
            CREATE TABLE part (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE bare (x int, y int);
            {string.Concat(new[] { "more", "unique", "optional", "misnamed", "unfit", "text", "replaced" }.Select(name => $"CREATE TABLE `{name}` {Columns};"))}
            """);
        work.Config = TableConfigReader.Read(_path);
        var test = await new TableConfigTester(work.Connection).TestAsync(_path, CancellationToken.None);
        var steps = await work.Engine.PlanAsync(new TableSyncOptions(), CancellationToken.None);
        Assert.Equal(
            ["part 5 PrimaryKeyDiffers", "more 8 PrimaryKeyDiffers", "optional 12 PrimaryKeyDiffers", "misnamed 20 ColumnMissing", "unfit 24 LookbackColumnUnfit", "text 27 IncrementalColumnUnfit", "gone 28 TableMissing"],
            test.Fault.Where(fault => fault.Severity == TableConfigSeverity.Error).Select(fault => $"{fault.Name} {fault.Line} {fault.Code}"));
        Assert.Equal(
            test.Fault.Where(fault => fault.Severity == TableConfigSeverity.Error && fault.Code != "TableMissing")
                .Select(fault => $"Table {fault.Name}: {fault.Problem} (line {fault.Line} of the configuration).").Order(StringComparer.Ordinal),
            steps.Where(step => step.Error is not null && step.Name != "gone").Select(step => step.Error!).Order(StringComparer.Ordinal));
        Assert.Contains("has no table gone (line 28 of the configuration)", steps.Single(step => step.Name == "gone").Error);

        // A key that only the admin knows of is warned of by both.
        Assert.Equal("PrimaryKeyNotEnforced", Assert.Single(test.Fault, fault => fault.Name == "bare").Code);
        Assert.Contains("does not keep x of bare unique", Assert.Single(steps.Single(step => step.Name == "bare").Warning));
        Assert.Empty(steps.Single(step => step.Name == "unique").Warning);
        Assert.DoesNotContain(test.Fault, fault => fault.Name == "unique");
        Assert.Equal("PrimaryKeyReplaced", Assert.Single(test.Fault, fault => fault.Name == "replaced").Code);
    }

    [MariaDbFact]
    public async Task Names_that_a_copy_cannot_have_are_told_before_a_sync()
    {
        var name = new string('n', 64);
        await File.WriteAllTextAsync(_path, $"format: etltools-1\ntables:\n  {name}: {{strategy: full_table}}\n  own: {{strategy: full_table}}\n");
        await using var work = await SyncWorkshop.CreateAsync($"CREATE TABLE {name} (id int PRIMARY KEY); CREATE TABLE own (id int PRIMARY KEY, xmin int)");
        var test = await new TableConfigTester(work.Connection).TestAsync(_path, CancellationToken.None);
        Assert.Equal(["NameUnfit 3", "NameUnfit 4"], test.Fault.Select(fault => $"{fault.Code} {fault.Line}"));
        work.Config = TableConfigReader.Read(_path);
        var done = await work.Engine.SyncAsync(new TableSyncOptions(), progress: null, CancellationToken.None);
        Assert.Equal(["TableConfigColumnUnfit", "TableConfigColumnUnfit"], done.Select(sync => sync.ErrorCode));
        Assert.Contains(done, sync => sync.Error!.Contains("The name xmin is one of PostgreSQL's own", StringComparison.Ordinal));
    }
}
