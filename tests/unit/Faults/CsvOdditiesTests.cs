using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>Odd files, from the folder to raw and staging.</summary>
public sealed class CsvOdditiesTests : IAsyncLifetime
{
    private const string Header = "person_id,practice_id,name,born,amount,active";

    private static readonly DialectConfig Vendor = new() { FieldSeparator = "|^^|", RowSeparator = "|~~|", Encoding = "utf-16le" };

    private EngineWorkshop _work = null!;

    public async Task InitializeAsync() => _work = PostgresServer.SkipReason is null ? await EngineWorkshop.OpenAsync() : null!;

    public async Task DisposeAsync()
    {
        if (_work is not null)
        {
            await _work.DisposeAsync();
        }
    }

    [PostgresTheory]
    [InlineData("\n", true)]
    [InlineData("\r\n", true)]
    [InlineData("\r", true)]
    [InlineData("\n", false)]
    [InlineData("\r\n", false)]
    public async Task Row_ends(string end, bool lastIsEnded)
    {
        await LoadAsync(Header + end + "1,A,Ann,1980-02-29,1,yes" + end + "2,A,Bob,,,no" + (lastIsEnded ? end : ""));
        Assert.Equal(["1|A|Ann|1980-02-29|1|yes|1", "2|A|Bob|||no|2"], await RawAsync());
        await IsIntactAsync(staged: 2);
    }

    [PostgresFact]
    public async Task Quoted_newlines_and_quotes_reach_raw_verbatim()
    {
        await LoadAsync(Header + "\n1,A,\"Ann\r\n\"\"the, first\"\"\",,,\n2,A,\"\",\"1980-02-29\",,\n3,A,\"Cyd\nCyd\",,,\n");
        Assert.Equal(["1|A|Ann\r\n\"the, first\"||||1", "2|A||1980-02-29|||2", "3|A|Cyd\nCyd||||3"], await RawAsync());
        await IsIntactAsync(staged: 2);
        Assert.Equal(["2 name:missing"], await RejectedAsync());
    }

