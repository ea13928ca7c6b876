using System.Globalization;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>The canonical texts of a copy's values, as PostgreSQL computes them. <see cref="SourceForm"/> gives the same.</summary>
internal static class CopyForm
{
    public const string Null = "chr(30)";
    public const string Separator = "chr(31)";

    /// <summary>How values are written as text.</summary>
    public const string Session = """
        SET extra_float_digits = 1; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
        SET work_mem = '64MB'; SET jit = off
        """;

    /// <summary>The digest of a text, of its bytes in UTF-8 whatever the database keeps texts in: the source has those.</summary>
    public static string Digest(string text, bool isUtf8) => isUtf8 ? $"md5({text})" : $"md5(convert_to({text}, 'UTF8'))";

    /// <param name="column">The column.</param>
    /// <param name="kind">As what it is compared.</param>
    /// <param name="isUtf8">The encoding of the database.</param>
    /// <param name="isNeverNull">The source has no NULL there. A NULL of the copy then leaves out a separator, and no row of the source lacks one.</param>
    /// <returns>What concat_ws writes as the canonical text.</returns>
    public static string Expression(TargetColumn column, CanonicalColumn kind, bool isUtf8, bool isNeverNull = false)
    {
        var value = Value(SqlIdentifier.Quote(column.Name), column.Type, kind, isUtf8);
        return column.IsNotNull || isNeverNull ? value : $"coalesce(({value})::text, {Null})";
    }

    /// <summary>The sum of a column of numbers; null where the copy holds them as something else.</summary>
    public static string? Sum(TargetColumn column, CanonicalColumn kind)
    {
        var name = SqlIdentifier.Quote(column.Name);
        var isFloat = column.Type is "real" or "double precision";
        return (kind.IsNumber, isFloat) switch
        {
            // By the digits that are shown: the sum of floats depends on their order, and on the server.
            (true, true) => string.Create(
                CultureInfo.InvariantCulture, $"sum(round({name}::double precision::text::numeric, {CanonicalColumn.SumDecimals})) FILTER (WHERE abs({name}) < {CanonicalColumn.LargestSummed})"),
            (true, _) when column.Type is "smallint" or "integer" or "bigint" || column.Type.StartsWith("numeric", StringComparison.Ordinal) => $"sum({name})",
            _ => null,
        };
    }

    private static string Value(string name, string type, CanonicalColumn kind, bool isUtf8) => kind.Kind switch
    {
        CanonicalKind.Presence => $"CASE WHEN {name} IS NOT NULL THEN '1' END",
        CanonicalKind.Json => Digest($"{name}::jsonb::text", isUtf8),
        CanonicalKind.LongText => Digest($"{name}::text", isUtf8),
        CanonicalKind.Bytes => type == "bytea" ? $"md5({name})" : Digest($"{name}::text", isUtf8),
        CanonicalKind.Hex => $"encode({(type == "bytea" ? name : $"convert_to({name}::text, 'UTF8')")}, 'hex')",
        _ when type is "text" || type.StartsWith("character varying", StringComparison.Ordinal) => name,
        _ when type.StartsWith("character", StringComparison.Ordinal) => $"{name}::text",
        CanonicalKind.Integer => Integer(name, type),
        CanonicalKind.Decimal => Decimal(name, type, kind.Digits),
        CanonicalKind.Double => Double(type is "double precision" ? name : $"{name}::double precision"),

        // A day in a column of timestamps is its midnight.
        CanonicalKind.Date when type != "date" => $"CASE WHEN {name} = {name}::date THEN {name}::date::text ELSE {name}::text END",
        CanonicalKind.Timestamp => Timestamp(type == "timestamp without time zone" ? name : $"{name}::timestamp", kind.Digits),
        CanonicalKind.Bits when type == "boolean" => $"{name}::int",
        CanonicalKind.Date or CanonicalKind.Time or CanonicalKind.Bits when type is "date" or "interval" || type.StartsWith("bit", StringComparison.Ordinal) => name,
        _ => $"{name}::text",
    };

    private static string Integer(string name, string type) => type switch
    {
        "smallint" or "integer" or "bigint" => name,
        "boolean" => $"{name}::int",
        _ when type.StartsWith("numeric", StringComparison.Ordinal) => CanonicalColumn.ScaleOf(type) is 0 ? name : $"trim_scale({name})",
        _ => $"{name}::text",
    };

    private static string Decimal(string name, string type, int digits)
    {
        var number = type.StartsWith("numeric", StringComparison.Ordinal) ? name : $"{name}::numeric";
        if (digits < 0)
        {
            return $"trim_scale({number})";
        }

        // Decimals beyond those of the source are a difference, not to be rounded away.
        return CanonicalColumn.ScaleOf(type) == digits
            ? name
            : string.Create(CultureInfo.InvariantCulture, $"CASE WHEN scale(trim_scale({number})) <= {digits} THEN round({number}, {digits}) ELSE {number} END");
    }

    /// <summary>
    /// Both servers write the fewest digits that tell a number from all others. They differ in where the exponent begins (MySQL
    /// writes none for what has digits after the point), and beyond 2^53 in whether a text halfway between two numbers tells
    /// them apart: there, fewer digits are tried.
    /// </summary>
    private static string Double(string number) => $"""
        CASE WHEN {number} = 0 OR abs({number}) >= 1e-4 AND abs({number}) < 1e15 THEN ({number})::text
             WHEN abs({number}) >= 1e-15 AND (abs({number}) < 1e15 OR {number} <> trunc({number})) THEN trim_scale(({number})::text::numeric)::text
             WHEN abs({number}) < 1e15 OR abs({number}) >= 1e300 THEN replace(({number})::text, 'e+', 'e')
             WHEN {Exponent(number, 14)}::double precision = {number} THEN {Trimmed(Exponent(number, 14))}
             WHEN {Exponent(number, 15)}::double precision = {number} THEN {Trimmed(Exponent(number, 15))}
             ELSE replace(({number})::text, 'e+', 'e') END
        """;

    private static string Exponent(string number, int digits) => $"btrim(to_char({number}, '9.{new string('9', digits)}EEEE'))";

    private static string Trimmed(string number) => $@"regexp_replace({number}, '\.?0*e\+?', 'e')";

    private static string Timestamp(string value, int digits) => digits > 0 ? $"to_char({value}, 'YYYY-MM-DD HH24:MI:SS.US')" : value;
}
