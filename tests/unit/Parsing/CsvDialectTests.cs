using System.Text;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;

namespace EtlTools.Tests.Parsing;

public sealed class CsvDialectTests
{
    [Theory]
    [InlineData("a,b\nc,d\n", "a,b\nc,d")]
    [InlineData("a,b\r\nc,d\r\n", "a,b\nc,d")]
    [InlineData("a,b\rc,d\r", "a,b\nc,d")]
    [InlineData("a,b\nc,d\re,f\r\ng,h", "a,b\nc,d\ne,f\ng,h")]
    [InlineData("a,b\nc,d", "a,b\nc,d")]
    [InlineData("a,b\nc,", "a,b\nc,∅")]
    [InlineData("a,b\n,", "a,b\n∅,∅")]
    [InlineData("\n\na,b\n\r\n\nc,d\n\n", "a,b\nc,d")]
    [InlineData(" a , b\t\n", " a , b\t")]
    [InlineData("000123,00-04\n", "000123,00-04")]
    public async Task Rows_end_with_any_newline_or_the_file(string text, string expected)
    {
        var parsed = await Parsed.ReadAsync(text, Parsed.Csv, 2);
        Assert.Equal(expected, parsed.Shown);
        Assert.Empty(parsed.Faults);
    }

    [Theory]
    [InlineData("\"a,b\",c\n", "a,b,c")]
    [InlineData("\"a\nb\",c\n", "a\nb,c")]
    [InlineData("\"a\r\nb\r\",c\n", "a\r\nb\r,c")]
    [InlineData("\"a\"\"b\",c\n", "a\"b,c")]
    [InlineData("\"\"\"a\"\"\",c\n", "\"a\",c")]
    [InlineData("\"\"\"\",\"\"\"\"\"\"\n", "\",\"\"")]
    [InlineData("\"\",\n", ",∅")]
    [InlineData(",\"\"", "∅,")]
    [InlineData("\" a \",\tb\n", " a ,\tb")]
    [InlineData("a\"b,c\"\n", "a\"b,c\"")]
    [InlineData("a\"\"b, \"c\"\n", "a\"\"b, \"c\"")]
    [InlineData("\"a\",\"b\"", "a,b")]
    [InlineData("\"\n\n\",\"\"\n", "\n\n,")]
    public async Task Quotes_follow_rfc_4180_and_are_data_inside_unquoted_fields(string text, string expected)
    {
        for (var blockBytes = 1; blockBytes <= text.Length + 1; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(text, Parsed.Csv, 2, blockBytes);
            Assert.Equal(expected, parsed.Shown);
            Assert.Empty(parsed.Faults);
        }
    }

    [Fact]
    public async Task An_empty_file_has_no_rows()
    {
        Assert.Empty((await Parsed.ReadAsync("", Parsed.Csv, 3)).Rows);
        Assert.Empty((await Parsed.ReadAsync("", Parsed.Csv with { Header = true })).Header);
        Assert.Empty((await Parsed.ReadAsync([0xEF, 0xBB, 0xBF], Parsed.Csv, 3)).Rows);
        Assert.Empty((await Parsed.ReadAsync([0xFF, 0xFE], Parsed.Vendor, 3)).Rows);
        Assert.Empty((await Parsed.ReadAsync("\r\n", Parsed.Csv, 3)).Faults);
    }

    [Fact]
    public async Task An_empty_line_is_a_row_where_rows_have_one_field()
    {
        var parsed = await Parsed.ReadAsync("a\n\n\"\"\nb\n", Parsed.Csv, 1);
        Assert.Equal("a\n∅\n\nb", parsed.Shown);
    }

    [Fact]
    public async Task The_header_is_read_first_and_says_how_many_fields_there_are()
    {
        var dialect = Parsed.Csv with { Header = true };
        var parsed = await Parsed.ReadAsync("\nid,\"na\"\"me\",,id\n1,2,3,4\n1,2,3\n", dialect);
        Assert.Equal(["id", "na\"me", "", "id"], parsed.Header);
        Assert.Equal("1,2,3,4", parsed.Shown);
        Assert.Equal([1L], parsed.RowNumbers);
        Assert.Equal("2:field_count", parsed.FaultCodes);
        Assert.Equal(4, parsed.Faults[0].LineNumber);
    }

    [Fact]
    public async Task A_header_alone_has_no_rows()
    {
        var parsed = await Parsed.ReadAsync("id,name", Parsed.Csv with { Header = true });
        Assert.Equal(["id", "name"], parsed.Header);
        Assert.Empty(parsed.Rows);
    }

