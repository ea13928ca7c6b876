using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Sources;
using EtlTools.Host.Demo;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Host;

/// <summary>The demo's sample files: the same every time, in the true dialect, with the faults that they say they have.</summary>
public sealed class DemoExtractsTests : IDisposable
{
    private readonly PipelineConfig _pipeline = PipelineReader.Read("indici");
    private readonly string _folder = TempFolder.Create();

    public void Dispose() => TempFolder.Delete(_folder);

    [Fact]
    public void Files_are_the_same_every_time()
    {
        foreach (var (first, again) in DemoExtracts.Changes(_pipeline).Zip(DemoExtracts.Changes(_pipeline)))
        {
            first.WriteTo(Path.Combine(_folder, "first"));
            again.WriteTo(Path.Combine(_folder, "again"));
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(_folder, "first", first.Name)), File.ReadAllBytes(Path.Combine(_folder, "again", again.Name)));
        }
    }

    [Fact]
    public void Files_without_a_fault_have_the_columns_of_their_type_in_every_row()
    {
        foreach (var file in DemoExtracts.Full(_pipeline).Concat(DemoExtracts.Corrected(_pipeline)))
        {
            var rows = Rows(file);
            var columns = _pipeline.FindExtractType(file.ExtractType)!.Columns.Count(column => column.InFile);
            Assert.Equal("", rows[^1]);
            Assert.Equal(file.RowCount, rows.Length - 1);
            Assert.All(rows[..^1], row => Assert.Equal(columns, row.Split("|^^|").Length));
        }
    }

    [Fact]
    public void Names_follow_the_vendor_except_for_the_one_that_is_not_to()
    {
        var convention = new FileNameConvention(_pipeline);
        foreach (var file in DemoExtracts.Full(_pipeline).Concat(DemoExtracts.Changes(_pipeline)))
        {
            var listed = new SourceObject("bucket", file.Name, 1, "", DateTimeOffset.UnixEpoch);
            Assert.Equal(file.Fault != DemoFault.UnreadableName, convention.TryRead(listed, out var read, out _));
            Assert.True(read is null || read.ExtractType == file.ExtractType);
        }
    }

    [Fact]
    public void Corrected_files_come_under_the_names_of_the_faulty_ones()
    {
        var faulty = DemoExtracts.Changes(_pipeline).Select(file => file.Name).ToList();

        Assert.All(DemoExtracts.Corrected(_pipeline), file => Assert.Contains(file.Name, faulty));
    }

    [PostgresFact]
    public async Task The_engine_finds_every_planted_fault_and_no_other()
    {
        await using var work = await HostWorkshop.OpenAsync();
        var files = DemoExtracts.Changes(_pipeline);
        foreach (var file in files)
        {
            file.WriteTo(work.Extracts);
        }

        var load = await work.RunAsync("load");

        Assert.Equal(1, load.ExitCode);
        Assert.Contains("error=FileNameNotRecognised", load.Output, StringComparison.Ordinal);
        foreach (var file in files.Where(file => file.Fault != DemoFault.UnreadableName))
        {
            var (status, ingested, rejected) = (await work.Database.QueryAsync<(string, long, long)>(
                "SELECT status, rows_ingested::bigint, rows_rejected::bigint FROM etl.load_run_files WHERE extract_type = @type",
                new { type = file.ExtractType })).Single();
            Assert.Equal(file.IsHopeless ? "failed" : "completed", status);
            Assert.True(file.IsHopeless || (ingested, rejected) == (file.RowCount - file.BadRows, file.BadRows + file.InvalidRows), file.ExtractType);
        }

        Assert.Equal(
            ["dob:invalid_date", "expiry_date:invalid_date", "field_count", "mgencode:nul_character", "patient_id:missing"],
            await work.Database.QueryAsync<string>(
                "SELECT DISTINCT unnest(reasons) COLLATE \"C\" FROM etl.rejected_rows WHERE extract_type <> 'Appointments' ORDER BY 1"));
    }

    [PostgresFact]
    public async Task The_story_holds_and_leaves_nothing_in_the_temporary_folder()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        var variables = new Dictionary<string, string?> { ["ETL_CRASH_AT"] = null, ["TMPDIR"] = _folder, ["TEMP"] = _folder, ["TMP"] = _folder };
        await using var story = HostProcess.Start(["demo", "--connection", database.ConnectionString], variables);
        await story.WaitForExitAsync(TimeSpan.FromMinutes(10));

        Assert.DoesNotContain("FAILS", story.Output, StringComparison.Ordinal);
        Assert.Equal(0, story.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder, "etl-*"));

        await using var again = await HostProcess.RunAsync(["demo", "--connection", database.ConnectionString], variables);
        Assert.Equal(2, again.ExitCode);
        Assert.StartsWith("DatabaseNotEmpty: ", again.Error, StringComparison.Ordinal);
    }

    private string[] Rows(DemoFile file)
    {
        file.WriteTo(_folder);
        var bytes = File.ReadAllBytes(Path.Combine(_folder, file.Name));
        Assert.NotEqual(0xFF, bytes[0]);
        return Encoding.Unicode.GetString(bytes).Split("|~~|");
    }
}
