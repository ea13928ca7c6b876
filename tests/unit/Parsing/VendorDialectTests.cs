using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;

namespace EtlTools.Tests.Parsing;

public sealed class VendorDialectTests
{
    [Theory]
    [InlineData("a|^^|b|~~|c|^^|d|~~|", "a,b\nc,d")]
    [InlineData("a|^^|b|~~|c|^^|d", "a,b\nc,d")]
    [InlineData("a|^^|b|~~|c|^^|d|~~|\r\n", "a,b\nc,d")]
    [InlineData("a|^^||~~||^^|d|~~|", "a,∅\n∅,d")]
    [InlineData("\"a|^^|b\"|~~|", "\"a,b\"")]
    [InlineData("\"|^^|\"\"|~~|", "\",\"\"")]
    [InlineData("a\r\nb|^^|c\nd|~~|", "a\r\nb,c\nd")]
    [InlineData("|^|^^||~|~~|", "|^,|~")]
    [InlineData("a|^|^^|b|~|~~|", "a|^,b|~")]
    [InlineData("a|~|^^|b|^|~~|", "a|~,b|^")]
    [InlineData("|^^^||^^||||~~|", "|^^^|,||")]
    [InlineData("a|^^|^^|b|~~|", "a,^^|b")]
    [InlineData("a|^^|b|~~|~~|", "a,b")]
    [InlineData("ā|^^|Ünïcødé 😀|~~|", "ā,Ünïcødé 😀")]
    public async Task Separators_of_several_characters_are_found_in_every_encoding_and_block(string text, string expected)
    {
        foreach (var encoding in new[] { "utf-16le", "utf-16be", "utf-8" })
        {
            var dialect = Parsed.Vendor with { Encoding = encoding };
            for (var blockBytes = 1; blockBytes <= (text.Length * 2) + 1; blockBytes++)
            {
                var parsed = await Parsed.ReadAsync(text, dialect, 2, blockBytes);
                Assert.Equal(expected, parsed.Shown);
                var isLeftOver = text.EndsWith("|~~|~~|", StringComparison.Ordinal);
                Assert.Equal(isLeftOver ? "2:field_count" : "", parsed.FaultCodes);
            }
        }
    }

    [Theory]
    [InlineData("|", "||")]
    [InlineData("||", "|")]
    [InlineData("<<field separator>>", "<<row separator>>")]
    [InlineData("<<a separator of many bytes>>", "<<a separator of many bytes, longer>>")]
    [InlineData("\t", "é\n")]
    public async Task Any_two_separators_work_even_where_one_begins_with_the_other(string field, string row)
    {
        var dialect = new DialectConfig { FieldSeparator = field, RowSeparator = row };
        var text = string.Concat(Enumerable.Range(0, 5).Select(i => $"a{i}{field}b{row}"));
        for (var blockBytes = 1; blockBytes <= text.Length + 1; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(text, dialect, 2, blockBytes);
            Assert.Equal("a0,b\na1,b\na2,b\na3,b\na4,b", parsed.Shown);
            Assert.Empty(parsed.Faults);
        }
    }

    [Fact]
    public async Task A_row_of_another_width_is_reported_with_its_place_and_its_own_bytes()
    {
        var parsed = await Parsed.ReadAsync("a\nā|^^|😀|~~|x|^^|ō|^^|z|~~|c|^^|d|~~|", Parsed.Vendor, 2);
        Assert.Equal("a\nā,😀\nc,d", parsed.Shown);
        var fault = Assert.Single(parsed.Faults);
        Assert.Equal("2:field_count", parsed.FaultCodes);
        Assert.Equal((2L, 26L), (fault.LineNumber, fault.ByteOffset));
        Assert.Equal("x|^^|ō|^^|z", Encoding.Unicode.GetString(fault.Content));
        Assert.False(fault.ContentIsCut);
    }

    [Fact]
    public async Task A_file_without_row_separators_is_one_row_in_flat_memory()
    {
        var text = string.Concat(Enumerable.Repeat("field|^^|", 500_000));
        var parsed = await Parsed.ReadAsync(text, Parsed.Vendor, 220);
        Assert.Empty(parsed.Rows);
        var fault = Assert.Single(parsed.Faults);
        Assert.Equal("1:field_count", parsed.FaultCodes);
        Assert.Equal(DelimitedReader.MaxContentBytes, fault.Content.Length);
        Assert.True(fault.ContentIsCut);
    }

    [Fact]
    public async Task A_field_beyond_the_limit_is_skipped_and_the_next_row_is_taken()
    {
        var dialect = Parsed.Vendor with { MaxFieldBytes = 1000, Encoding = "utf-8" };
        for (var length = 990; length < 1200; length += 7)
        {
            var text = $"a|^^|b|~~|1|^^|{new string('x', length)}|~~|c|^^|d|~~|";
            foreach (var blockBytes in new[] { 16, 100, 10_000 })
            {
                var parsed = await Parsed.ReadAsync(text, dialect, 2, blockBytes);
                var isGood = length <= 1000;
                Assert.Equal(isGood ? 3 : 2, parsed.Rows.Count);
                Assert.Equal(isGood ? [] : ["field_too_long"], parsed.Faults.Select(fault => fault.Reasons[0].Code));
                Assert.Equal(isGood ? [1L, 2L, 3L] : [1L, 3L], parsed.RowNumbers);
                Assert.Equal("d", parsed.Rows[^1][1]);
            }
        }
    }

    [Fact]
    public async Task Skipping_a_row_finds_its_separator_wherever_a_block_ends()
    {
        var dialect = Parsed.Vendor with { MaxFieldBytes = 10, Encoding = "utf-8" };
        var text = $"{new string('x', 40)}|~|~~|c|^^|d|~~|";
        for (var blockBytes = 1; blockBytes <= text.Length; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(text, dialect, 2, blockBytes);
            Assert.Equal("c,d", parsed.Shown);
            Assert.Equal([2L], parsed.RowNumbers);
            Assert.Equal("1", string.Join(" ", parsed.Faults.Select(fault => fault.RowNumber)));
        }
    }
}
