using CsvHelper;
using EtlTools.Core.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace EtlTools.Tests.Parsing;

public sealed class ParsingPropertyTests
{
    private static readonly DialectConfig[] Dialects =
    [
        new() { Quote = '"' },
        new() { Quote = '"', Encoding = "utf-16le" },
        new() { Quote = '"', RowSeparator = "\n", FieldSeparator = ";" },
        new() { FieldSeparator = "\t", Encoding = "iso-8859-1" },
        new() { FieldSeparator = "|^^|", RowSeparator = "|~~|", Encoding = "utf-16le" },
        new() { FieldSeparator = "|^^|", RowSeparator = "|~~|" },
        new() { FieldSeparator = "|^^|", RowSeparator = "|~~|", Quote = '"', Encoding = "utf-16be" },
        new() { FieldSeparator = "|", RowSeparator = "||" },
    ];

    private static readonly string[] Pieces =
        ["a", "b", "xyz", "é", "漢", "😀", " ", "\"", "\"\"", "\r", "\n", "\r\n", ",", ";", "\t", "|", "||", "|^", "|^^", "|^^|", "|~", "|~~|", "|~~", "^|"];

    private static Gen<string> Field(DialectConfig dialect) =>
        from pieces in Gen.Elements(Usable(dialect)).ArrayOf()
        select string.Concat(pieces);

