using System.Globalization;

namespace EtlTools.Core.Health;

/// <summary>Numbers in sentences, the same in every culture.</summary>
internal static class Words
{
    /// <summary>1 file, 1,200 files.</summary>
    public static string Count(long number, string noun) => Number(number) + " " + noun + (number == 1 ? "" : "s");

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Five characters at most, up to a billion: 950, 9,500, 95.0k, 950k, 9.5M.</summary>
    public static string Short(long number) => number switch
    {
        < 10_000 => Number(number),
        < 100_000 => Scaled(number, 1_000, 1, "k"),
        < 1_000_000 => Scaled(number, 1_000, 0, "k"),
        < 100_000_000 => Scaled(number, 1_000_000, 1, "M"),
        _ => Scaled(number, 1_000_000, 0, "M"),
    };

    /// <summary>12.3%; what is not nothing does not read as 0.0%.</summary>
    public static string Percent(double rate) => rate is > 0 and < 0.0005
        ? "< 0.1%"
        : (rate * 100).ToString("0.0", CultureInfo.InvariantCulture) + "%";

    private static string Scaled(long number, decimal unit, int digits, string suffix) =>
        Math.Round(number / unit, digits, MidpointRounding.ToZero).ToString($"F{digits}", CultureInfo.InvariantCulture) + suffix;

    /// <summary>Roughly: 3 days, 5 hours, 12 minutes.</summary>
    public static string Age(TimeSpan age) => age switch
    {
        { TotalDays: >= 2 } => Count((long)age.TotalDays, "day"),
        { TotalHours: >= 2 } => Count((long)age.TotalHours, "hour"),
        _ => Count((long)Math.Max(0, age.TotalMinutes), "minute"),
    };

    public static string Sentence(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>As PowerShell reads it back.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    public static string Of(PipelineFamily family) => family switch
    {
        PipelineFamily.Load => "CSV loads",
        PipelineFamily.Table => "Table syncs",
        _ => "Raw ingestions",
    };

    /// <summary>As it is said of tables.</summary>
    public static string Of(FindingKind kind) => kind switch
    {
        FindingKind.Failing => "failing",
        FindingKind.Overdue => "overdue",
        FindingKind.BelowThreshold => "below the threshold",
        FindingKind.Slow => "slow",
        _ => "drifted",
    };
}
