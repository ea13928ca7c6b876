using System.Globalization;
using EtlTools.Core.Database;

namespace EtlTools.Core.Staging;

/// <summary>
/// SQL that says whether a trimmed text can be cast to a column's type; it never fails itself. Staging spends most of its time
/// here, so what most values look like is told by the cheapest means.
/// </summary>
/// <remarks>
/// A bounded repetition such as [0-9]{1,200} makes the database's pattern matcher build a state for each count, anew for every
/// value: ten times the cost of [0-9]+ with the length asked beside it.
/// </remarks>
internal static class TypeCheckSql
{
    // Calendar days, leap years included, so that the cast that follows cannot fail.
    private const string Day =
        """(([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)""";

    private const string Time = """([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?""";
    private const string Offset = """ ?([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)""";
    private const string DatePattern = $"^{Day}([T ]{Time}({Offset})?)?$";
    private const string TimePattern = $"^{Time}$";
    private const string IntegerPattern = "^[+-]?[0-9]+$";
    private const string NumberPattern = """^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$""";
    private const string FloatPattern = """^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9][0-9]?)?$""";
    private const string UuidPattern = "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$";
    private const string Booleans = "('true', '1', 'yes', 'y', 't', 'on', 'false', '0', 'no', 'n', 'f', 'off')";

    /// <summary>Null for a type that takes every text.</summary>
    /// <param name="column">The column.</param>
    /// <param name="text">SQL of a text that is trimmed and not empty, or NULL.</param>
    public static string? Of(StagingColumn column, string text) => column.BaseType switch
    {
        "text" => null,
        "varchar" or "bpchar" => column.MaxLength is { } length ? $"length({text}) <= {length}" : null,
        "bool" => $"lower({text}) IN {Booleans}",
        "int2" => Integer(text, 4, "-32768", "32767"),
        "int4" => Integer(text, 9, "-2147483648", "2147483647"),
        "int8" => Integer(text, 18, "-9223372036854775808", "9223372036854775807"),
        "numeric" => Numeric(text, column),
        "float4" => $"CASE WHEN {Float(text)} THEN abs({text}::numeric) < 3.4e38 AND ({text}::numeric = 0 OR abs({text}::numeric) > 1e-37) ELSE false END",
        "float8" => Float(text),
        "date" => Date(text),
        "timestamp" or "timestamptz" => Timestamp(text),
        "time" => $"{text} ~ '{TimePattern}'",
        "uuid" => $"{text} ~ '{UuidPattern}'",
        _ => $"etl.input_is_valid({text}, {SqlLiteral.Text(column.TypeName)})",
    };

    private static string Integer(string text, int safeDigits, string minimum, string maximum) =>
        $"CASE WHEN octet_length({text}) > 60 OR {text} !~ '{IntegerPattern}' THEN false "
        + $"WHEN octet_length({text}) <= {safeDigits} THEN true ELSE {text}::numeric BETWEEN {minimum} AND {maximum} END";

    private static string Numeric(string text, StagingColumn column)
    {
        var isNumber = $"octet_length({text}) <= 400 AND {text} ~ '{NumberPattern}'";
        if (column.Precision is not { } precision)
        {
            return $"({isNumber})";
        }

        // Fewer whole digits than the column has can never overflow, not even by rounding; the rest is worked out.
        var scale = column.Scale ?? 0;
        var whole = precision - scale;
        return $"CASE WHEN NOT ({isNumber}) THEN false "
            + $"WHEN octet_length({text}) < {Invariant(whole)} OR strpos({text}, '.') BETWEEN 1 AND {Invariant(whole)} THEN true "
            + $"ELSE abs(round({text}::numeric, {Invariant(scale)})) < 1e{Invariant(whole)} END";
    }

    // A hundred digits and an exponent of two stay far inside what a double can hold.
    private static string Float(string text) => $"(octet_length({text}) <= 100 AND {text} ~ '{FloatPattern}')";

    private static string Date(string text) =>
        $"CASE WHEN {IsLike(text, "____-__-__")} AND {OtherThanDigits(text)} = '--' AND {HasPlainDay(text)} "
        + $"THEN true ELSE {text} ~ '{DatePattern}' END";

    private static string Timestamp(string text) =>
        $"CASE WHEN {OtherThanDigits(text)} = CASE WHEN {IsLike(text, "____-__-__ __:__:__.___")} THEN '-- ::.' "
        + $"WHEN {IsLike(text, "____-__-__ __:__:__")} THEN '-- ::' END AND {HasPlainDay(text)} "
        + $"AND {Part(text, 12)} <= '23' AND {Part(text, 15)} <= '59' AND {Part(text, 18)} <= '59' "
        + $"THEN true ELSE {text} ~ '{DatePattern}' END";

    // A day that every month of every year has.
    private static string HasPlainDay(string text) =>
        $"{Part(text, 6)} BETWEEN '01' AND '12' AND {Part(text, 9)} BETWEEN '01' AND '28' AND ({text} COLLATE \"C\") >= '0001'";

    private static string IsLike(string text, string shape) => $"({text} COLLATE \"C\") LIKE '{shape}'";

    private static string OtherThanDigits(string text) => $"translate({text}, '0123456789', '')";

    private static string Part(string text, int position) => $"(substr({text}, {Invariant(position)}, 2) COLLATE \"C\")";

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);
}
