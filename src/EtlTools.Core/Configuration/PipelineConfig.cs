namespace EtlTools.Core.Configuration;

/// <summary>
/// One pipeline: where its files come from, how they are named and written, and what types of extract there are.
/// Read from one YAML file by <see cref="PipelineReader"/>.
/// </summary>
public sealed record PipelineConfig
{
    /// <summary>The pipeline's name, recorded on every run and file.</summary>
    public required string Name { get; init; }

    /// <summary>The file it was read from, or "built-in:NAME".</summary>
    public required string Origin { get; init; }

    public required SourceConfig Source { get; init; }

    public required FileNameConfig FileName { get; init; }

    /// <summary>IANA name of the zone that dates without a zone are in, e.g. Pacific/Auckland.</summary>
    public required string TimeZone { get; init; }

    public required DialectConfig Dialect { get; init; }

    public string RawSchema { get; init; } = "raw";

    public string StagingSchema { get; init; } = "stg";

    /// <summary>Share of a file's rows, 0 to 1, that may be bad before the whole file fails.</summary>
    public double MaxErrorRate { get; init; } = 0.05;

    /// <summary>Values, after trimming, that mean NULL in every staging column of a date or timestamp type.</summary>
    public IReadOnlyList<string> DateNullValues { get; init; } = [];

    /// <summary>Extract types to load first, before the order that parents and names give.</summary>
    public IReadOnlyList<string> Priority { get; init; } = [];

    public required IReadOnlyList<ExtractTypeConfig> ExtractTypes { get; init; }

    /// <summary>The type with this name or alias, compared without case; null where there is none.</summary>
    public ExtractTypeConfig? FindExtractType(string nameOrAlias) =>
        ExtractTypes.FirstOrDefault(type =>
            string.Equals(type.Name, nameOrAlias, StringComparison.OrdinalIgnoreCase)
            || type.Aliases.Contains(nameOrAlias, StringComparer.OrdinalIgnoreCase));
}

public enum SourceKind
{
    S3,
    Folder,
}

/// <summary>Where files come from: an S3 bucket with prefix, or a folder.</summary>
public sealed record SourceConfig
{
    public required SourceKind Kind { get; init; }

    /// <summary>S3: the bucket. Folder: null.</summary>
    public string? Bucket { get; init; }

    /// <summary>S3: key prefix, may be empty, may hold a Windows path. Folder: null.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>S3 service address, e.g. http://127.0.0.1:4568; null means AWS itself.</summary>
    public string? Endpoint { get; init; }

    public string? Region { get; init; }

    /// <summary>Path-style addressing; true by default where an endpoint is given.</summary>
    public bool ForcePathStyle { get; init; }

    /// <summary>Named AWS credential profile; null means the usual chain (environment, profile file, instance role).</summary>
    public string? AwsProfile { get; init; }

    /// <summary>Folder: absolute path.</summary>
    public string? Path { get; init; }

    /// <summary>Folder: wildcard for file names, all by default.</summary>
    public string Filter { get; init; } = "*";

    /// <summary>Folder: look into sub-folders too.</summary>
    public bool Recurse { get; init; }
}

/// <summary>How a base name says what a file holds.</summary>
public sealed record FileNameConfig
{
    /// <summary>
    /// A .NET regular expression over the base name without its extension, with named groups. Known groups: extract_type
    /// (required unless one type is configured), per_org_id, practice_id, date_from, date_to, date_extracted.
    /// </summary>
    public required string Pattern { get; init; }

    /// <summary>.NET format of date_from and date_to, e.g. yyyyMMddHHmm.</summary>
    public string DateFormat { get; init; } = "yyyyMMddHHmm";

    /// <summary>.NET format of date_extracted, e.g. yyMMddHHmm. Files without the group use their last-modified time.</summary>
    public string DateExtractedFormat { get; init; } = "yyMMddHHmm";

    /// <summary>Extension that is stripped before the pattern is applied, in any case.</summary>
    public string Extension { get; init; } = ".csv";
}

/// <summary>How a file's text is split into rows and fields.</summary>
public sealed record DialectConfig
{
    public string FieldSeparator { get; init; } = ",";

    /// <summary>Row separator of any length; null means any of CR, LF and CRLF.</summary>
    public string? RowSeparator { get; init; }

    /// <summary>utf-8, utf-16le, utf-16be, windows-1252 or iso-8859-1. A byte-order mark in the file wins.</summary>
    public string Encoding { get; init; } = "utf-8";

    /// <summary>True: the first row names the columns.</summary>
    public bool Header { get; init; }

    /// <summary>The quote character of RFC 4180, or null: no quoting, a quote is data.</summary>
    public char? Quote { get; init; }

    /// <summary>Longest field in bytes of UTF-8; a longer one sends its row to quarantine.</summary>
    public int MaxFieldBytes { get; init; } = 16 * 1024 * 1024;
}

/// <summary>One kind of file and the pair of tables it feeds.</summary>
public sealed record ExtractTypeConfig
{
    public required string Name { get; init; }

    /// <summary>Table name in the raw and the staging schema.</summary>
    public required string Table { get; init; }

    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Names of the extract types that must be loaded before this one.</summary>
    public IReadOnlyList<string> Parents { get; init; } = [];

    /// <summary>Columns of the natural key; empty: taken from the staging table's unique index.</summary>
    public IReadOnlyList<string> NaturalKey { get; init; } = [];

    /// <summary>
    /// Columns in file order, used to create tables where there are none. On an existing database the catalogue decides.
    /// May be empty where the tables exist.
    /// </summary>
    public IReadOnlyList<ColumnConfig> Columns { get; init; } = [];

    /// <summary>Rules by staging column, for what the catalogue cannot say.</summary>
    public IReadOnlyDictionary<string, ColumnRule> Rules { get; init; } =
        new Dictionary<string, ColumnRule>(StringComparer.Ordinal);
}

/// <summary>One column of the description that tables are made from.</summary>
public sealed record ColumnConfig
{
    public required string Name { get; init; }

    /// <summary>PostgreSQL type in staging, e.g. text, integer, numeric(10,2), timestamp with time zone.</summary>
    public string Type { get; init; } = "text";

    public bool NotNull { get; init; }

    /// <summary>False: kept in raw only.</summary>
    public bool InStaging { get; init; } = true;

    /// <summary>False: a staging column that no file feeds.</summary>
    public bool InFile { get; init; } = true;
}

/// <summary>What happens to a row whose value does not pass its column's rule.</summary>
public enum InvalidValueAction
{
    /// <summary>The row goes to quarantine.</summary>
    RejectRow,

    /// <summary>The value becomes NULL, the row stays (a NOT NULL column rejects all the same).</summary>
    SetNull,
}

/// <summary>A per-column rule; every part is optional.</summary>
public sealed record ColumnRule
{
    /// <summary>Values, after trimming, that mean NULL, e.g. 1900-01-01.</summary>
    public IReadOnlyList<string> NullValues { get; init; } = [];

    public bool Lowercase { get; init; }

    public bool Required { get; init; }

    /// <summary>POSIX regular expression the trimmed text must match.</summary>
    public string? Pattern { get; init; }

    public IReadOnlyList<string> AllowedValues { get; init; } = [];

    /// <summary>Smallest and largest value, written as literals of the column's type.</summary>
    public string? Minimum { get; init; }

    public string? Maximum { get; init; }

    /// <summary>PostgreSQL to_timestamp format for dates that are not ISO 8601, e.g. DD/MM/YYYY.</summary>
    public string? DateFormat { get; init; }

    public InvalidValueAction OnInvalid { get; init; } = InvalidValueAction.RejectRow;
}
