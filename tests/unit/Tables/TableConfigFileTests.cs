using EtlTools.Core;
using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Tests.Faults;

namespace EtlTools.Tests.Tables;

public sealed class TableConfigFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("etl-config-").FullName;

    private string FilePath => Path.Combine(_folder, "tables.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_is_written_is_read_as_it_was()
    {
        var table = Table("odd: name") with
        {
            Importance = TableImportance.Audit,
            Strategy = SyncStrategy.IncrementalChunked,
            BatchSize = 4711,
            IncrementalColumns = ["Date Of", "b"],
            RejectedColumns = new Dictionary<string, string> { ["c #1"] = "3 of 5 sampled: \"bad\"" },
            IncrementalLogic = IncrementalLogic.And,
            MaxDate = new DateOnly(2030, 12, 31),
            PrimaryKey = ["x", "y"],
            Profile = SyncProfile.AppendOnly,
            Lookback = new LookbackWindow(30, ["DatePay"]),
            Dependencies = ["other"],
            Monitoring = new TableMonitoring { AlertsOnFailure = false, TimeLimit = TimeSpan.FromMinutes(70), Threshold = 0.99, OverdueAfter = TimeSpan.FromHours(36) },
            Contract = SchemaContract.DiscardRow,
            Deletes = true,
            BooleanColumns = ["f"],
            IsModeled = true,
        };
        await WriteAsync(table);
        var read = Assert.Single(TableConfigReader.Read(FilePath).Tables);
        Assert.Equal(Text(table with { LastAnalyzed = read.LastAnalyzed }), Text(read));
        Assert.NotNull(read.LastAnalyzed);
    }

    [Fact]
    public async Task A_second_analysis_that_finds_nothing_new_leaves_the_file_to_the_letter()
    {
        await WriteAsync(Table("a"), Table("b"));
        var before = await File.ReadAllTextAsync(FilePath);
        var report = await WriteAsync(Table("a") with { EstimatedRows = 105 }, Table("b"));
        Assert.False(report.IsWritten);
        Assert.Empty(report.Change);
        Assert.Equal(before, await File.ReadAllTextAsync(FilePath));
    }

    [Fact]
    public async Task Hand_edits_and_comments_survive_and_the_rest_follows_the_source()
    {
        await WriteAsync(Table("a"), Table("b"));
        var edited = (await File.ReadAllTextAsync(FilePath))
            .Replace("  a:\n    importance: standard", "  # Ours.\n  a:\n    importance: critical  # said the board", StringComparison.Ordinal)
            + "# the end\n";
        await File.WriteAllTextAsync(FilePath, edited);
        var report = await WriteAsync(Table("a") with { BatchSize = 77 }, Table("b") with { Strategy = SyncStrategy.Incremental, IncrementalColumns = ["x"] }, Table("c"));
        var text = await File.ReadAllTextAsync(FilePath);
        Assert.Contains("  # Ours.\n  a:\n    importance: critical  # said the board\n", text, StringComparison.Ordinal);
        Assert.EndsWith("# the end\n", text, StringComparison.Ordinal);
        var config = TableConfigReader.Parse(text, FilePath);
        Assert.Equal((TableImportance.Critical, 77), (config.Find("a")!.Importance, config.Find("a")!.BatchSize));
        Assert.Equal(SyncStrategy.Incremental, config.Find("b")!.Strategy);
        Assert.NotNull(config.Find("c"));
        Assert.Empty(report.Conflict);
        Assert.Equal(
            ["a.importance: Kept", "a.batch_size: Changed", "b.strategy: Changed", "b.incremental_columns: Changed", "c: Added"],
            report.Change.Select(change => change.ToString()));
    }

    [Theory]
    [InlineData(TableConfigPreference.File, 33)]
    [InlineData(TableConfigPreference.Analysis, 77)]
    public async Task What_hand_and_source_changed_differently_is_a_conflict_once(TableConfigPreference preference, int batch)
    {
        await WriteAsync(Table("a"));
        await EditAsync("batch_size: 50000", "batch_size: 33");
        var report = await WriteAsync(preference, Table("a") with { BatchSize = 77 });
        var conflict = Assert.Single(report.Conflict);
        Assert.Equal(("a", "batch_size", "33", "77"), (conflict.Name, conflict.Setting, conflict.Current, conflict.Analyzed));
        Assert.True(conflict.Line > 1);
        Assert.Equal(batch, TableConfigReader.Read(FilePath).Tables[0].BatchSize);
        Assert.Empty((await WriteAsync(preference, Table("a") with { BatchSize = 77 })).Conflict);
    }

    [Fact]
    public async Task Tables_stay_that_the_source_no_longer_shows_and_stay_out_where_the_hand_took_them_out()
    {
        await WriteAsync(Table("a"), Table("b"), Table("c"), Table("d"));
        await EditAsync("  b:\n    importance: standard", "  b:\n    importance: critical");
        var text = await File.ReadAllTextAsync(FilePath);
        var start = text.IndexOf("  d:\n", StringComparison.Ordinal);
        await File.WriteAllTextAsync(FilePath, text[..start]);
        var report = await WriteAsync(Table("c"), Table("d"));
        Assert.Equal(["a: Conflict", "b: Conflict", "d: Kept"], report.Change.Select(change => change.ToString()));
        Assert.Equal(["a", "b", "c"], TableConfigReader.Read(FilePath).Tables.Select(table => table.Name));

        // Asked for by name, it comes back; the others are not asked about, and stay.
        var analysis = Analysis(Table("d")) with { IsPartial = true };
        await TableConfigFile.Merge(FilePath, analysis, TableConfigPreference.File).WriteAsync();
        Assert.Equal(["a", "b", "c", "d"], TableConfigReader.Read(FilePath).Tables.Select(table => table.Name));

        report = await WriteAsync(TableConfigPreference.Analysis, Table("c"), Table("d"));
        Assert.Equal(["a: Removed", "b: Removed"], report.Change.Select(change => change.ToString()));
    }

    /// <summary>What a process does that is killed between the two files: an analysis that found a new batch size.</summary>
    internal static Task WriteNextAsync(string path) =>
        TableConfigFile.Merge(path, Analysis(Table("a") with { BatchSize = 77 }, Table("b")), TableConfigPreference.File).WriteAsync();

    [Fact]
    public async Task Killed_between_the_two_files_it_loses_neither_hand_edit_nor_analysis()
    {
        await WriteAsync(Table("a"), Table("b"));
        await EditAsync("  a:\n    importance: standard", "  a:\n    importance: critical");
        Assert.True(await EngineProcess.RunToAsync("Host=localhost", _folder, CrashPoints.TableConfigFiles, "write-table-config", FilePath));
        await AssertBothAsync();

        await WriteNextAsync(FilePath);
        await AssertBothAsync();
        Assert.Empty((await WriteAsync(Table("a") with { BatchSize = 77 }, Table("b"))).Conflict);

        async Task AssertBothAsync()
        {
            var table = TableConfigReader.Parse(await File.ReadAllTextAsync(FilePath), FilePath).Find("a")!;
            Assert.Equal((TableImportance.Critical, 77), (table.Importance, table.BatchSize));
        }
    }

    [Fact]
    public async Task A_file_of_an_older_kind_is_written_anew_and_keeps_what_it_says()
    {
        await File.WriteAllTextAsync(FilePath, """
            source_tables:
              a:
                incremental_column: Stamp
                extraction_strategy: chunked_incremental
                table_importance: critical
                batch_size: 100000
                primary_key: "AdjNum"
                column_priorities: {Stamp: 1}
              b: # Whoever reads this kind of file goes on doing so.
                incremental_column: null
                extraction_strategy: incremental
            """);
        var original = await File.ReadAllTextAsync(FilePath);
        var report = await WriteAsync(Table("a") with { PrimaryKey = ["AdjNum", "Line"] }, Table("b") with
        {
            Importance = TableImportance.Critical, Strategy = SyncStrategy.Incremental, IncrementalColumns = ["Stamp"], IncrementalLogic = IncrementalLogic.SingleColumn,
        });
        Assert.Contains(report.Conflict, conflict => conflict is { Setting: "primary_key", Current: "[AdjNum]", Analyzed: "[AdjNum, Line]" });
        var config = TableConfigReader.Read(FilePath);
        Assert.Equal(TableConfigGeneration.Current, config.Generation);
        Assert.Equal((SyncStrategy.IncrementalChunked, TableImportance.Critical, 100_000), (config.Tables[0].Strategy, config.Tables[0].Importance, config.Tables[0].BatchSize));

        // What the file leaves out is no wish of anybody's.
        Assert.DoesNotContain(report.Change, change => change is { Name: "b", Kind: TableConfigChangeKind.Conflict or TableConfigChangeKind.Kept });
        Assert.Equal((TableImportance.Critical, SyncStrategy.Incremental, IncrementalLogic.SingleColumn), (config.Tables[1].Importance, config.Tables[1].Strategy, config.Tables[1].IncrementalLogic));
        Assert.Equal(original, await File.ReadAllTextAsync(report.OriginalPath!));
        Assert.Null((await WriteAsync(Table("a"), Table("b"))).OriginalPath);
        Assert.Equal(original, await File.ReadAllTextAsync(report.OriginalPath!));
    }

    [Fact]
    public async Task A_file_with_a_mistake_is_not_touched_and_a_preview_writes_nothing()
    {
        await File.WriteAllTextAsync(FilePath, "format: etltools-1\ntables:\n  a:\n    strategie: full_table\n");
        Assert.Equal("TableConfigInvalid", Assert.Throws<EtlException>(() => TableConfigFile.Merge(FilePath, Analysis(Table("a")), TableConfigPreference.File)).ErrorId);
        Assert.Single(Directory.GetFiles(_folder));
        File.Delete(FilePath);
        Assert.Single(TableConfigFile.Merge(FilePath, Analysis(Table("a")), TableConfigPreference.File).Report.Change);
        Assert.Empty(Directory.GetFiles(_folder));
        var nowhere = TableConfigFile.Merge(Path.Combine(_folder, "nowhere", "t.yaml"), Analysis(Table("a")), TableConfigPreference.File);
        Assert.Equal("TableConfigNotWritten", (await Assert.ThrowsAsync<EtlException>(nowhere.WriteAsync)).ErrorId);
    }

    private static TableConfig Table(string name) => new()
    {
        Name = name,
        PrimaryKey = ["id"],
        EstimatedRows = 100,
        EstimatedMegabytes = 1,
        SchemaHash = "abc",
    };

    private static SourceAnalysis Analysis(params TableConfig[] tables) => new() { Source = "practice", Database = "d", Tables = tables };

    private static string Text(TableConfig table) => ConfigText.Write(TableConfigNodes.Of(table), new ConfigComments());

    private Task<TableConfigReport> WriteAsync(params TableConfig[] tables) => WriteAsync(TableConfigPreference.File, tables);

    private Task<TableConfigReport> WriteAsync(TableConfigPreference preference, params TableConfig[] tables) =>
        TableConfigFile.Merge(FilePath, Analysis(tables), preference).WriteAsync();

    private async Task EditAsync(string old, string edited)
    {
        var text = await File.ReadAllTextAsync(FilePath);
        Assert.Contains(old, text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(FilePath, text.Replace(old, edited, StringComparison.Ordinal));
    }
}
