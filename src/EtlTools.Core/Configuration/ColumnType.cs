using System.Text.RegularExpressions;

namespace EtlTools.Core.Configuration;

/// <summary>
/// The staging types a column can have. They go into CREATE TABLE as they stand, so that only these are taken.
/// </summary>
internal static class ColumnType
{
    public const string Expectation =
        "text, varchar(n), char(n), smallint, integer, bigint, numeric, numeric(p,s), real, double precision, boolean, date, time, "
        + "timestamp, timestamp with time zone, interval, uuid, json, jsonb or inet";

    private static readonly string[] Plain =
    [
        "text", "smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean", "date", "time", "time without time zone",
        "timestamp with time zone", "timestamp without time zone", "interval", "uuid", "json", "jsonb", "inet",
    ];

    private static readonly Dictionary<string, string> Synonyms = new(StringComparer.Ordinal)
    {
        ["int"] = "integer",
        ["int2"] = "smallint",
        ["int4"] = "integer",
        ["int8"] = "bigint",
        ["bool"] = "boolean",
        ["float"] = "double precision",
        ["float4"] = "real",
        ["float8"] = "double precision",
        ["decimal"] = "numeric",
        ["string"] = "text",
        ["timestamp"] = "timestamp without time zone",
        ["timestamptz"] = "timestamp with time zone",
        ["datetime"] = "timestamp without time zone",
    };

    private static readonly Regex WithLength =
        new(@"^(?<name>varchar|character varying|char|character) ?\( ?(?<length>[1-9][0-9]{0,6}) ?\)$", RegexOptions.CultureInvariant);

    private static readonly Regex WithPrecision =
        new(@"^(?:numeric|decimal) ?\( ?(?<precision>[1-9][0-9]{0,3}) ?(?:, ?(?<scale>[0-9]{1,3}) ?)?\)$", RegexOptions.CultureInvariant);

    private static readonly Regex Spaces = new(@"\s+", RegexOptions.CultureInvariant);

    /// <summary>The type as PostgreSQL writes it; null where it is not one of ours.</summary>
    public static string? Normalise(string type)
    {
        var name = Spaces.Replace(type.Trim().ToLowerInvariant(), " ");
        name = Synonyms.GetValueOrDefault(name, name);
        if (Plain.Contains(name))
        {
            return name;
        }

        if (WithLength.Match(name) is { Success: true } text)
        {
            var kind = text.Groups["name"].Value.StartsWith("char", StringComparison.Ordinal) && !text.Groups["name"].Value.EndsWith("varying", StringComparison.Ordinal)
                ? "character"
                : "character varying";
            return $"{kind}({text.Groups["length"].Value})";
        }

        if (WithPrecision.Match(name) is { Success: true } number)
        {
            var precision = int.Parse(number.Groups["precision"].Value, System.Globalization.CultureInfo.InvariantCulture);
            var scale = number.Groups["scale"].Success
                ? int.Parse(number.Groups["scale"].Value, System.Globalization.CultureInfo.InvariantCulture)
                : 0;
            return precision <= 1000 && scale <= precision ? $"numeric({precision},{scale})" : null;
        }

        return null;
    }

    public static string? Suggest(string type) => Nearest.Find(type, Plain.Concat(Synonyms.Keys));

    public static bool IsNumber(string type) =>
        type is "smallint" or "integer" or "bigint" or "real" or "double precision" || type.StartsWith("numeric", StringComparison.Ordinal);

    public static bool IsDate(string type) => type == "date" || type.StartsWith("timestamp", StringComparison.Ordinal);
}
