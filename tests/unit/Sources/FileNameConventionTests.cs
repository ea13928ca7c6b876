using System.Globalization;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Sources;

namespace EtlTools.Tests.Sources;

public sealed class FileNameConventionTests
{
    private static readonly FileNameConvention Vendor = new(SamplePipelines.Vendor(SamplePipelines.Folder("/data")));

    [Fact]
    public void Vendor_name_is_read_field_by_field()
    {
        var file = Read(Vendor, "685146_535_Allergies_202508180544_202508181044_2508181044.csv");

        Assert.Equal("685146", file.PerOrgId);
        Assert.Equal("535", file.PracticeId);
        Assert.Equal("Allergies", file.ExtractType);
        Assert.Equal(new DateTime(2025, 8, 18, 5, 44, 0), file.DateFrom);
        Assert.Equal(new DateTime(2025, 8, 18, 10, 44, 0), file.DateTo);
        Assert.Equal(new DateTime(2025, 8, 18, 10, 44, 0), file.ExtractedAt);
        Assert.Equal("2508181044", file.DateExtracted);
    }

    [Theory]
    [InlineData("C:/Jobs/indici_export/2508181044/working/685146_535_Patient_202508180544_202508181044_2508181044.csv")]
    [InlineData(@"C:\Jobs\indici_export\working\685146_535_Patient_202508180544_202508181044_2508181044.CSV")]
    [InlineData(@"in/C:\Jobs/working\685146_535_patient_202508180544_202508181044_2508181044.Csv")]
    [InlineData("685146_535_PATIENTS_202508180544_202508181044_2508181044")]
    public void Prefix_case_alias_and_extension_do_not_matter(string key)
    {
        Assert.Equal("Patient", Read(Vendor, key).ExtractType);
    }

    [Theory]
    [InlineData("notes.txt", "FileNameNotRecognised")]
    [InlineData("", "FileNameNotRecognised")]
    [InlineData("685146_535_Patient_202508180544_202508181044_2508181044.xlsx", "FileNameNotRecognised")]
    [InlineData("685146_535_Nonsense_202508180544_202508181044_2508181044.csv", "ExtractTypeUnknown")]
    [InlineData("685146_535_Patient_202513180544_202508181044_2508181044.csv", "FileNameDateInvalid")]
    [InlineData("685146_535_Patient_202508180544_202508182544_2508181044.csv", "FileNameDateInvalid")]
    [InlineData("685146_535_Patient_202508180544_202508181044_2502301044.csv", "FileNameDateInvalid")]
    [InlineData("685146_535_Patient_202508180544_202508181045_2508181044.csv", "FileNameDateInvalid")]
    public void Name_outside_the_convention_says_why(string key, string errorId)
    {
        Assert.False(Vendor.TryRead(Object(key), out var file, out var unrecognised));

        Assert.Null(file);
        Assert.Equal(errorId, unrecognised.ErrorId);
        Assert.NotEmpty(unrecognised.Reason);
    }

    [Fact]
    public void Without_date_extracted_the_modified_time_counts_in_the_pipelines_zone()
    {
        var convention = new FileNameConvention(SamplePipelines.OneType(SamplePipelines.Folder("/data"), "^person"));
        var source = Object("person_1.csv") with { LastModified = new DateTimeOffset(2025, 12, 31, 23, 30, 15, TimeSpan.Zero) };

        Assert.True(convention.TryRead(source, out var file, out _));

        Assert.Equal("Person", file.ExtractType);
        Assert.Equal(new DateTime(2026, 1, 1, 12, 30, 15), file.ExtractedAt);
        Assert.Equal("20260101123015", file.DateExtracted);
    }

    [Fact]
    public void Type_must_be_told_where_there_are_several()
    {
        var pipeline = SamplePipelines.Vendor(SamplePipelines.Folder("/data")) with
        {
            FileName = new FileNameConfig { Pattern = ".*" },
        };

        Assert.False(new FileNameConvention(pipeline).TryRead(Object("any.csv"), out _, out var unrecognised));
        Assert.Equal("ExtractTypeUnknown", unrecognised.ErrorId);
    }

    [Fact]
    public void Pattern_that_never_ends_is_given_up()
    {
        var convention = new FileNameConvention(SamplePipelines.OneType(SamplePipelines.Folder("/data"), "^(a+)+$"));

        Assert.False(convention.TryRead(Object(new string('a', 60) + "!"), out _, out var unrecognised));
        Assert.Equal("FileNameNotRecognised", unrecognised.ErrorId);
    }

    [Fact]
    public void Identity_is_that_of_the_deployment()
    {
        var source = new SourceObject(
            "bucket", "a/b.csv", 42, "\"0123456789abcdef\"", new DateTimeOffset(2025, 8, 18, 1, 2, 3, TimeSpan.Zero));

        // printf '%s' 'a/b.csv|42|"0123456789abcdef"|2025-08-18T01:02:03.000Z' | sha256sum
        Assert.Equal("07d569bb7000e37cf6343bd63069c205fc704f11ec6a8f0e688f54b1d5ee9a6b", FileIdentity.Hash(source));
    }

    [Theory]
    [InlineData("(", "Pacific/Auckland", "FileNamePatternInvalid")]
    [InlineData(".*", "Pacific/Nowhere", "TimeZoneUnknown")]
    public void Mistake_in_the_configuration_is_named(string pattern, string zone, string errorId)
    {
        var pipeline = SamplePipelines.OneType(SamplePipelines.Folder("/data"), pattern) with { TimeZone = zone };

        var error = Assert.Throws<EtlException>(() => new FileNameConvention(pipeline));
        Assert.Equal(errorId, error.ErrorId);
    }

    [Fact]
    public void Host_culture_does_not_matter()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("th-TH");
            var file = Read(Vendor, "685146_535_Patient_202508180544_202508181044_2508181044.csv");
            Assert.Equal(2025, file.ExtractedAt.Year);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static SourceFile Read(FileNameConvention convention, string key)
    {
        Assert.True(convention.TryRead(Object(key), out var file, out var unrecognised), unrecognised?.Reason);
        return file;
    }

    private static SourceObject Object(string key) => new("bucket", key, 1, "\"e\"", DateTimeOffset.UnixEpoch);
}