    [PostgresFact]
    public async Task Byte_order_mark_is_no_part_of_the_first_name()
    {
        await LoadAsync([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Header + "\n1,A,Ännchen,,,\n")]);
        Assert.Equal(["1|A|Ännchen||||1"], await RawAsync());
        await IsIntactAsync(staged: 1);
    }

    [PostgresFact]
    public async Task Bad_rows_go_to_quarantine_with_their_place_and_the_rest_is_loaded()
    {
        var rows = new[] { "1,A,Ann,,,", "2,A,extra,,,,", "3,A,missing", "4,A,nul\0,,,", "5,A,Eve,,,", "6,A,\"stray\"x,,,", "7,A,Gil,,,", "8,A,Hal,,," };
        var run = await LoadAsync(Header + "\n" + string.Join("\n", rows) + "\n");
        Assert.Equal((8, 4, 4), (run.RowsRead, run.RowsIngested, run.RowsRejected));
        Assert.Equal(["1|A|Ann||||1", "5|A|Eve||||5", "7|A|Gil||||7", "8|A|Hal||||8"], await RawAsync());
        Assert.Equal(
            ["2 field_count", "3 field_count", "4 name:nul_character", "6 stray_quote"],
            await RejectedAsync());
        foreach (var (row, line, offset, content) in await _work.Database.QueryAsync<(long, long, long, byte[])>(
            "SELECT row_number, line_number, byte_offset, content FROM etl.rejected_rows"))
        {
            Assert.Equal(rows[row - 1], Encoding.UTF8.GetString(content));
            Assert.Equal(row + 1, line);
            Assert.Equal(Header.Length + 1 + rows.Take((int)row - 1).Sum(before => before.Length + 1), offset);
        }

        await IsIntactAsync(staged: 4);
    }

    [PostgresFact]
    public async Task File_that_lacks_even_its_header_fails()
    {
        Assert.Equal(LoadRunStatus.Failed, (await TryLoadAsync([], day: 1)).Status);
        Assert.Equal("HeaderMissing", Assert.Single(await Steps.FailedFilesAsync(_work)).ErrorCode);
        await IsIntactAsync(staged: 0);
    }

    [PostgresTheory]
    [InlineData(Header)]
    [InlineData(Header + "\n")]
    [InlineData(Header + "\n\n\n")]
    public async Task File_without_rows_is_loaded_and_done(string text)
    {
        var run = await LoadAsync(text);
        Assert.Equal((0, 0), (run.RowsRead, run.RowsRejected));
        await IsIntactAsync(staged: 0);
        await Truth.AssertNothingLeftToDoAsync(_work);
    }

    [PostgresFact]
    public async Task Field_of_a_megabyte_is_taken_and_one_above_the_limit_is_not()
    {
        await LoadAsync(Header + "\n1,A," + new string('x', 1 << 20) + ",,,\n");
        Assert.Equal(1 << 20, await _work.Database.ScalarAsync<long>("SELECT length(name) FROM raw.persons"));
        Assert.Equal(1 << 20, await _work.Database.ScalarAsync<long>("SELECT length(name) FROM stg.persons"));

        _work.Pipeline = _work.Pipeline with { Dialect = _work.Pipeline.Dialect with { MaxFieldBytes = 1000 } };
        await LoadAsync(Header + "\n2,A," + new string('x', 1001) + ",,,\n3,A,Cyd,,,\n4,A,Dan,,,\n", day: 2);
        Assert.Equal(["1 name:field_too_long"], await RejectedAsync());
        await IsIntactAsync(staged: 3);
    }

    [PostgresFact]
    public async Task Undecodable_bytes_cost_their_row()
    {
        await LoadAsync([.. Encoding.UTF8.GetBytes(Header + "\n1,A,Ann,,,\n2,A,B"), 0xFF, 0xFE, .. "b,,,\n3,A,Cyd,,,\n"u8]);
        Assert.Equal(["1|A|Ann||||1", "3|A|Cyd||||3"], await RawAsync());
        Assert.Equal(["2 name:undecodable_bytes"], await RejectedAsync());
        await IsIntactAsync(staged: 2);
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Vendor_dialect_in_UTF_16_without_a_byte_order_mark(bool lastIsEnded)
    {
        _work.Pipeline = _work.Pipeline with { Dialect = Vendor };
        var text = "0001|^^|A|^^|\"Ann\r\nof \"the\" hill|^^|1980-02-29|^^|18.50|^^|1|~~|2|^^|A|^^|Māui 😀|^^||^^|.00|^^|0" + (lastIsEnded ? "|~~|" : "");
        await LoadAsync(Encoding.Unicode.GetBytes(text));
        Assert.Equal(["0001|A|\"Ann\r\nof \"the\" hill|1980-02-29|18.50|1|1", "2|A|Māui 😀||.00|0|2"], await RawAsync());
        Assert.Equal("1 18.50 true, 2 0.00 false", await _work.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', person_id, amount, active::text), ', ' ORDER BY person_id) FROM stg.persons"));
        await IsIntactAsync(staged: 2);
    }

    [PostgresTheory]
    [InlineData("utf-16le", "utf-8")]
    [InlineData("utf-16be", "utf-8")]
    [InlineData("utf-8", "utf-16le")]
    [InlineData("utf-16le", "utf-16be")]
    public async Task Wrong_encoding_fails_the_file_or_is_recognised_and_never_becomes_wrong_rows(string configured, string actual)
    {
        _work.Pipeline = _work.Pipeline with { Dialect = Vendor with { Encoding = configured } };
        var text = string.Concat(Enumerable.Range(1, 50).Select(number => $"{number}|^^|A|^^|Ann|^^||^^|1.50|^^|1|~~|"));
        var bytes = actual switch
        {
            "utf-8" => Encoding.UTF8.GetBytes(text),
            "utf-16le" => Encoding.Unicode.GetBytes(text),
            _ => Encoding.BigEndianUnicode.GetBytes(text),
        };
        var run = await TryLoadAsync(bytes, day: 1);

        var rows = await RawAsync();
        if (run.Status == LoadRunStatus.Completed)
        {
            Assert.Equal(Enumerable.Range(1, 50).Select(number => $"{number}|A|Ann||1.50|1|{number}"), rows);
        }
        else
        {
            Assert.Equal(LoadRunStatus.Failed, run.Status);
            Assert.Empty(rows);
            Assert.Equal("ColumnCountMismatch", Assert.Single(await Steps.FailedFilesAsync(_work)).ErrorCode);
        }
    }

    private Task<LoadRun> LoadAsync(string text, int day = 1) => LoadAsync(Encoding.UTF8.GetBytes(text), day);

    private async Task<LoadRun> LoadAsync(byte[] content, int day = 1)
    {
        var run = await TryLoadAsync(content, day);
        Assert.Equal(LoadRunStatus.Completed, run.Status);
        return run;
    }

    private async Task<LoadRun> TryLoadAsync(byte[] content, int day)
    {
        await File.WriteAllBytesAsync(Path.Combine(_work.Folder, $"Person_25010{day}0000_a.csv"), content);
        return await _work.LoadAsync();
    }

    private Task<IReadOnlyList<string>> RawAsync() => _work.Database.QueryAsync<string>("""
        SELECT concat_ws('|', person_id, practice_id, coalesce(name, ''), coalesce(born, ''), coalesce(amount, ''), coalesce(active, ''),
            load_row_number)
        FROM raw.persons ORDER BY load_row_number
        """);

    private Task<IReadOnlyList<string>> RejectedAsync() => _work.Database.QueryAsync<string>(
        "SELECT row_number || ' ' || array_to_string(reasons, ' ') FROM etl.rejected_rows ORDER BY row_number");

    private async Task IsIntactAsync(int staged)
    {
        Assert.Equal(staged, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM stg.persons"));
        await Truth.AssertConsistentAsync(_work);
    }
}
