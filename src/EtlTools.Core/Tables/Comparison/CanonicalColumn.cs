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
    Date,
    Timestamp,
    Time,
    Bits,

    /// <summary>Only whether there is a value: the two servers write JSON differently.</summary>
    Presence,
}

/// <param name="Name">On both sides.</param>
/// <param name="Kind">As what it is compared.</param>
/// <param name="Digits">Decimals of numbers, or of seconds; -1 for as many as there are.</param>
internal sealed record CanonicalColumn(string Name, CanonicalKind Kind, int Digits = 0)
{
    /// <summary>Decimals of a float that count in a sum.</summary>
    public const int SumDecimals = 10;

    /// <summary>A float from here on is no amount, and is left out of a sum.</summary>
    public const string LargestSummed = "1e30";

    public static CanonicalColumn Of(SourceColumn column) => column.DataType switch
    {
        _ when column.IsInteger || column.DataType == "year" => new CanonicalColumn(column.Name, CanonicalKind.Integer),
        "decimal" => new CanonicalColumn(column.Name, CanonicalKind.Decimal, column.Scale ?? 0),
        "float" or "double" => new CanonicalColumn(column.Name, CanonicalKind.Double),
        "date" => new CanonicalColumn(column.Name, CanonicalKind.Date),
        "datetime" or "timestamp" => new CanonicalColumn(column.Name, CanonicalKind.Timestamp, column.FractionDigits),
        "time" => new CanonicalColumn(column.Name, CanonicalKind.Time, column.FractionDigits),
        "bit" => new CanonicalColumn(column.Name, CanonicalKind.Bits, column.Precision ?? 64),
        "json" => new CanonicalColumn(column.Name, CanonicalKind.Presence),
        "mediumtext" or "longtext" => new CanonicalColumn(column.Name, CanonicalKind.LongText),
        _ when Mapping.TypeMap.IsBytes(column) => new CanonicalColumn(column.Name, CanonicalKind.Bytes),
        _ => new CanonicalColumn(column.Name, CanonicalKind.Text),
    };

    /// <summary>Its values have a sum.</summary>
    public bool IsNumber => Kind is CanonicalKind.Integer or CanonicalKind.Decimal or CanonicalKind.Double;

    /// <summary>For two copies, by the type of one of them, as format_type writes it.</summary>
    public static CanonicalColumn Of(string name, string type) => type switch
    {
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