    [Fact]
    public async Task A_header_that_cannot_be_read_is_an_error_without_its_content()
    {
        var error = await Assert.ThrowsAsync<EtlException>(
            () => Parsed.ReadAsync("id,\"secret\"x\n1,2\n", Parsed.Csv with { Header = true }));
        Assert.Equal("HeaderUnreadable", error.ErrorId);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_and_extra_fields_cost_only_their_row()
    {
        var parsed = await Parsed.ReadAsync("1,2,3\n4,5\n6,7,8,9\n10,11,12\n", Parsed.Csv, 3);
        Assert.Equal("1,2,3\n10,11,12", parsed.Shown);
        Assert.Equal([1L, 4L], parsed.RowNumbers);
        Assert.Equal("2:field_count 3:field_count", parsed.FaultCodes);
        Assert.Equal("4,5", Encoding.UTF8.GetString(parsed.Faults[0].Content));
        Assert.Equal((2L, 6L), (parsed.Faults[0].LineNumber, parsed.Faults[0].ByteOffset));
        Assert.Equal((3L, 10L), (parsed.Faults[1].LineNumber, parsed.Faults[1].ByteOffset));
    }

    [Theory]
    [InlineData("1,\"a\"b,3\n4,5,6\n", "1:stray_quote", "1,\"a\"b,3")]
    [InlineData("1,\"a\" ,3\n4,5,6\n", "1:stray_quote", "1,\"a\" ,3")]
    [InlineData("1,2,\"a\"b\n4,5,6\n", "1:stray_quote", "1,2,\"a\"b")]
    [InlineData("1,\"a,3\n4,5,6\n", "1:unterminated_quote", "1,\"a,3")]
    [InlineData("1,\"a,3\r\n4,5,6\n", "1:unterminated_quote", "1,\"a,3")]
    [InlineData("1,\"a,3\n4,5,6", "1:unterminated_quote", "1,\"a,3")]
    public async Task A_quote_fault_costs_one_line(string text, string codes, string content)
    {
        for (var blockBytes = 1; blockBytes <= text.Length + 1; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(text, Parsed.Csv, 3, blockBytes);
            Assert.Equal("4,5,6", parsed.Shown);
            Assert.Equal([2L], parsed.RowNumbers);
            Assert.Equal(codes, parsed.FaultCodes);
            Assert.Equal(content, Encoding.UTF8.GetString(parsed.Faults[0].Content));
        }
    }

    [Fact]
    public async Task A_forgotten_quote_is_found_by_the_next_quoted_field_and_costs_its_own_line_only()
    {
        var parsed = await Parsed.ReadAsync("1,\"a,3\n4,5,6\n7,\"x\",9\n", Parsed.Csv, 3);
        Assert.Equal("4,5,6\n7,x,9", parsed.Shown);
        Assert.Equal("1:stray_quote", parsed.FaultCodes);
    }

    [Fact]
    public async Task An_unterminated_quote_in_the_last_line_costs_the_rest_of_the_file()
    {
        var parsed = await Parsed.ReadAsync("1,2,3\n4,\"5,6", Parsed.Csv, 3);
        Assert.Equal("1,2,3", parsed.Shown);
        Assert.Equal("2:unterminated_quote", parsed.FaultCodes);
        Assert.Equal("4,\"5,6", Encoding.UTF8.GetString(parsed.Faults[0].Content));
        Assert.False(parsed.Faults[0].ContentIsCut);
    }

    [Fact]
    public async Task An_open_quote_is_given_up_when_the_field_is_too_long_and_costs_its_line()
    {
        var dialect = Parsed.Csv with { MaxFieldBytes = 200_000 };
        var lines = Enumerable.Range(1, 40_000).Select(i => i == 3 ? "3,\"open" : $"{i},text");
        var parsed = await Parsed.ReadAsync(string.Join("\n", lines), dialect, 2, 16 * 1024);
        Assert.Equal(39_999, parsed.Rows.Count);
        Assert.Equal("3:unterminated_quote", parsed.FaultCodes);
        Assert.Equal("3,\"open", Encoding.UTF8.GetString(parsed.Faults[0].Content));
        Assert.Equal(3, parsed.Faults[0].LineNumber);
    }

    [Fact]
    public async Task Line_numbers_count_newlines_inside_quotes()
    {
        var parsed = await Parsed.ReadAsync("\"a\nb\nc\",1\nx\n\"d\n\",2\ny\n", Parsed.Csv, 2);
        Assert.Equal([4L, 7L], parsed.Faults.Select(fault => fault.LineNumber));
        Assert.Equal([10L, 19L], parsed.Faults.Select(fault => fault.ByteOffset));
    }

    [Fact]
    public async Task Other_separators_and_quotes_can_be_configured()
    {
        var dialect = new DialectConfig { FieldSeparator = ";", RowSeparator = "\n", Quote = '\'' };
        var parsed = await Parsed.ReadAsync("a;'b;''c'\r\nd\re;f\n", dialect, 2);
        Assert.Equal("1:stray_quote", parsed.FaultCodes);
        Assert.Equal("d\re,f", parsed.Shown);
    }

    [Theory]
    [InlineData("", null, '"')]
    [InlineData(",", "", '"')]
    [InlineData(",", ",", '"')]
    [InlineData(",", null, 'é')]
    public async Task A_dialect_that_cannot_work_is_refused(string field, string? row, char quote)
    {
        var dialect = new DialectConfig { FieldSeparator = field, RowSeparator = row, Quote = quote };
        var error = await Assert.ThrowsAsync<EtlException>(() => Parsed.ReadAsync("a", dialect, 1));
        Assert.Equal("DialectInvalid", error.ErrorId);
    }

    [Fact]
    public async Task A_field_of_a_megabyte_is_taken_whole()
    {
        var big = new string('x', 1_000_000) + "\"\"é\n";
        var parsed = await Parsed.ReadAsync($"1,\"{big}\"\n2,b\n", Parsed.Csv, 2, 10_000);
        Assert.Equal(big.Replace("\"\"", "\"", StringComparison.Ordinal), parsed.Rows[0][1]);
        Assert.Equal("b", parsed.Rows[1][1]);
    }

    [Fact]
    public async Task A_byte_order_mark_is_no_part_of_the_first_field()
    {
        var parsed = await Parsed.ReadAsync([0xEF, 0xBB, 0xBF, .. "é,b\nx\n"u8], Parsed.Csv, 2);
        Assert.Equal("é,b", parsed.Shown);
        Assert.Equal(8, parsed.Faults[0].ByteOffset);
    }

    [Fact]
    public async Task Null_and_empty_are_told_apart()
    {
        var parsed = await Parsed.ReadAsync(",\"\"\n", Parsed.Csv, 2);
        Assert.Null(parsed.Rows[0][0]);
        Assert.Equal("", parsed.Rows[0][1]);
    }
}
