using System.Globalization;
using System.Text.RegularExpressions;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Mapping;

/// <summary>Types of the source in PostgreSQL, named as format_type names them, and which holds all values of which.</summary>
internal static class TypeMap
{
    public const string Text = "text";

    private static readonly Regex Sized = new(@"^(?<name>[a-z ]+)\((?<a>\d+)(?:,(?<b>-?\d+))?\)$", RegexOptions.CultureInvariant);

    private static readonly string[] Integers = ["smallint", "integer", "bigint"];

    public static string TypeOf(SourceColumn column, bool isBoolean) => column.DataType switch
    {
        "tinyint" => isBoolean ? "boolean" : "smallint",
        "smallint" => column.IsUnsigned ? "integer" : "smallint",
        "mediumint" => "integer",
        "int" => column.IsUnsigned ? "bigint" : "integer",
        "bigint" => column.IsUnsigned ? "numeric(20,0)" : "bigint",
        "year" => "smallint",
        "float" => "real",
        "double" => "double precision",
        "decimal" => string.Create(CultureInfo.InvariantCulture, $"numeric({column.Precision ?? 65},{column.Scale ?? 0})"),
        "char" or "varchar" when column.Length is > 0 and <= 10_485_760 => string.Create(CultureInfo.InvariantCulture, $"character varying({column.Length})"),
        "date" => "date",
        "datetime" or "timestamp" => "timestamp without time zone",
        "time" => "interval",
        "bit" => string.Create(CultureInfo.InvariantCulture, $"bit varying({column.Precision ?? 64})"),
        "json" => "jsonb",
        "uuid" => "uuid",
        _ when IsBytes(column) => "bytea",
        _ => Text,
    };

    /// <summary>What PostgreSQL has no text for: it comes as hexadecimal digits.</summary>
    public static bool IsBytes(SourceColumn column) => column.DataType is
        "binary" or "varbinary" or "tinyblob" or "blob" or "mediumblob" or "longblob"
        or "geometry" or "point" or "linestring" or "polygon" or "multipoint" or "multilinestring" or "multipolygon" or "geometrycollection" or "geomcollection" or "vector";

    /// <summary>True where a column of the second type holds every value of the first as it is.</summary>
    public static bool Holds(string values, string column)
    {
        if (values == column || column is Text && values is not "bytea")
        {
            return true;
        }

        var (name, a, b) = Parse(values);
        var (columnName, columnA, columnB) = Parse(column);
        return name switch
        {
            // A tinyint that an earlier pipeline made boolean: values other than 0 and 1 are refused when they come.
            "smallint" when columnName == "boolean" => true,
            "smallint" or "integer" or "bigint" => Array.IndexOf(Integers, columnName) >= Array.IndexOf(Integers, name)
                || columnName == "numeric" && (columnA is null || columnA - columnB >= Digits(name)),
            "numeric" when columnName == "numeric" => columnA is null || a is not null && columnB >= b && columnA - columnB >= a - b,
            "real" => columnName is "double precision",
            "character varying" => columnName is "character varying" && (columnA is null || columnA >= a),
            "bit varying" => columnName is "bit varying" && (columnA is null || columnA >= a),
            "date" => columnName.StartsWith("timestamp", StringComparison.Ordinal),
            "timestamp without time zone" => columnName.StartsWith("timestamp", StringComparison.Ordinal),
            "json" or "jsonb" => columnName is "json" or "jsonb",
            _ => false,
        };
    }

    /// <summary>The type that a column has to get to hold what it holds and what is to come; null where there is none.</summary>
    public static string? Widen(string column, string values)
    {
        if (Holds(column, values) && column != "boolean")
        {
            return values;
        }

        var (name, a, b) = Parse(column);
        var (valuesName, valuesA, valuesB) = Parse(values);
        return (name, valuesName) switch
        {
            ("numeric", "numeric") when a is not null && valuesA is not null => Numeric(Math.Max(a.Value - b!.Value, valuesA.Value - valuesB!.Value), Math.Max(b.Value, valuesB.Value)),
            (_, "numeric") when Integers.Contains(name) && valuesA is not null => Numeric(Math.Max(Digits(name), valuesA.Value - valuesB!.Value), valuesB!.Value),

            // As many digits as each value has.
            ("real" or "double precision", "numeric") => "numeric",
            ("time without time zone", "interval") => values,
            ("bytea", _) or (_, "bytea") => null,
            _ => Text,
        };
    }

    private static string Numeric(int digits, int scale) => string.Create(CultureInfo.InvariantCulture, $"numeric({digits + scale},{scale})");

    private static int Digits(string integer) => integer switch
    {
        "smallint" => 5,
        "integer" => 10,
        _ => 19,
    };

    private static (string Name, int? A, int? B) Parse(string type)
    {
        var match = Sized.Match(type);
        return match.Success
            ? (match.Groups["name"].Value, Number(match.Groups["a"]), match.Groups["b"].Success ? Number(match.Groups["b"]) : 0)
            : (type, null, null);
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);
}
