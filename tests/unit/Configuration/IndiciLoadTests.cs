using EtlTools.Core.Configuration;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Configuration;

/// <summary>The shipped pipeline on files of all its types, as the vendor writes them.</summary>
public sealed class IndiciLoadTests
{
    private static readonly string[] NoDate = ["1900-01-01", "1900-01-01 00:00:00.000", "1900-01-01 00:00:00"];

    [PostgresFact]
    public async Task Every_type_is_loaded_and_staged()
    {
        using var folder = new Sources.TemporaryFolder();
        var shipped = PipelineReader.Read("indici");
        var pipeline = shipped with { Source = new SourceConfig { Kind = SourceKind.Folder, Path = folder.Path } };
        foreach (var type in pipeline.ExtractTypes)
        {
            WriteFile(pipeline, type, folder.Path);
        }

        await using var database = await PostgresDatabase.CreateWithPipelineAsync(pipeline);
        await using var etl = database.OpenEtl();
        var plan = await new FileDiscovery(etl, pipeline).GetPlanAsync(
            new FileFilter(), TimeSpan.FromDays(30), [], batchSize: 50, file => Assert.Fail(file.Reason), CancellationToken.None);
        var run = await new LoadEngine(etl, pipeline).LoadAsync(plan, new LoadOptions(), progress: null, CancellationToken.None);

        Assert.Equal((LoadRunStatus.Completed, 18, 0L), (run.Status, run.FilesProcessed, run.RowsRejected));
        foreach (var type in pipeline.ExtractTypes)
        {
            var dates = type.Columns.Where(IsFedDate).Select(column => column.Name).ToList();
            var notNull = dates.Count == 0 ? "0" : $"num_nonnulls({string.Join(", ", dates)})";
            var key = type.NaturalKey[0];
            Assert.Equal(
                [dates.Count, 0],
                await database.QueryAsync<int>($"SELECT {notNull} FROM {pipeline.StagingSchema}.{type.Table} ORDER BY {key}"));
            foreach (var email in type.Rules.Keys)
            {
                Assert.Equal(
                    ["nobody@example.org"],
                    await database.QueryAsync<string>($"SELECT DISTINCT {email} FROM {pipeline.StagingSchema}.{type.Table}"));
            }
        }

        Assert.Equal(["kept 1", "kept 2"], await database.QueryAsync<string>("SELECT unmapped_122 FROM raw.providers ORDER BY 1"));
    }

    /// <summary>Two rows: one with real dates everywhere, one with the vendor's way to write that there is none.</summary>
    private static void WriteFile(PipelineConfig pipeline, ExtractTypeConfig type, string folder)
    {
        var file = VendorFile.For(pipeline, type.Name);
        var shared = type.Rules.Keys.Select(email => (email, "NoBody@Example.ORG")).ToList();
        var without = type.Columns.Where(IsFedDate).Select((column, i) => (column.Name, NoDate[i % NoDate.Length]));
        for (var row = 1; row <= 2; row++)
        {
            // PracticeInfo's key is the practice, which the file's name says too: it is told apart here.
            var key = type.NaturalKey[0] == "practice_id" ? [("practice_id", $"53{row}")] : Array.Empty<(string, string)>();
            var unmapped = type.Columns.Where(column => column.Name.StartsWith("unmapped_", StringComparison.Ordinal))
                .Select(column => (column.Name, $"kept {row}"));
            file.AddValidRow(row, [.. shared, .. key, .. unmapped, .. row == 2 ? without : []]);
        }

        file.WriteTo(folder);
    }

    private static bool IsFedDate(ColumnConfig column) => column is { InFile: true, InStaging: true } && ColumnType.IsDate(column.Type);
}
