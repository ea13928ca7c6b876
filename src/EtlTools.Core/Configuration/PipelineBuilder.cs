using System.Globalization;
using System.Text.RegularExpressions;
using EtlTools.Core.Database;

namespace EtlTools.Core.Configuration;

/// <summary>From the nodes of a pipeline file to the configuration, reporting whatever is wrong on the way.</summary>
internal sealed class PipelineBuilder(ConfigMap map, string origin, Func<string, string?> environment, ConfigMistakes mistakes)
{
    private static readonly string[] FileNameGroups =
        ["extract_type", "per_org_id", "practice_id", "date_from", "date_to", "date_extracted"];

    private static readonly string[] Encodings = ["utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1"];

    private static readonly Dictionary<string, SourceKind> SourceKinds = new(StringComparer.Ordinal)
    {
        ["s3"] = SourceKind.S3,
        ["folder"] = SourceKind.Folder,
    };

    private static readonly Regex PipelineName = new(@"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", RegexOptions.CultureInvariant);

    public PipelineConfig Build()
    {
        var root = new ConfigSection(map, "the pipeline", mistakes);
        var name = root.RequiredText("name", "a short name, recorded on every run");
        if (name.Length > 0 && !PipelineName.IsMatch(name))
        {
            mistakes.Add(root.Node("name")!, $"the pipeline's name is '{name}'", "letters, digits, '_', '-' and '.', at most 63");
        }

        var types = new ExtractTypesBuilder(root, mistakes).Build();
        var pipeline = new PipelineConfig
        {
            Name = name,
            Origin = origin,
            Source = BuildSource(root),
            FileName = BuildFileName(root, types.Count),
            TimeZone = BuildTimeZone(root),
            Dialect = BuildDialect(root),
            RawSchema = BuildSchema(root, "raw_schema", "raw"),
            StagingSchema = BuildSchema(root, "staging_schema", "stg"),
            MaxErrorRate = root.Rate("max_error_rate", 0.05),
            DateNullValues = BuildDateNullValues(root),
            Priority = BuildPriority(root, types),
            ExtractTypes = types,
        };

        if (pipeline.RawSchema == pipeline.StagingSchema)
        {
            mistakes.Add(root.Place("staging_schema"), $"raw_schema and staging_schema are both '{pipeline.RawSchema}'", "two schemas");
        }

        root.Node("extends");
        root.RejectUnknownKeys();
        return pipeline;
    }

    private SourceConfig BuildSource(ConfigSection root)
    {
        var node = root.Section("source", "source");
        if (node is null)
        {
            if (root.Node("source") is null)
            {
                mistakes.Add(root.Place("source"), "the pipeline has no source", "source: with kind: s3 and bucket, or kind: folder and path");
            }

            return new SourceConfig { Kind = SourceKind.Folder };
        }

        var source = new ConfigSection(Placeholder.Fill(node.Map, environment, mistakes), "source", mistakes);
        if (source.Node("kind") is null)
        {
            mistakes.Add(source.Place("kind"), "source has no kind", "s3 or folder");
        }

        var kind = source.Choice("kind", SourceKinds, source.Map.Find("bucket") is null ? SourceKind.Folder : SourceKind.S3);
        var result = kind == SourceKind.S3 ? BuildBucket(source) : BuildFolder(source);
        source.RejectUnknownKeys();
        return result;
    }

