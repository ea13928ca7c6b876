using EtlTools.Core;
using EtlTools.Core.Configuration;

namespace EtlTools.Tests.Configuration;

public sealed class PipelineReaderTests : IDisposable
{
    private const string Valid =
        """
        name: clinic
        source:
          kind: s3
          bucket: extracts
        file_name:
          pattern: ^(?<extract_type>\w+)$
        time_zone: Pacific/Auckland
        extract_types:
          Patient:
            table: patients
            natural_key: [patient_id]
            columns:
              - patient_id: text not null
              - born: date
              - email
          Visit:
            table: visits
            parents: [patient]
            aliases: [Visits]
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("etltools-pipeline-").FullName;
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_pipeline_is_read()
    {
        var pipeline = Parse(
            """
            name: clinic
            source:
              kind: s3
              bucket: extracts
              prefix: C:/Jobs/indici_export/working/
              endpoint: http://127.0.0.1:4568
              region: ap-southeast-2
              aws_profile: clinic
            file_name:
              pattern: ^(?<extract_type>\w+)_(?<date_extracted>\d{8})$
              date_extracted_format: yyyyMMdd
              extension: .txt
            time_zone: Pacific/Auckland
            dialect:
              encoding: UTF-16LE
              field_separator: "\t"
              row_separator: "|~~|"
              header: true
              quote: '"'
              max_field_bytes: 1000
            raw_schema: raw2
            staging_schema: stg2
            max_error_rate: 2.5%
            date_null_values: [1900-01-01]
            priority: [visit]
            extract_types:
              Patient:
                table: patients
                natural_key: [patient_id, practice_id]
                columns:
                  - patient_id: text not null
                  - practice_id: {type: int, not_null: true}
                  - born: DATE
                  - weight: decimal( 5 , 2 )
                  - seen_at: timestamptz
                  - email
                  - extra: {in_staging: false}
                  - made_by: {type: varchar(20), in_file: false}
                rules:
                  email: {lowercase: true, pattern: "@", on_invalid: set_null}
                  weight: {minimum: 0.5, maximum: 700}
                  born: {null_values: [0001-01-01], required: true, date_format: DD/MM/YYYY}
              Visit:
                table: visits
                parents: [PATIENT]
                aliases: [Visits, Visti]
            """);

        Assert.Equal(("clinic", "Pacific/Auckland", "raw2", "stg2", 0.025), (pipeline.Name, pipeline.TimeZone, pipeline.RawSchema, pipeline.StagingSchema, pipeline.MaxErrorRate));
        Assert.Equal(
            new SourceConfig
            {
                Kind = SourceKind.S3, Bucket = "extracts", Prefix = "C:/Jobs/indici_export/working/", Endpoint = "http://127.0.0.1:4568",
                Region = "ap-southeast-2", AwsProfile = "clinic", ForcePathStyle = true,
            },
            pipeline.Source);
        Assert.Equal((@"^(?<extract_type>\w+)_(?<date_extracted>\d{8})$", "yyyyMMdd", ".txt"), (pipeline.FileName.Pattern, pipeline.FileName.DateExtractedFormat, pipeline.FileName.Extension));
        Assert.Equal(
            new DialectConfig { Encoding = "utf-16le", FieldSeparator = "\t", RowSeparator = "|~~|", Header = true, Quote = '"', MaxFieldBytes = 1000 },
            pipeline.Dialect);
        Assert.Equal(["1900-01-01"], pipeline.DateNullValues);
        Assert.Equal(["Visit"], pipeline.Priority);

        var patient = pipeline.ExtractTypes[0];
        Assert.Equal(["patient_id", "practice_id"], patient.NaturalKey);
        Assert.Equal(
            [
                new ColumnConfig { Name = "patient_id", NotNull = true },
                new ColumnConfig { Name = "practice_id", Type = "integer", NotNull = true },
                new ColumnConfig { Name = "born", Type = "date" },
                new ColumnConfig { Name = "weight", Type = "numeric(5,2)" },
                new ColumnConfig { Name = "seen_at", Type = "timestamp with time zone" },
                new ColumnConfig { Name = "email" },
                new ColumnConfig { Name = "extra", InStaging = false },
                new ColumnConfig { Name = "made_by", Type = "character varying(20)", InFile = false },
            ],
            patient.Columns);
        Assert.Equal((true, "@", InvalidValueAction.SetNull), (patient.Rules["email"].Lowercase, patient.Rules["email"].Pattern, patient.Rules["email"].OnInvalid));
        Assert.Equal(("0.5", "700"), (patient.Rules["weight"].Minimum, patient.Rules["weight"].Maximum));
        Assert.Equal(("0001-01-01", true, "DD/MM/YYYY"), (patient.Rules["born"].NullValues.Single(), patient.Rules["born"].Required, patient.Rules["born"].DateFormat));

        var visit = pipeline.ExtractTypes[1];
        Assert.Equal(["Patient"], visit.Parents);
        Assert.Same(visit, pipeline.FindExtractType("visti"));
    }

    [Fact]
    public void What_is_not_said_has_a_default()
    {
        var pipeline = Parse(Valid);
        Assert.Equal(("raw", "stg", 0.05, "", false), (pipeline.RawSchema, pipeline.StagingSchema, pipeline.MaxErrorRate, pipeline.Source.Prefix, pipeline.Source.ForcePathStyle));
        Assert.Equal(new DialectConfig(), pipeline.Dialect);
        Assert.Equal("clinic.yaml", pipeline.Origin);
    }

    [Theory]
    // What the valid file says -> what it says instead -> the line of the mistake -> words of the message.
    [InlineData("time_zone: Pacific/Auckland", "time_zone: Pacific/Aukland", 7, "did you mean 'Pacific/Auckland'?")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: New Zealand Standard Time", 7, "Windows name")]
    [InlineData("time_zone: Pacific/Auckland", "timezone: UTC", 7, "no setting 'timezone'; expected one of")]
    [InlineData("time_zone: Pacific/Auckland", "timezone: UTC", 7, "did you mean 'time_zone'?")]
    [InlineData("time_zone: Pacific/Auckland", "timezone: UTC", 1, "has no time_zone; expected an IANA zone")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\nmax_error_rate: 5", 8, "expected a share such as 0.05 or 5%; did you mean '5%'?")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\nmax_error_rate: many", 8, "max_error_rate of the pipeline is 'many'")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\nmax_error_rate: -1", 8, "max_error_rate of the pipeline is '-1'")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\npriority: [Patints]", 8, "did you mean 'Patient'?")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: {encoding: utf-9}", 8, "did you mean 'utf-8'?")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: {field_separator: ''}", 8, "field_separator of dialect is empty")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: {row_separator: ',,'}", 8, "hold one another")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: {quote: ab}", 8, "one character")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: {header: maybe}", 8, "true or false")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: {max_field_bytes: 0}", 8, "whole number")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ndialect: csv", 8, "keys and values")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\nstaging_schema: raw", 8, "two schemas")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\nraw_schema: etl", 8, "which is taken")]
    [InlineData("time_zone: Pacific/Auckland", "time_zone: UTC\ntime_zone: UTC", 8, "a second time (first in line 7)")]
    [InlineData("kind: s3", "kind: s4", 3, "s3 or folder; did you mean 's3'?")]
    [InlineData("kind: s3", "kind: folder", 4, "no setting 'bucket'")]
    [InlineData("kind: s3", "kind: folder", 3, "source has no path")]
    [InlineData("bucket: extracts", "prefix: x", 3, "source has no bucket; expected the name of the bucket")]
    [InlineData("bucket: extracts", "bucket: extracts\n  endpoint: 127.0.0.1", 5, "an address such as")]
    [InlineData("bucket: extracts", "bucket: ${NOT_SET}", 4, "NOT_SET is not set")]
    [InlineData("bucket: extracts", "bucket: ${not a name}", 4, "does not name an environment variable")]
    [InlineData("bucket: extracts", "bucket: [a, b]", 4, "not a single value")]
    [InlineData(@"^(?<extract_type>\w+)$", @"^(?<extract_type>\w+$", 6, "does not compile")]
    [InlineData(@"^(?<extract_type>\w+)$", @"^(?<extract_typ>\w+)$", 6, "did you mean 'extract_type'?")]
    [InlineData(@"^(?<extract_type>\w+)$", @"^(\w+)$", 6, "has no group extract_type")]
    [InlineData("file_name:\n", "file_name:\n  date_format: HHmm\n", 6, "year, month and day")]
    [InlineData("file_name:\n", "file_name:\n  extension: csv\n", 6, "did you mean '.csv'?")]
    [InlineData("name: clinic", "name: my clinic", 1, "letters, digits")]
    [InlineData("name: clinic", "name: ''", 1, "has no name")]
    [InlineData("table: patients", "tables: patients", 10, "did you mean 'table'?")]
    [InlineData("table: patients", "table: visits", 17, "Patient and Visit share the table visits")]
    [InlineData("table: patients", "table: a_name_of_more_than_sixty_three_bytes_which_postgresql_would_cut_off", 10, "longer than 63 bytes")]
    [InlineData("[patient_id]", "[patientid]", 11, "did you mean 'patient_id'?")]
    [InlineData("[patient_id]", "[patient_id, patient_id]", 11, "twice")]
    [InlineData("[patient_id]", "[]", 11, "no natural_key")]
    [InlineData("- born: date", "- born: dat", 14, "did you mean 'date'?")]
    [InlineData("- born: date", "- born: date); DROP TABLE x", 14, "has the type")]
    [InlineData("- born: date", "- born: numeric(2,5)", 14, "has the type")]
    [InlineData("- born: date", "- patient_id: date", 14, "a second time (first in line 13)")]
    [InlineData("- born: date", "- load_ts: timestamptz", 14, "every table has of itself")]
    [InlineData("- born: date", "- born: {typ: date}", 14, "did you mean 'type'?")]
    [InlineData("- born: date", "- born: {type: date, in_file: false, in_staging: false}", 14, "neither in the file nor in staging")]
    [InlineData("- born: date", "- born: {type: date, in_file: false, not_null: true}", 14, "no file feeds it")]
    [InlineData("- born: date", "- [born, date]", 14, "is not a column")]
    [InlineData("- email", "- email\n    rules:\n      emial: {lowercase: true}", 17, "did you mean 'email'?")]
    [InlineData("- email", "- email\n    rules:\n      email: {lowercas: true}", 17, "did you mean 'lowercase'?")]
    [InlineData("- email", "- email\n    rules:\n      email: lower", 17, "not a map")]
    [InlineData("- email", "- email\n    rules:\n      born: {minimum: yesterday}", 17, "a date such as")]
    [InlineData("- email", "- email\n    rules:\n      email: {date_format: DD}", 17, "a date_format and the type text")]
    [InlineData("- email", "- email\n    rules:\n      email: {on_invalid: drop}", 17, "reject_row or set_null")]
    [InlineData("- email", "- email\n    rules:\n      email: {pattern: '^[^@]+@('}", 17, "pattern does not compile")]
    [InlineData("- email", "- email\n    rules:\n      email: {pattern: '^\\p{L}+$'}", 17, "PostgreSQL has no \\p")]
    [InlineData("[patient]", "[pateint]", 18, "did you mean 'Patient'?")]
    [InlineData("[patient]", "[Visit]", 18, "go round in a circle: Visit -> Visit")]
    [InlineData("[Visits]", "[patient]", 19, "also means Patient")]
    [InlineData("  Visit:\n", "  patient:\n", 16, "differ in case only")]
    [InlineData("name: clinic", "name: [clinic", 1, "this is not YAML")]
    [InlineData("name: clinic", "name: 'clinic", 1, "this is not YAML")]
    [InlineData("  kind: s3", "\tkind: s3", 3, "this is not YAML")]
    [InlineData("name: clinic", "name: *nobody", 1, "no anchor")]
    public void A_mistake_is_named_with_its_line(string valid, string instead, int line, string words)
    {
        var yaml = Valid.ReplaceLineEndings("\n").Replace(valid, instead, StringComparison.Ordinal);
        Assert.NotEqual(Valid, yaml);

        var error = Assert.Throws<EtlException>(() => Parse(yaml));

        Assert.Equal(("PipelineInvalid", EtlErrorKind.Configuration, "clinic.yaml"), (error.ErrorId, error.Kind, error.Target));
        Assert.Contains(error.Message.Split('\n'), mistake =>
            mistake.StartsWith($"clinic.yaml:{line}: ", StringComparison.Ordinal) && mistake.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void All_mistakes_are_told_at_once_in_the_order_of_the_file()
    {
        var yaml = Valid.Replace("kind: s3", "kind: s4", StringComparison.Ordinal)
            .Replace("Pacific/Auckland", "Mars", StringComparison.Ordinal)
            .Replace("born: date", "born: dat", StringComparison.Ordinal);

        var mistakes = Assert.Throws<EtlException>(() => Parse(yaml)).Message.Split('\n');

        Assert.Equal(["clinic.yaml:3", "clinic.yaml:7", "clinic.yaml:14"], mistakes.Select(mistake => mistake[..mistake.IndexOf(": ", StringComparison.Ordinal)]));
        Assert.All(mistakes, mistake => Assert.Contains("; expected ", mistake, StringComparison.Ordinal));
    }

    [Fact]
    public void A_longer_circle_of_parents_is_shown()
    {
        const string Types =
            """
            name: x
            source: {kind: folder, path: .}
            file_name: {pattern: "^(?<extract_type>.+)$"}
            time_zone: UTC
            extract_types:
              a: {table: a, parents: [c]}
              b: {table: b, parents: [a]}
              c: {table: c, parents: [b]}
              d: {table: d, parents: [c]}
            """;
        var error = Assert.Throws<EtlException>(() => Parse(Types));
        Assert.Equal(
            "clinic.yaml:6: the parents go round in a circle: a -> c -> b -> a; expected an order in which every parent is loaded before its children",
            error.Message);
    }

    [Fact]
    public void One_extract_type_needs_no_group_in_the_name()
    {
        var pipeline = Parse(
            """
            name: x
            source: {kind: folder, path: /in}
            file_name: {pattern: ".*"}
            time_zone: UTC
            extract_types:
              a: {table: a}
            """);
        Assert.Equal("a", pipeline.ExtractTypes.Single().Name);
    }

    [Theory]
    [InlineData("${BUCKET}", "mine")]
    [InlineData("${BUCKET:-other}", "mine")]
    [InlineData("${EMPTY:-other}", "other")]
    [InlineData("x-${ABSENT:-y}-${BUCKET}", "x-y-mine")]
    public void Source_values_take_environment_variables(string text, string expected)
    {
        _environment["BUCKET"] = "mine";
        _environment["EMPTY"] = "";
        Assert.Equal(expected, Parse(Valid.Replace("bucket: extracts", $"bucket: {text}", StringComparison.Ordinal)).Source.Bucket);
    }

    [Fact]
    public void A_relative_folder_starts_from_the_file()
    {
        var file = Write("deep/clinic.yaml", Valid.Replace("kind: s3\n  bucket: extracts", "kind: folder\n  path: ../in\n  filter: '*.txt'\n  recurse: true", StringComparison.Ordinal));

        var source = Read(file).Source;

        Assert.Equal(Path.Combine(_folder, "in"), source.Path);
        Assert.Equal((SourceKind.Folder, "*.txt", true), (source.Kind, source.Filter, source.Recurse));
    }

    [Fact]
    public void A_file_can_extend_a_built_in_pipeline()
    {
        var file = Write(
            "mine.yaml",
            """
            extends: indici
            name: mine
            source:
              kind: folder
              path: extracts
            dialect:
              encoding: utf-8
            extract_types:
              Recalls:
                natural_key: [re_call_id]
              Survey:
                table: surveys
            """);

        var pipeline = Read(file);
        var indici = PipelineReader.Read("indici");

        Assert.Equal(("mine", file, "Pacific/Auckland"), (pipeline.Name, pipeline.Origin, pipeline.TimeZone));
        Assert.Equal((Path.Combine(_folder, "extracts"), (string?)null), (pipeline.Source.Path, pipeline.Source.Bucket));
        Assert.Equal(indici.Dialect with { Encoding = "utf-8" }, pipeline.Dialect);
        Assert.Equal([.. indici.ExtractTypes.Select(type => type.Name), "Survey"], pipeline.ExtractTypes.Select(type => type.Name));
        var recalls = pipeline.FindExtractType("recalls")!;
        Assert.Equal(["re_call_id"], recalls.NaturalKey);
        Assert.Equal(indici.FindExtractType("recalls")!.Columns, recalls.Columns);
    }

    [Fact]
    public void A_mistake_in_the_extended_file_is_named_there()
    {
        var basis = Write("base.yaml", Valid.Replace("Pacific/Auckland", "Mars", StringComparison.Ordinal));
        var file = Write("mine.yaml", "extends: base.yaml\nmax_error_rat: 1%\n");

        var mistakes = Assert.Throws<EtlException>(() => Read(file)).Message.Split('\n');

        Assert.StartsWith($"{file}:2: ", mistakes[0], StringComparison.Ordinal);
        Assert.StartsWith($"{basis}:7: ", mistakes[1], StringComparison.Ordinal);
        Assert.Equal(2, mistakes.Length);
    }

    [Theory]
    [InlineData("extends: indic", "did you mean 'indici'?")]
    [InlineData("extends: other.yaml", "other.yaml is not there")]
    [InlineData("extends: mine.yaml", "a file that is being read")]
    [InlineData("extends: []", "names no pipeline")]
    public void An_extends_that_leads_nowhere_is_a_mistake(string line, string words)
    {
        var file = Write("mine.yaml", line + "\n");
        var error = Assert.Throws<EtlException>(() => Read(file));
        Assert.Contains(error.Message.Split('\n'), mistake => mistake.StartsWith($"{file}:1: ", StringComparison.Ordinal) && mistake.Contains(words, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("indicii", "indici")]
    [InlineData("/no/such/pipeline.yaml", "/no/such/pipeline.yaml")]
    public void A_pipeline_that_is_not_there_is_told(string name, string words)
    {
        var error = Assert.Throws<EtlException>(() => PipelineReader.Read(name));
        Assert.Equal(("PipelineNotFound", EtlErrorKind.NotFound, name), (error.ErrorId, error.Kind, error.Target));
        Assert.Contains(words, error.Message.Replace('\\', '/') + error.NextStep, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("just a text")]
    [InlineData("- a\n- b\n")]
    public void A_file_that_is_no_map_is_a_mistake(string yaml) =>
        Assert.StartsWith("clinic.yaml:1: ", Assert.Throws<EtlException>(() => Parse(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_grows_without_end_is_refused()
    {
        // Each alias holds nine of the one before.
        var lines = Enumerable.Range(1, 12).Select(i => $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat(i == 1 ? "x" : $"*a{i - 1}", 9))}]");
        Assert.Throws<EtlException>(() => Parse(string.Join("\n", lines)));
    }

    [Fact]
    public void Whatever_is_typed_is_read_or_refused_with_a_line()
    {
        var random = new Random(20251101);
        const string Letters = "\t\n :-[]{}'\"|>&*!#%@`,?~x0${";
        for (var i = 0; i < 1000; i++)
        {
            var text = new System.Text.StringBuilder(Valid);
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                var at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, Math.Min(random.Next(1, 9), text.Length - at)),
                    1 => text.Insert(at, Letters[random.Next(Letters.Length)]),
                    _ => text.Replace(text[at], Letters[random.Next(Letters.Length)], at, 1),
                };
            }

            try
            {
                Parse(text.ToString());
            }
            catch (EtlException error)
            {
                Assert.All(error.Message.Split('\n'), mistake => Assert.Matches(@"^clinic\.yaml:[0-9]+: ", mistake));
            }
        }
    }

    private PipelineConfig Parse(string yaml) => PipelineReader.Parse(yaml, "clinic.yaml", _environment.GetValueOrDefault);

    private PipelineConfig Read(string path) => PipelineReader.Read(path, _environment.GetValueOrDefault);

    private string Write(string name, string yaml)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, yaml);
        return path;
    }
}
