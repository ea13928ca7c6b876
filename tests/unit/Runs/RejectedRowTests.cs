using System.Text;
using EtlTools.Core;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Runs;

public sealed class RejectedRowTests
{
    [PostgresFact]
    public async Task Open_rows_are_shown_and_closed_ones_on_request()
    {
        await using var ledger = await Ledger.CreateAsync();
        var run = await ledger.AddRunAsync("failed");
        var file = await ledger.AddFileAsync(run, "x/a.csv");
        var open = await ledger.AddRejectedRowAsync(file, "load", rowNumber: 7, reasons: ["first_name:nul", "undecodable"]);
        var repaired = await ledger.AddRejectedRowAsync(file, "staging");
        var old = await ledger.AddFileAsync(run, "b.csv", extractType: "Allergies");
        var superseded = await ledger.AddRejectedRowAsync(old, "staging");
        var failed = await ledger.AddFileAsync(run, "c.csv", "failed");
        var retried = await ledger.AddRejectedRowAsync(failed);
        var later = await ledger.AddRunAsync();
        await ledger.Database.ExecuteAsync(
            "UPDATE etl.rejected_rows SET repaired_by_load_run_file_id = @file WHERE rejected_row_id = @repaired", new { file, repaired });
        await ledger.SupersedeAsync(old, file);

        Assert.Equal([open, retried], await IdsAsync(new RejectedRowQuery()));
        await ledger.AddFileAsync(later, "c.csv");
        Assert.Equal([open], await IdsAsync(new RejectedRowQuery()));

        var all = await ledger.GetRejectedRowsAsync(new RejectedRowQuery { IncludeClosed = true });
        Assert.Equal([(open, "open"), (repaired, "repaired"), (superseded, "superseded"), (retried, "superseded")], all.Select(row => (row.RejectedRowId, row.Status)));
        Assert.Equal([repaired, superseded], await IdsAsync(new RejectedRowQuery { IncludeClosed = true, Stage = "Staging" }));
        Assert.Equal([superseded], await IdsAsync(new RejectedRowQuery { IncludeClosed = true, ExtractTypes = ["allergies"] }));
        Assert.Equal([retried], await IdsAsync(new RejectedRowQuery { IncludeClosed = true, LoadRunFileIds = [failed] }));
        Assert.Equal([open], await IdsAsync(new RejectedRowQuery { IncludeClosed = true, LoadRunIds = [run], First = 1 }));

        var first = all[0];
        Assert.Equal(("a.csv", "load", 7L, 8L, 700L), (first.FileName, first.Stage, first.RowNumber, first.LineNumber, first.ByteOffset));
        Assert.Equal(["first_name:nul", "undecodable"], first.Reason);
        Assert.Equal((run, file, "Patient"), (first.LoadRunId, first.LoadRunFileId, first.ExtractType));

        async Task<IEnumerable<long>> IdsAsync(RejectedRowQuery query) =>
            (await ledger.GetRejectedRowsAsync(query)).Select(row => row.RejectedRowId);
    }

    [PostgresFact]
    public async Task The_content_of_a_staging_row_comes_in_the_order_of_its_raw_table()
    {
        await using var ledger = await Ledger.CreateAsync();
        await ledger.Database.ExecuteAsync("CREATE SCHEMA IF NOT EXISTS raw; CREATE TABLE raw.\"patients segment\" (zip text, first_name text, a text)");
        var file = await ledger.AddFileAsync(await ledger.AddRunAsync());
        var row = await ledger.AddRejectedRowAsync(file, "staging", fields: """{"a": "1", "first_name": null, "zip": "0610"}""");

        var unordered = await ledger.Runs.GetRejectedRowContentAsync(row, CancellationToken.None);
        Assert.Equal(3, unordered.Fields.Count);

        await ledger.Database.ExecuteAsync("UPDATE etl.load_run_files SET raw_segment = 'raw.\"patients segment\"'");
        var content = await ledger.Runs.GetRejectedRowContentAsync(row, CancellationToken.None);
        Assert.Equal([("zip", "0610"), ("first_name", null), ("a", "1")], content.Fields.Select(field => (field.Key, field.Value)));
        Assert.Equal("staging", content.Stage);
        Assert.Null(content.Text);
    }

    [PostgresTheory]
    [InlineData("utf-16")]
    [InlineData("utf-8")]
    [InlineData("latin1")]
    public async Task The_content_of_a_load_row_is_the_text_as_the_file_has_it(string encoding)
    {
        await using var ledger = await Ledger.CreateAsync();
        var file = await ledger.AddFileAsync(await ledger.AddRunAsync());
        var bytes = Encoding.GetEncoding(encoding).GetBytes("17|^^|Zoë Māori|^^|\"quoted".Replace("ā", encoding == "latin1" ? "a" : "ā", StringComparison.Ordinal));
        var row = await ledger.AddRejectedRowAsync(file, content: bytes);

        var content = await ledger.Runs.GetRejectedRowContentAsync(row, CancellationToken.None);

        Assert.StartsWith("17|^^|Zoë M", content.Text, StringComparison.Ordinal);
        Assert.EndsWith("ori|^^|\"quoted", content.Text, StringComparison.Ordinal);
        Assert.Equal(bytes, content.Bytes);
        Assert.Empty(content.Fields);
    }

    [PostgresFact]
    public async Task An_unknown_row_is_named()
    {
        await using var ledger = await Ledger.CreateAsync();

        var error = await Assert.ThrowsAsync<EtlException>(() => ledger.Runs.GetRejectedRowContentAsync(42, CancellationToken.None));

        Assert.Equal((EtlErrorKind.NotFound, "RejectedRowNotFound", "42"), (error.Kind, error.ErrorId, error.Target));
    }
}
