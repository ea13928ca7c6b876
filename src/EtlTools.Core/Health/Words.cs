using System.Globalization;

namespace EtlTools.Core.Health;

/// <summary>Numbers in sentences, the same in every culture.</summary>
internal static class Words
{
    /// <summary>1 file, 1,200 files.</summary>
    public static string Count(long number, string noun) => Number(number) + " " + noun + (number == 1 ? "" : "s");

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>12.3 %; what is not nothing does not read as 0.0 %.</summary>
    public static string Percent(double rate) => rate is > 0 and < 0.0005
        ? "< 0.1 %"
        : (rate * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    /// <summary>Roughly: 3 days, 5 hours, 12 minutes.</summary>
    public static string Age(TimeSpan age) => age switch
    {
        { TotalDays: >= 2 } => Count((long)age.TotalDays, "day"),
        { TotalHours: >= 2 } => Count((long)age.TotalHours, "hour"),
        _ => Count((long)Math.Max(0, age.TotalMinutes), "minute"),
    };

    /// <summary>As PowerShell reads it back.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    public static string Of(PipelineFamily family) => family switch
    {
        PipelineFamily.Load => "CSV loads",
        _ => "Raw ingestions",
    };
}
