using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;

namespace EtlTools.Tests.Parsing;

public sealed class RowSplitterTests
{
    public static TheoryData<string, string?, string> Texts => new()
    {
        { ",", null, "1,\"a\"\"b\"\r\n\r\n2,\"x\r\ny\"\r3,\"stray\"x\n4,\"open\n5,z\r\n6" },
        { "|^^|", "|~~|", "1|^^|a|^|~~|2|^^||~~|3|~|^^|b|~~||~~|4|^^|c\r\nd|^^|e|~~|5" },
        { "<field>", "<row>", "1<field>a<row2<row>3<fiel<field><ro<row><row>4" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Wherever_the_text_is_cut_the_rows_are_the_same(string field, string? row, string text)
    {
        var dialect = new DialectConfig { FieldSeparator = field, RowSeparator = row, Quote = row is null ? '"' : null };
        var bytes = Encoding.UTF8.GetBytes(text);
        var whole = Split(dialect, bytes, [bytes.Length]);
        Assert.NotEmpty(whole);
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                Assert.Equal(whole, Split(dialect, bytes, [first, second, bytes.Length]));
            }
        }
    }

    [Fact]
    public void Bytes_beyond_the_text_are_not_looked_at()
    {
        var splitter = new RowSplitter(Parsed.Csv) { ExpectedFields = 2 };
        foreach (var rest in new[] { ',', '\n', '"', '\r' })
        {
            var text = new byte[3 + RowSplitter.Padding];
            Array.Fill(text, (byte)rest);
            "a,b"u8.CopyTo(text);
            splitter.Clear();
            Assert.Equal(3, splitter.Split(text, 0, 3, isLast: true));
            Assert.Equal(3, splitter.Rows[0].End);
            Assert.False(splitter.Rows[0].IsFaulty);
        }
    }

    // Shows each row with its place, its fields and its fault; each end is one more piece of text that has come.
    private static List<string> Split(DialectConfig dialect, byte[] bytes, int[] ends)
    {
        var splitter = new RowSplitter(dialect) { ExpectedFields = 2, SkipsEmptyRows = true };
        var shown = new List<string>();
        var start = 0;
        foreach (var end in ends)
        {
            var isLast = end == bytes.Length;
            if (isLast && start == end)
            {
                break;
            }

            // What has not come yet must not be seen.
            var text = new byte[bytes.Length + RowSplitter.Padding];
            bytes.AsSpan(0, end).CopyTo(text);
            splitter.Clear();
            start = splitter.Split(text, start, end, isLast);
            foreach (var row in splitter.Rows)
            {
                var fields = splitter.Fields.Slice(row.FirstField, row.FieldCount).ToArray()
                    .Select(slice => $"{slice.Start}+{slice.Length}{(slice.IsQuoted ? "q" : "")}{(slice.IsEscaped ? "e" : "")}");
                shown.Add($"{row.Start}-{row.End} {row.Fault} {string.Join(" ", fields)}");
            }

            if (isLast)
            {
                Assert.Equal(end, start);
                break;
            }
        }

        return shown;
    }
}
