using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Dapper;
using EtlTools.Core.Staging;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Staging;

/// <summary>
/// The checks of staging against a reference without SQL, over texts that are right or nearly so; and what passes must cast.
/// </summary>
public sealed class TypeCheckTests
{
    private const int TextsPerType = 6000;

    private static readonly string[] Dates =
    [
        "2025-08-18", "2024-02-29", "2023-02-29", "2000-02-29", "1900-02-29", "2025-12-31", "2025-04-31", "0001-01-01",
        "0000-01-01", "9999-12-31", "2025-13-01", "2025-00-10", "2025-01-00", "2025-1-1", "20250818", "18/08/2025",
        "2025-08-18 10:44:00.000", "2025-08-18 23:59:59", "2025-08-18 24:00:00", "2025-08-18T10:44:00", "2025-08-18 10:44",
        "2025-08-18 10:60:00", "2025-08-18 10:44:60.000", "2025-08-18 10:44:00.", "2025-08-18 10:44:00.1234567890",
        "2025-08-18 10:44:00Z", "2025-08-18 10:44:00.5 +12:00", "2025-08-18 10:44:00-0330", "2025-08-18 10:44:00+16",
        "2025-08-31 00:00:00.000", "2024-02-29 00:00:00.000", "2025-02-29 00:00:00.000", "today", "infinity", "٢٠٢٥-08-18",
    ];

    private static readonly string[] Numbers =
    [
        "0", "7", "007", "-1", "+1", "--1", "+", "-", ".", "1.", ".5", "-.5", "1.5", "12345.67", "99999999.99", "99999999.995",
        "100000000", "123456789012", "32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648",
        "9223372036854775807", "9223372036854775808", "999999999", "1e5", "1E-5", "1e", "1e+99", "1e100", "0x1F", "1_000", "1,5", "NaN",
        "Infinity", "1 2", "٣", new string('9', 60), new string('9', 61), new string('9', 300), "0." + new string('1', 300),
    ];

    private static readonly string[] Uuids = ["7d444840-9dc0-11d1-b245-5ffdce74fad2", "7D444840-9DC0-11D1-B245-5FFDCE74FAD2", "7d4448409dc011d1b2455ffdce74fad2"];

    public static TheoryData<string> Types =>
    [
        "smallint", "integer", "bigint", "numeric", "numeric(10,2)", "numeric(3,3)", "numeric(5,0)", "real", "double precision",
        "date", "timestamp without time zone", "timestamp with time zone", "uuid",
    ];

    [PostgresTheory]
    [MemberData(nameof(Types))]
    public async Task A_check_says_what_the_reference_says_and_what_passes_casts(string type)
    {
        var column = Column(type);
        var texts = Texts(column.BaseType).Distinct(StringComparer.Ordinal).ToArray();
        var sql = new ColumnSql(column, "t", "Pacific/Auckland");
        var check = TypeCheckSql.Of(column, "t.\"c\"");

        await using var database = await PostgresDatabase.CreateAsync();
        var verdicts = await database.QueryAsync<bool>(
            $"SELECT {check} FROM unnest(@texts) WITH ORDINALITY AS t(c, place) ORDER BY place", new { texts });
        var wrong = texts.Zip(verdicts).Where(pair => pair.Second != IsValid(column, pair.First)).Select(pair => pair.First).ToList();
        Assert.True(wrong.Count == 0, $"{type}: {string.Join(" | ", wrong.Take(10))}");
        Assert.Contains(true, verdicts);
        Assert.Contains(false, verdicts);

        // Fails as a whole where one cannot be cast.
        var good = texts.Zip(verdicts).Where(pair => pair.Second).Select(pair => pair.First).ToArray();
        Assert.Equal(good.Length, await database.ScalarAsync<long>(
            $"SELECT count({sql.Value}) FROM unnest(@good) AS t(c)", new { good }));
        Assert.NotEqual(true, await database.ScalarAsync<bool?>($"SELECT {check} FROM (SELECT NULL::text AS c) t"));
    }

