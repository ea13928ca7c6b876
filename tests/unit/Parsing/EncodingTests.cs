using System.Text;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;

namespace EtlTools.Tests.Parsing;

public sealed class EncodingTests
{
    private static readonly DialectConfig Utf16Csv = Parsed.Csv with { Encoding = "utf-16le" };

    [Theory]
    [InlineData("utf-8", "utf-16le", true, SourceEncoding.Utf8)]
    [InlineData("utf-8", "windows-1252", true, SourceEncoding.Utf8)]
    [InlineData("utf-16le", "utf-8", true, SourceEncoding.Utf16LittleEndian)]
    [InlineData("utf-16be", "utf-16le", true, SourceEncoding.Utf16BigEndian)]
    [InlineData("utf-8", "utf-16le", false, SourceEncoding.Utf8)]
    [InlineData("utf-8", "utf-16be", false, SourceEncoding.Utf8)]
    [InlineData("utf-16le", "utf-8", false, SourceEncoding.Utf16LittleEndian)]
    [InlineData("utf-16le", "windows-1252", false, SourceEncoding.Utf16LittleEndian)]
    [InlineData("utf-16le", "utf-16be", false, SourceEncoding.Utf16LittleEndian)]
    [InlineData("utf-16be", "utf-16le", false, SourceEncoding.Utf16BigEndian)]
    [InlineData("utf-16be", "utf-8", false, SourceEncoding.Utf16BigEndian)]
    public async Task A_file_in_another_encoding_than_configured_is_read_all_the_same(
        string actual, string configured, bool hasMark, object expected)
    {
        const string text = "1,Māori\r\n2,Ātea é\r\n";
        var encoding = Parsed.EncodingOf(Parsed.Csv with { Encoding = actual });
        byte[] mark = hasMark ? encoding.GetBytes("\uFEFF") : [];
        var parsed = await Parsed.ReadAsync([.. mark, .. encoding.GetBytes(text)], Parsed.Csv with { Encoding = configured }, 2);
        Assert.Equal("1,Māori\n2,Ātea é", parsed.Shown);
        Assert.Equal(expected, parsed.Encoding);
        Assert.Empty(parsed.Faults);
    }

    [Fact]
    public async Task One_nul_does_not_make_a_file_utf_16()
    {
        var parsed = await Parsed.ReadAsync("a,b\n1,x\0\nc,d\n", Parsed.Csv, 2);
        Assert.Equal(SourceEncoding.Utf8, parsed.Encoding);
        Assert.Equal("a,b\nc,d", parsed.Shown);
        Assert.Equal("2:nul_character[1]", parsed.FaultCodes);
        Assert.Equal("1,x\0"u8.ToArray(), parsed.Faults[0].Content);
    }

    [Fact]
    public async Task Text_without_ascii_stays_utf_16()
    {
        var parsed = await Parsed.ReadAsync("漢字漢字漢字", Utf16Csv, 1);
        Assert.Equal("漢字漢字漢字", parsed.Shown);
    }

    [Fact]
    public async Task Windows_1252_has_its_own_characters_and_five_undefined_bytes()
    {
        byte[] file = [.. "1,"u8, 0x80, 0xE9, 0x99, (byte)'\n', .. "2,"u8, 0x81, (byte)'x', (byte)'\n', .. "3,y\n"u8];
        var parsed = await Parsed.ReadAsync(file, Parsed.Csv with { Encoding = "windows-1252" }, 2);
        Assert.Equal("1,€é™\n3,y", parsed.Shown);
        Assert.Equal("2:undecodable_bytes[1]", parsed.FaultCodes);
        Assert.Equal([(byte)'2', (byte)',', 0x81, (byte)'x'], parsed.Faults[0].Content);
        Assert.Equal(6, parsed.Faults[0].ByteOffset);
    }

