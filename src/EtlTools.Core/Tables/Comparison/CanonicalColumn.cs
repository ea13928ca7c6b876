using System.Globalization;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>As what the values of a column are compared: each has one text on both sides.</summary>
internal enum CanonicalKind
{
    Integer,
    Decimal,
    Double,
    Text,

    /// <summary>Texts that are too long to be put together: by their digest.</summary>
    LongText,

    /// <summary>By their digest.</summary>
    Bytes,

    /// <summary>Bytes of a key, which is told as it is.</summary>
    Hex,
    Date,
    Timestamp,
    Time,
    Bits,

    /// <summary>Of two copies: by the digest of what is in it, however it is written.</summary>
    Json,

    /// <summary>Only whether there is a value: jsonb does not keep a text as it was.</summary>
    Presence,
}

/// <param name="Name">On both sides.</param>
/// <param name="Kind">As what it is compared.</param>
/// <param name="Digits">Decimals of numbers, or of seconds; -1 for as many as there are.</param>
internal sealed record CanonicalColumn(string Name, CanonicalKind Kind, int Digits = 0)
{
    private const string Json = "json";
    private const string Jsonb = "jsonb";

    /// <summary>Decimals of a float that count in a sum.</summary>
    public const int SumDecimals = 10;

    /// <summary>A float from here on is no amount, and is left out of a sum.</summary>
    public const string LargestSummed = "1e30";

    /// <param name="column">Of the source.</param>
    /// <param name="copyType">Of the same column of the copy, as format_type writes it.</param>
    public static CanonicalColumn Of(SourceColumn column, string copyType) => column.DataType switch
    {
        _ when copyType == Jsonb => new CanonicalColumn(column.Name, CanonicalKind.Presence),
        _ when column.IsInteger || column.DataType == "year" => new CanonicalColumn(column.Name, CanonicalKind.Integer),
        "decimal" => new CanonicalColumn(column.Name, CanonicalKind.Decimal, column.Scale ?? 0),
        "float" or "double" => new CanonicalColumn(column.Name, CanonicalKind.Double),
        "date" => new CanonicalColumn(column.Name, CanonicalKind.Date),
        "datetime" or "timestamp" => new CanonicalColumn(column.Name, CanonicalKind.Timestamp, column.FractionDigits),
        "time" => new CanonicalColumn(column.Name, CanonicalKind.Time, column.FractionDigits),
        "bit" => new CanonicalColumn(column.Name, CanonicalKind.Bits, column.Precision ?? 64),
        "mediumtext" or "longtext" or "json" => new CanonicalColumn(column.Name, CanonicalKind.LongText),
        _ when Mapping.TypeMap.IsBytes(column) => new CanonicalColumn(column.Name, CanonicalKind.Bytes),
        _ => new CanonicalColumn(column.Name, CanonicalKind.Text),
    };

    /// <summary>As a part of a key, by which a row is found again: a digest would tell nobody which row it is.</summary>
    public CanonicalColumn AsKey() => Kind switch
    {
        CanonicalKind.LongText => this with { Kind = CanonicalKind.Text },
        CanonicalKind.Bytes => this with { Kind = CanonicalKind.Hex },
        _ => this,
    };

    /// <summary>Its values have a sum.</summary>
    public bool IsNumber => Kind is CanonicalKind.Integer or CanonicalKind.Decimal or CanonicalKind.Double;

    /// <summary>For two copies, by their types as format_type writes them; what both have is compared as the first has it.</summary>
    public static CanonicalColumn Of(string name, string type, string otherType) => type switch
    {
        Jsonb or Json when otherType is Jsonb or Json && type != otherType => new CanonicalColumn(name, CanonicalKind.Json),
        _ when (type == Jsonb) != (otherType == Jsonb) => new CanonicalColumn(name, CanonicalKind.Presence),
        "smallint" or "integer" or "bigint" or "boolean" => new CanonicalColumn(name, CanonicalKind.Integer),
        _ when type.StartsWith("numeric", StringComparison.Ordinal) => ScaleOf(type) is 0
            ? new CanonicalColumn(name, CanonicalKind.Integer) : new CanonicalColumn(name, CanonicalKind.Decimal, -1),
        "real" or "double precision" => new CanonicalColumn(name, CanonicalKind.Double),
        "date" => new CanonicalColumn(name, CanonicalKind.Date),
        _ when type.StartsWith("timestamp", StringComparison.Ordinal) => new CanonicalColumn(name, CanonicalKind.Timestamp, 6),
        "interval" or "time without time zone" => new CanonicalColumn(name, CanonicalKind.Time),
        _ when type.StartsWith("bit", StringComparison.Ordinal) => new CanonicalColumn(name, CanonicalKind.Bits, -1),
        "bytea" => new CanonicalColumn(name, CanonicalKind.Bytes),
        _ => new CanonicalColumn(name, CanonicalKind.LongText),
    };

    /// <summary>Of numeric(p,s); null for plain numeric.</summary>
    public static int? ScaleOf(string type) =>
        type.Split(',') is [_, var scale] && int.TryParse(scale.TrimEnd(')'), NumberStyles.Integer, CultureInfo.InvariantCulture, out var digits) ? digits : null;
}
