using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace EtlTools.Cmdlets.Parameters;

/// <summary>Reads 30d, 24h, 90m, 45s, 1d12h and TimeSpan's own form; a bare number is hours.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DurationAttribute : ArgumentTransformationAttribute
{
    private static readonly Regex UnitForm = new(
        @"^\s*(?:(?<d>\d+(?:\.\d+)?)\s*d)?\s*(?:(?<h>\d+(?:\.\d+)?)\s*h)?\s*(?:(?<m>\d+(?:\.\d+)?)\s*m)?\s*(?:(?<s>\d+(?:\.\d+)?)\s*s)?\s*$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var duration = Argument.ValueOf(inputData) switch
        {
            TimeSpan span => span,
            string text => ReadShort(text)
                ?? (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span : null),
            _ => null,
        };
        return duration is { } value && value >= TimeSpan.Zero
            ? value
            : throw new ArgumentTransformationMetadataException(
                "A duration is a number with a unit (30d, 24h, 90m, 45s, 1d12h), a TimeSpan (1.12:00:00), or a bare number of hours.");
    }

    /// <summary>A text with units, or a bare number of hours; null for anything else.</summary>
    internal static TimeSpan? ReadShort(string text)
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
        catch (OverflowException)
        {
            return null;
        }
    }

    private static double Part(Match match, string unit) =>
        match.Groups[unit].Success ? double.Parse(match.Groups[unit].ValueSpan, CultureInfo.InvariantCulture) : 0;
}