    [Fact]
    public async Task Latin_1_gives_every_byte_a_character()
    {
        byte[] every = [.. Enumerable.Range(1, 255).Where(i => i is not (',' or '"' or '\r' or '\n')).Select(i => (byte)i)];
        var parsed = await Parsed.ReadAsync([.. every, (byte)',', (byte)'x'], Parsed.Csv with { Encoding = "iso-8859-1" }, 2);
        Assert.Equal(Encoding.Latin1.GetString(every), parsed.Rows[0][0]);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xC3 })]
    [InlineData(new byte[] { 0xC0, 0x80 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    public async Task Bytes_that_are_no_utf_8_cost_only_their_row(byte[] bad)
    {
        byte[] file = [.. "1,é\n2,"u8, .. bad, .. "\n3,c\n"u8];
        for (var blockBytes = 1; blockBytes <= file.Length; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(file, Parsed.Csv, 2, blockBytes);
            Assert.Equal("1,é\n3,c", parsed.Shown);
            Assert.Equal("2:undecodable_bytes[1]", parsed.FaultCodes);
            Assert.Equal([.. "2,"u8, .. bad], parsed.Faults[0].Content);
            Assert.Equal((2L, 5L), (parsed.Faults[0].LineNumber, parsed.Faults[0].ByteOffset));
        }
    }

    [Theory]
    [InlineData("utf-16le")]
    [InlineData("utf-16be")]
    public async Task Unpaired_surrogates_cost_only_their_row_and_are_not_lost(string encoding)
    {
        var dialect = Parsed.Vendor with { Encoding = encoding };
        char[] text = [.. "😀|^^|a|~~|b\uD83D|^^|\uDE00|~~|\uFFFD|^^|😀|~~|x|^^|\uD83D"];
        var file = Bytes(text, encoding == "utf-16be");
        for (var blockBytes = 1; blockBytes <= file.Length; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(file, dialect, 2, blockBytes);
            Assert.Equal("😀,a\n\uFFFD,😀", parsed.Shown);
            Assert.Equal("2:undecodable_bytes[0]+undecodable_bytes[1] 4:undecodable_bytes[1]", parsed.FaultCodes);
            Assert.Equal(Bytes([.. "b\uD83D|^^|\uDE00"], encoding == "utf-16be"), parsed.Faults[0].Content);
            Assert.Equal(Bytes([.. "x|^^|\uD83D"], encoding == "utf-16be"), parsed.Faults[1].Content);
            Assert.Equal(22, parsed.Faults[0].ByteOffset);
        }
    }

    [Theory]
    [InlineData("utf-16le")]
    [InlineData("utf-16be")]
    public async Task An_odd_last_byte_costs_only_the_last_row(string encoding)
    {
        var dialect = Parsed.Vendor with { Encoding = encoding };
        byte[] file = [.. Bytes([.. "a|^^|b|~~|c|^^|d"], encoding == "utf-16be"), 0x41];
        for (var blockBytes = 1; blockBytes <= file.Length; blockBytes++)
        {
            var parsed = await Parsed.ReadAsync(file, dialect, 2, blockBytes);
            Assert.Equal("a,b", parsed.Shown);
            Assert.Equal("2:undecodable_bytes[1]", parsed.FaultCodes);
            Assert.Equal(file[20..], parsed.Faults[0].Content);
            Assert.Equal(20, parsed.Faults[0].ByteOffset);
            Assert.Equal(file.Length, parsed.BytesRead);
        }
    }

    [Fact]
    public async Task A_row_tells_all_its_faults_at_once()
    {
        byte[] file = [.. "a\0,"u8, 0xFF, .. ",\0"u8, 0xFE, .. "\n1,2,3\n\0,"u8, 0xFF, (byte)'\n'];
        var parsed = await Parsed.ReadAsync(file, Parsed.Csv, 3);
        Assert.Equal(
            "1:nul_character[0]+undecodable_bytes[1]+nul_character[2]+undecodable_bytes[2] "
            + "3:field_count+nul_character+undecodable_bytes",
            parsed.FaultCodes);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16le")]
    [InlineData("utf-16be")]
    [InlineData("iso-8859-1")]
    public async Task Byte_offsets_point_to_the_row_in_the_file_itself(string encoding)
    {
        var dialect = Parsed.Csv with { Encoding = encoding };
        var encoder = Parsed.EncodingOf(dialect);
        var text = new StringBuilder();
        var offsets = new List<long>();
        for (var i = 0; i < 3000; i++)
        {
            if (i % 7 == 3)
            {
                offsets.Add(encoder.GetByteCount(text.ToString()));
                text.Append("é,bad\n");
            }
            else
            {
                text.Append(i).Append(encoding == "iso-8859-1" ? ",é,\"é\n\"\n" : ",😀ā,\"\n漢\"\n");
            }
        }

        foreach (var blockBytes in new[] { 7, 1000, 1 << 20 })
        {
            var parsed = await Parsed.ReadAsync(encoder.GetBytes(text.ToString()), dialect, 3, blockBytes);
            Assert.Equal(offsets, parsed.Faults.Select(fault => fault.ByteOffset));
            Assert.All(parsed.Faults, fault => Assert.Equal("é,bad", encoder.GetString(fault.Content)));
        }
    }

    [Fact]
    public async Task An_encoding_that_is_not_supported_is_refused()
    {
        var error = await Assert.ThrowsAsync<EtlException>(() => Parsed.ReadAsync("a", Parsed.Csv with { Encoding = "ebcdic" }, 1));
        Assert.Equal("DialectEncodingUnknown", error.ErrorId);
    }

    private static byte[] Bytes(char[] units, bool bigEndian) =>
        [.. units.SelectMany(unit => bigEndian
            ? new[] { (byte)(unit >> 8), (byte)unit }
            : [(byte)unit, (byte)(unit >> 8)])];
}