    private static StagingColumn Column(string type)
    {
        var scale = Regex.Match(type, @"\((\d+),(\d+)\)");
        var baseType = scale.Success ? "numeric" : type switch
        {
            "smallint" => "int2",
            "integer" => "int4",
            "bigint" => "int8",
            "real" => "float4",
            "double precision" => "float8",
            "timestamp without time zone" => "timestamp",
            "timestamp with time zone" => "timestamptz",
            _ => type,
        };
        int? Part(int group) => scale.Success ? int.Parse(scale.Groups[group].ValueSpan, CultureInfo.InvariantCulture) : null;
        return new StagingColumn("c", type, baseType, null, Part(1), Part(2), NotNull: false, Rule: null);
    }

    /// <summary>The known ones, and each of them with up to three characters changed, put in or left out.</summary>
    private static IEnumerable<string> Texts(string baseType)
    {
        var (known, letters) = baseType switch
        {
            "date" or "timestamp" or "timestamptz" => (Dates, "0123456789-: .T+Z"),
            "uuid" => (Uuids, "0189abfAFg-"),
            _ => (Numbers, "0123456789.+-e"),
        };
        var random = new Random(20250818);
        for (var number = 0; number < TextsPerType; number++)
        {
            var text = known[number % known.Length];
            for (var changes = number < known.Length ? 0 : random.Next(1, 4); changes > 0; changes--)
            {
                var place = random.Next(text.Length + 1);
                var letter = random.Next(3) == 0 ? "" : letters[random.Next(letters.Length)].ToString();
                text = text[..place] + letter + text[Math.Min(text.Length, place + random.Next(2))..];
            }

            // Staging trims first, and takes nothing for NULL.
            text = text.Trim();
            if (text.Length > 0)
            {
                yield return text;
            }
        }
    }

    private static bool IsValid(StagingColumn column, string text) => column.BaseType switch
    {
        "int2" => IsInteger(text, short.MinValue, short.MaxValue),
        "int4" => IsInteger(text, int.MinValue, int.MaxValue),
        "int8" => IsInteger(text, long.MinValue, long.MaxValue),
        "numeric" => IsNumber(text) && text.Length <= 400 && (column.Precision is not { } precision || Fits(text, precision, column.Scale ?? 0)),
        "float4" => IsFloat(text) && Math.Abs(Double(text)) is 0 or (> 1e-37 and < 3.4e38),
        "float8" => IsFloat(text),
        "uuid" => text.Count(letter => letter == '-') == 4 && Guid.TryParseExact(text, "D", out _),
        _ => IsDate(text),
    };

    private static bool IsInteger(string text, BigInteger least, BigInteger most) =>
        text.Length <= 60 && Regex.IsMatch(text, @"\A[+-]?[0-9]+\z")
        && BigInteger.Parse(text, CultureInfo.InvariantCulture) is var number && number >= least && number <= most;

    private static bool IsNumber(string text) => Regex.IsMatch(text, @"\A[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\z");

    private static bool IsFloat(string text) =>
        text.Length <= 100 && Regex.IsMatch(text, @"\A[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?\z");

    private static double Double(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    // Rounded half away from zero to the scale, has it at most precision digits?
    private static bool Fits(string text, int precision, int scale)
    {
        var parts = text.TrimStart('+', '-').Split('.');
        var fraction = (parts.Length > 1 ? parts[1] : "").PadRight(scale + 1, '0');
        var digits = BigInteger.Parse("0" + parts[0] + fraction[..scale], CultureInfo.InvariantCulture);
        return digits + (fraction[scale] >= '5' ? 1 : 0) < BigInteger.Pow(10, precision);
    }

    private static bool IsDate(string text)
    {
        var match = Regex.Match(
            text,
            @"\A([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(?: ?(?:[Zz]|[+-]([0-9]{2})(?::?([0-9]{2}))?))?)?\z");
        int Part(int group) => match.Groups[group].Success ? int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture) : 0;
        return match.Success && Part(1) >= 1 && Part(2) is >= 1 and <= 12
            && Part(3) >= 1 && Part(3) <= DateTime.DaysInMonth(Part(1), Part(2))
            && Part(4) <= 23 && Part(5) <= 59 && Part(6) <= 59 && Part(7) <= 15 && Part(8) <= 59;
    }
}