    private SourceConfig BuildBucket(ConfigSection source)
    {
        // An empty text is what a placeholder's empty default leaves: not given.
        var endpoint = Filled(source.Text("endpoint"));
        if (endpoint is not null
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
        {
            mistakes.Add(source.Place("endpoint"), $"endpoint of source is '{endpoint}'", "an address such as https://s3.example.org");
        }

        return new SourceConfig
        {
            Kind = SourceKind.S3,
            Bucket = source.RequiredText("bucket", "the name of the bucket"),
            Prefix = source.Text("prefix") ?? "",
            Endpoint = endpoint,
            Region = Filled(source.Text("region")),
            ForcePathStyle = source.Flag("force_path_style", endpoint is not null),
            AwsProfile = Filled(source.Text("aws_profile")),
        };
    }

    private static SourceConfig BuildFolder(ConfigSection source)
    {
        var path = source.RequiredText("path", "the path of a folder; a relative one starts from the pipeline file");
        var writtenIn = source.Node("path")?.Path ?? source.Map.Path;
        return new SourceConfig
        {
            Kind = SourceKind.Folder,
            Path = path.Length == 0 ? "" : Path.GetFullPath(path, ConfigLibrary.FolderOf(writtenIn)),
            Filter = Filled(source.Text("filter", "a wildcard such as *.csv")) ?? "*",
            Recurse = source.Flag("recurse", false),
        };
    }

    private FileNameConfig BuildFileName(ConfigSection root, int typeCount)
    {
        const string Expected = "pattern: a regular expression with named groups, such as (?<extract_type>\\w+)";
        var section = root.Section("file_name", "file_name");
        if (section is null)
        {
            if (root.Node("file_name") is null)
            {
                mistakes.Add(root.Place("file_name"), "the pipeline has no file_name", Expected);
            }

            return new FileNameConfig { Pattern = "" };
        }

        var defaults = new FileNameConfig { Pattern = section.RequiredText("pattern", Expected) };
        if (section.Node("pattern") is ConfigScalar { Value.Length: > 0 } pattern)
        {
            CheckPattern(pattern, typeCount);
        }

        var result = defaults with
        {
            DateFormat = DateFormat(section, "date_format", defaults.DateFormat),
            DateExtractedFormat = DateFormat(section, "date_extracted_format", defaults.DateExtractedFormat),
            Extension = section.Text("extension") ?? defaults.Extension,
        };
        if (result.Extension.Length > 0 && result.Extension[0] != '.')
        {
            mistakes.Add(section.Place("extension"), $"extension of file_name is '{result.Extension}'", "a dot and letters, such as .csv", "." + result.Extension);
        }

        section.RejectUnknownKeys();
        return result;
    }

    private void CheckPattern(ConfigScalar pattern, int typeCount)
    {
        Regex regex;
        try
        {
            regex = new Regex(pattern.Value, RegexOptions.CultureInvariant);
        }
        catch (ArgumentException error)
        {
            var words = (error as RegexParseException)?.Error.ToString() ?? "error";
            mistakes.Add(pattern, $"pattern of file_name does not compile ({words})", "a .NET regular expression");
            return;
        }

        var groups = regex.GetGroupNames().Where(name => !int.TryParse(name, CultureInfo.InvariantCulture, out _)).ToList();
        foreach (var group in groups.Except(FileNameGroups))
        {
            mistakes.Add(
                pattern, $"pattern of file_name has a group '{group}'", "one of " + string.Join(", ", FileNameGroups), Nearest.Find(group, FileNameGroups));
        }

        if (typeCount != 1 && !groups.Contains("extract_type"))
        {
            mistakes.Add(pattern, "pattern of file_name has no group extract_type", "(?<extract_type>...), as the pipeline has not just one extract type");
        }
    }

    private string DateFormat(ConfigSection section, string key, string otherwise)
    {
        var scalar = section.Scalar(key, "a date format such as yyyyMMddHHmm");
        if (scalar is null)
        {
            return otherwise;
        }

        // A format that cannot read back what it writes (a lone letter, or one without a year) reads no file name either.
        var sample = new DateTime(2031, 12, 30, 23, 58, 57, DateTimeKind.Unspecified);
        try
        {
            var text = sample.ToString(scalar.Value, CultureInfo.InvariantCulture);
            if (scalar.Value.Length > 1
                && DateTime.TryParseExact(text, scalar.Value, CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed)
                && parsed.Date == sample.Date)
            {
                return scalar.Value;
            }
        }
        catch (FormatException)
        {
            // Reported below.
        }

        mistakes.Add(scalar, $"{key} of file_name is '{scalar.Value}'", "a .NET date format with year, month and day, such as yyyyMMddHHmm");
        return otherwise;
    }

    private string BuildTimeZone(ConfigSection root)
    {
        const string Expected = "an IANA zone such as Pacific/Auckland or UTC";
        var zone = root.RequiredText("time_zone", Expected);
        if (zone.Length == 0)
        {
            return "UTC";
        }

        if (TimeZoneInfo.TryConvertWindowsIdToIanaId(zone, out var iana) && zone != "UTC")
        {
            mistakes.Add(root.Node("time_zone")!, $"time_zone '{zone}' is a Windows name", Expected, iana);
        }
        else if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
        {
            var known = TimeZoneInfo.GetSystemTimeZones().Select(known => known.Id);
            mistakes.Add(root.Node("time_zone")!, $"time_zone '{zone}' is not known", Expected, Nearest.Find(zone, known));
        }

        return zone;
    }

    private DialectConfig BuildDialect(ConfigSection root)
    {
        var defaults = new DialectConfig();
        var dialect = root.Section("dialect", "dialect");
        if (dialect is null)
        {
            return defaults;
        }

        var result = new DialectConfig
        {
            FieldSeparator = Separator(dialect, "field_separator") ?? defaults.FieldSeparator,
            RowSeparator = Separator(dialect, "row_separator"),
            Encoding = BuildEncoding(dialect, defaults.Encoding),
            Header = dialect.Flag("header", defaults.Header),
            Quote = BuildQuote(dialect),
            MaxFieldBytes = dialect.Integer("max_field_bytes", defaults.MaxFieldBytes, 1, 1024 * 1024 * 1024),
        };

        if (result.RowSeparator is { } row
            && (row.Contains(result.FieldSeparator, StringComparison.Ordinal) || result.FieldSeparator.Contains(row, StringComparison.Ordinal)))
        {
            mistakes.Add(dialect.Place("row_separator"), "row_separator and field_separator hold one another", "two separators that can be told apart");
        }

        if (result.Quote is { } quote && (result.FieldSeparator + result.RowSeparator).Contains(quote, StringComparison.Ordinal))
        {
            mistakes.Add(dialect.Place("quote"), "quote is a part of a separator", "a character that no separator holds");
        }

        dialect.RejectUnknownKeys();
        return result;
    }

    private string? Separator(ConfigSection dialect, string key)
    {
        var scalar = dialect.Scalar(key, "one or more characters");
        if (scalar is not { Value.Length: 0 })
        {
            return scalar?.Value;
        }

        mistakes.Add(scalar, $"{key} of dialect is empty", "one or more characters, in double quotes for \"\\t\"");
        return null;
    }

    private string BuildEncoding(ConfigSection dialect, string otherwise)
    {
        var scalar = dialect.Scalar("encoding", string.Join(", ", Encodings));
        if (scalar is null)
        {
            return otherwise;
        }

        var name = scalar.Value.ToLowerInvariant() switch
        {
            "utf8" => "utf-8",
            "utf16le" or "utf-16" => "utf-16le",
            "utf16be" => "utf-16be",
            "latin1" => "iso-8859-1",
            "cp1252" => "windows-1252",
            var other => other,
        };
        if (!Encodings.Contains(name))
        {
            mistakes.Add(scalar, $"encoding of dialect is '{scalar.Value}'", string.Join(" or ", Encodings), Nearest.Find(name, Encodings));
        }

        return name;
    }

    private char? BuildQuote(ConfigSection dialect)
    {
        var scalar = dialect.Scalar("quote", "one character, or null");
        switch (scalar?.Value)
        {
            case null:
                return null;
            case { Length: 1 } quote when quote[0] is > ' ' and < (char)128 && !char.IsAsciiLetterOrDigit(quote[0]):
                return quote[0];
            default:
                mistakes.Add(scalar, $"quote of dialect is '{scalar.Value}'", "one character such as '\"', or null for no quoting");
                return null;
        }
    }

    private string BuildSchema(ConfigSection root, string key, string otherwise)
    {
        var schema = root.Text(key) ?? otherwise;
        if (SqlIdentifier.FindFault(schema) is { } fault)
        {
            mistakes.Add(root.Place(key), $"{key} {fault}", "the name of a schema");
        }
        else if (schema.StartsWith("pg_", StringComparison.Ordinal) || schema is "etl" or "information_schema")
        {
            mistakes.Add(root.Place(key), $"{key} is '{schema}', which is taken", "a schema for this pipeline's tables, such as " + otherwise);
        }

        return schema;
    }

    private List<string> BuildDateNullValues(ConfigSection root)
    {
        var values = root.Texts("date_null_values");
        return values.Select(value => value.Value.Trim()).ToList();
    }

    private List<string> BuildPriority(ConfigSection root, List<ExtractTypeConfig> types)
    {
        var priority = new List<string>();
        foreach (var name in root.Texts("priority"))
        {
            var type = types.Find(type => string.Equals(type.Name, name.Value, StringComparison.OrdinalIgnoreCase));
            if (type is null)
            {
                mistakes.Add(name, $"priority names '{name.Value}', which is no extract type", "names of extract types of this pipeline",
                    Nearest.Find(name.Value, types.Select(known => known.Name)));
            }
            else
            {
                priority.Add(type.Name);
            }
        }

        return priority;
    }

    private static string? Filled(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
