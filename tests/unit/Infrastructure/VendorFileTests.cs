using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Tests.Infrastructure;

public sealed class VendorFileTests
{
    [Fact]
    public void The_default_is_the_vendors_dialect_and_name()
    {
        var file = VendorFile.WithColumns("Allergies", ["allergy_id", "practice_id", "comments"])
            .AddValidRow(7, ("comments", "a \"quoted\"\nnote"))
            .AddRow(("allergy_id", "8"));

        Assert.Equal("685146_535_Allergies_202508170544_202508180544_2508181044.csv", file.Name);
        Assert.Equal(
            "allergy_id 7|^^|535|^^|a \"quoted\"\nnote|~~|8|^^||^^||~~|",
            Encoding.Unicode.GetString(file.ToBytes()));
        Assert.Equal(2, file.RowCount);
    }

    [Fact]
    public void A_csv_dialect_has_a_header_and_quotes_what_needs_it()
    {
        var file = VendorFile.WithColumns(
            "person", ["person_id", "note"], new DialectConfig { Header = true, Quote = '"', RowSeparator = "\r\n" });

        file.AddRow(("person_id", "1"), ("note", "say \"x\", then"));

        Assert.Equal("person_id,note\r\n1,\"say \"\"x\"\", then\"\r\n", Encoding.UTF8.GetString(file.ToBytes()));
    }

    [Fact]
    public void A_column_that_is_not_there_is_refused() =>
        Assert.Throws<ArgumentException>(() => VendorFile.WithColumns("Allergies", ["allergy_id"]).AddRow(("alergy_id", "1")));

    [Fact]
    public void Every_type_of_the_indici_pipeline_has_valid_rows_of_its_width()
    {
        var pipeline = PipelineReader.Read("indici");
        foreach (var type in pipeline.ExtractTypes)
        {
            var text = Encoding.Unicode.GetString(VendorFile.For(pipeline, type.Name).AddValidRow(1).ToBytes());
            Assert.Equal(type.Columns.Count(column => column.InFile), text.Split("|^^|").Length);
        }
    }
}
