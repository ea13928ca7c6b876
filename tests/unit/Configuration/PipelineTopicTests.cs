using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using EtlTools.Core;
using EtlTools.Core.Configuration;

namespace EtlTools.Tests.Configuration;

/// <summary>The help topic about_EtlTools_Pipeline against the reader: each key that one of them knows, the other does too.</summary>
public sealed class PipelineTopicTests
{
    private const string Unknown = "no_such_key";

    private static readonly string[] Lines = File.ReadAllLines(Find());

    /// <summary>Section of the topic, and a pipeline with an unknown key in that place: the reader answers with all it knows.</summary>
    public static TheoryData<string, string> Sections => new()
    {
        { "The pipeline", $"{Unknown}: 1" },
        { "source, a bucket", $"source: {{kind: s3, bucket: b, {Unknown}: 1}}" },
        { "source, a folder", $"source: {{kind: folder, path: ., {Unknown}: 1}}" },
        { "file_name", $"file_name: {{pattern: a, {Unknown}: 1}}" },
        { "dialect", $"dialect: {{{Unknown}: 1}}" },
        { "An extract type", $"extract_types: {{a: {{table: a, {Unknown}: 1}}}}" },
        { "A column", $"extract_types: {{a: {{table: a, columns: [b: {{{Unknown}: 1}}]}}}}" },
        { "A rule", $"extract_types: {{a: {{table: a, rules: {{b: {{{Unknown}: 1}}}}}}}}" },
    };

    [Theory]
    [MemberData(nameof(Sections))]
    public void Every_key_is_explained(string section, string yaml)
    {
        var message = Assert.Throws<EtlException>(() => PipelineReader.Parse(yaml, "topic.yaml")).Message;
        var known = Regex.Match(message, $"has no setting '{Unknown}'; expected one of (?<keys>[a-z0-9_, ]+)").Groups["keys"].Value.Split(", ");
        var explained = Keys(section);

        Assert.Equal(known.Order(), explained.Keys.Order());
        foreach (var (key, text) in explained)
        {
            Assert.True(text.Exists(line => Regex.IsMatch(line, @"(Default: |Required\.)")), $"{section}: {key} has no default");
            Assert.True(text.Exists(line => Regex.IsMatch(line, $@"^ {{12}}.*\b{key}: ")), $"{section}: {key} has no example");
        }
    }

    [Fact]
    public void Defaults_are_those_of_the_reader()
    {
        var pipeline = new PipelineConfig
        {
            Name = "x",
            Origin = "x",
            Source = new SourceConfig { Kind = SourceKind.Folder },
            FileName = new FileNameConfig { Pattern = "x" },
            TimeZone = "UTC",
            Dialect = new DialectConfig(),
            ExtractTypes = [],
        };

        Assert.Equal(pipeline.RawSchema, Default("The pipeline", "raw_schema"));
        Assert.Equal(pipeline.StagingSchema, Default("The pipeline", "staging_schema"));
        Assert.Equal($"{100 * pipeline.MaxErrorRate:0}%", Default("The pipeline", "max_error_rate"));
        Assert.Equal(pipeline.Source.Filter, Default("source, a folder", "filter"));
        Assert.Equal(pipeline.FileName.DateFormat, Default("file_name", "date_format"));
        Assert.Equal(pipeline.FileName.DateExtractedFormat, Default("file_name", "date_extracted_format"));
        Assert.Equal(pipeline.FileName.Extension, Default("file_name", "extension"));
        Assert.Equal(pipeline.Dialect.Encoding, Default("dialect", "encoding"));
        Assert.Equal($"{pipeline.Dialect.MaxFieldBytes}", Default("dialect", "max_field_bytes"));
    }

    [Fact]
    public void The_whole_file_that_it_shows_is_read()
    {
        var yaml = Lines.SkipWhile(line => line != "        name: clinic").TakeWhile(line => line.Length == 0 || line.StartsWith("        ", StringComparison.Ordinal));
        var pipeline = PipelineReader.Parse(string.Join("\n", yaml.Select(line => line.Length > 8 ? line[8..] : "")), "clinic.yaml");
        Assert.Equal(4, pipeline.ExtractTypes.Single().Columns.Count);
    }

    private static string Default(string section, string key) =>
        Regex.Match(string.Join(" ", Keys(section)[key].Select(line => line.Trim())), @"Default: (?<value>\S+)\.( |$)").Groups["value"].Value;

    /// <summary>The lines below each key of a section: its text at eight blanks, its example at twelve.</summary>
    private static Dictionary<string, List<string>> Keys(string section)
    {
        var keys = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        List<string>? current = null;
        var lines = Lines.SkipWhile(line => line != "  " + section).Skip(1).TakeWhile(line => !Regex.IsMatch(line, @"^( {2})?\S"));
        foreach (var line in lines)
        {
            if (Regex.IsMatch(line, "^ {4}[a-z_0-9]+$"))
            {
                keys.Add(line.Trim(), current = []);
            }
            else if (line.StartsWith("        ", StringComparison.Ordinal))
            {
                current?.Add(line);
            }
        }

        return keys;
    }

    private static string Find([CallerFilePath] string self = "") =>
        Path.Combine(Path.GetDirectoryName(self)!, "..", "..", "..", "module", "en-US", "about_EtlTools_Pipeline.help.txt");
}
