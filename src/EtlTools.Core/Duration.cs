using System.Globalization;
using System.Text.RegularExpressions;

namespace EtlTools.Core;

/// <summary>Durations as admins write them: 30d, 24h, 90m, 45s, 1d12h; a bare number is hours.</summary>
public static class Duration
{
    private static readonly Regex UnitForm = new(
        @"^\s*(?:(?<d>\d+(?:\.\d+)?)\s*d)?\s*(?:(?<h>\d+(?:\.\d+)?)\s*h)?\s*(?:(?<m>\d+(?:\.\d+)?)\s*m)?\s*(?:(?<s>\d+(?:\.\d+)?)\s*s)?\s*$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    /// <summary>A text with units, or a bare number of hours, which may be negative; null for anything else.</summary>
    public static TimeSpan? Read(string text)
    {
        try
        {
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var hours))
            {
                return TimeSpan.FromHours(hours);
            }

            var match = UnitForm.Match(text);
            return match.Success && text.Any(char.IsDigit)
                ? TimeSpan.FromDays(Part(match, "d")) + TimeSpan.FromHours(Part(match, "h"))
                    + TimeSpan.FromMinutes(Part(match, "m")) + TimeSpan.FromSeconds(Part(match, "s"))
                : null;
        }
        catch (Exception error) when (error is OverflowException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The same form back: 24h, 7d, 1d12h, 90m. Parts of a second are left out.</summary>
    public static string Write(TimeSpan duration)
    {
        var seconds = (long)duration.TotalSeconds;
        if (seconds is > 0 and <= 72 * 3600 && seconds % 3600 == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}h");
        }

        (long Size, string Unit)[] units = [(86400, "d"), (3600, "h"), (60, "m"), (1, "s")];
        var text = "";
        foreach (var (size, unit) in units)
        {
            if (seconds / size is var count and > 0)
            {
                text += string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
                seconds %= size;
            }
        }

        return text.Length == 0 ? "0h" : text;
    }

    private static double Part(Match match, string unit) =>
        match.Groups[unit].Success ? double.Parse(match.Groups[unit].ValueSpan, CultureInfo.InvariantCulture) : 0;
}