    [Fact]
    public void Any_text_is_split_as_the_plain_parser_splits_it()
    {
        var texts =
            from dialect in Gen.Elements(Dialects)
            from columns in Gen.Choose(1, 4)
            from blockBytes in Gen.Choose(1, 90)
            from size in Gen.Choose(0, 120)
            from pieces in Gen.Elements(UsableWithSeparators(dialect)).ArrayOf(size)
            select (Dialect: dialect, Columns: columns, BlockBytes: blockBytes, Text: string.Concat(pieces));
        Prop.ForAll(texts.ToArbitrary(), sample =>
        {
            var reference = new ReferenceParser(sample.Text, sample.Dialect, sample.Columns);
            reference.Parse();
            var parsed = Parsed.ReadAsync(Marked(sample.Text, sample.Dialect), sample.Dialect, sample.Columns, sample.BlockBytes).Result;
            Assert.Equal(reference.Rows, parsed.Rows);
            Assert.Equal(string.Join(" ", reference.Faults), parsed.FaultCodes);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    /// <summary>Separators of any make; texts that are longer than what the splitter searches at a time; where faults lie.</summary>
    [Fact]
    public void Any_dialect_is_read_as_the_plain_parser_reads_it()
    {
        var separators = Gen.Elements("|", "^", "~", ";", "\t", " ", "a", "é", "漢").NonEmptyListOf().Select(pieces => string.Concat(pieces.Take(4)));
        var dialects =
            from field in separators
            from row in Gen.OneOf<string?>(separators!, Gen.Constant<string?>(null))
            from quote in Gen.Elements<char?>(null, '"', '\'')
            from encoding in Gen.Elements("utf-8", "utf-16le", "utf-16be", "iso-8859-1")
            let dialect = new DialectConfig { FieldSeparator = field, RowSeparator = row, Quote = quote, Encoding = encoding }
            where IsPossible(dialect)
            select dialect;
        var texts =
            from dialect in dialects
            from columns in Gen.Choose(1, 4)
            from blockBytes in Gen.Frequency((2, Gen.Choose(1, 90)), (1, Gen.Choose(1000, 9000)))
            from size in Gen.Frequency((3, Gen.Choose(0, 60)), (1, Gen.Choose(0, 5000)))
            from pieces in Gen.Elements([.. UsableWithSeparators(dialect), .. Beginnings(dialect), "\0", "'"]).ArrayOf(size)
            select (Dialect: dialect, Columns: columns, BlockBytes: blockBytes, Text: string.Concat(pieces));
        Prop.ForAll(texts.ToArbitrary(), sample =>
        {
            var (dialect, text) = (sample.Dialect, sample.Text);
            var reference = new ReferenceParser(text, dialect, sample.Columns);
            reference.Parse();
            var file = Marked(text, dialect);
            var parsed = Parsed.ReadAsync(file, dialect, sample.Columns, sample.BlockBytes).Result;
            Assert.Equal(reference.Rows, parsed.Rows);
            Assert.Equal(string.Join(" ", reference.Faults), parsed.FaultCodes);

            var encoding = Parsed.EncodingOf(dialect);
            var mark = file.Length - encoding.GetByteCount(text);
            Assert.Equal(
                reference.FaultPlaces.Select(place =>
                    (1L + text.AsSpan(0, place.Start).Count('\n'), (long)mark + encoding.GetByteCount(text[..place.Start]))),
                parsed.Faults.Select(fault => (fault.LineNumber, fault.ByteOffset)));
            Assert.Equal(
                reference.FaultPlaces.Select(place => encoding.GetBytes(text[place.Start..place.End])),
                parsed.Faults.Select(fault => fault.Content));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(400));
    }

    [Fact]
    public void Rows_that_are_written_and_read_are_the_same()
    {
        var files =
            from columns in Gen.Choose(1, 5)
            from blockBytes in Gen.Choose(1, 64)
            from newline in Gen.Elements("\n", "\r\n", "\r")
            from encoding in Gen.Elements("utf-8", "utf-16le", "utf-16be")
            from rows in Field(Dialects[0]).ArrayOf(columns).ArrayOf()
            select (BlockBytes: blockBytes, Newline: newline, Encoding: encoding, Columns: columns, Rows: rows);
        Prop.ForAll(files.ToArbitrary(), file =>
        {
            var dialect = Parsed.Csv with { Encoding = file.Encoding };
            var text = string.Concat(file.Rows.Select(row =>
                string.Join(',', row.Select(field => '"' + field.Replace("\"", "\"\"", StringComparison.Ordinal) + '"')) + file.Newline));
            var parsed = Parsed.ReadAsync(Marked(text, dialect), dialect, file.Columns, file.BlockBytes).Result;
            Assert.Equal(file.Rows, parsed.Rows);
            Assert.Empty(parsed.Faults);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public void Well_formed_csv_is_read_as_csvhelper_reads_it()
    {
        var files =
            from columns in Gen.Choose(2, 5)
            from blockBytes in Gen.Choose(1, 64)
            from newline in Gen.Elements("\n", "\r\n")
            from rows in Field(Dialects[0]).ArrayOf(columns).NonEmptyListOf()
            select (BlockBytes: blockBytes, Newline: newline, Columns: columns, Rows: rows);
        Prop.ForAll(files.ToArbitrary(), file =>
        {
            var text = new StringWriter();
            using (var writer = CsvWriter.Create(text, new CsvWriterOptions { HasHeader = false, NewLine = file.Newline }))
            {
                foreach (var row in file.Rows)
                {
                    writer.WriteRecord(row);
                }
            }

            using var reader = CsvReader.FromText(text.ToString(), new CsvReaderOptions { Separator = ',', HasHeader = false });
            var expected = new List<string[]>();
            while (reader.Read())
            {
                expected.Add(reader.Current.ToArray());
            }

            Assert.Equal(file.Rows, expected);
            var parsed = Parsed.ReadAsync(text.ToString(), Parsed.Csv, file.Columns, file.BlockBytes).Result;
            Assert.Equal(expected, parsed.Rows.Select(row => row.Select(value => value ?? "").ToArray()));
            Assert.Empty(parsed.Faults);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    // A mark makes sure that a short text is not taken for another encoding.
    private static byte[] Marked(string text, DialectConfig dialect)
    {
        var encoding = Parsed.EncodingOf(dialect);
        return [.. dialect.Encoding == "iso-8859-1" ? [] : encoding.GetBytes("\uFEFF"), .. encoding.GetBytes(text)];
    }

    // As a pipeline file may have it.
    private static bool IsPossible(DialectConfig dialect)
    {
        var (field, row) = (dialect.FieldSeparator, dialect.RowSeparator);
        return (row is null || (!row.Contains(field, StringComparison.Ordinal) && !field.Contains(row, StringComparison.Ordinal)))
            && (dialect.Encoding != "iso-8859-1" || (field + row).All(c => c < 256));
    }

    private static IEnumerable<string> Beginnings(DialectConfig dialect) =>
        new[] { dialect.FieldSeparator, dialect.RowSeparator ?? "\r\n" }
            .SelectMany(separator => Enumerable.Range(1, separator.Length).Select(length => separator[..length]));

    private static string[] Usable(DialectConfig dialect) =>
        dialect.Encoding == "iso-8859-1" ? [.. Pieces.Where(piece => piece.All(c => c < 256))] : Pieces;

    private static string[] UsableWithSeparators(DialectConfig dialect)
    {
        string[] separators = [dialect.FieldSeparator, dialect.RowSeparator ?? "\n"];
        return [.. Usable(dialect), .. Enumerable.Repeat(separators, 8).SelectMany(two => two)];
    }
}
