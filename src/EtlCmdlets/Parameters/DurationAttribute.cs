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

    /// <summary>The duration that a value means; null where it means none.</summary>
    public static TimeSpan? Read(object? value)
    {
        try
        {
            return value switch
            {
                TimeSpan span => span,
                int or long or double or decimal => TimeSpan.FromHours(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
                string text => Read(text),
                _ => null,
            };
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return Read(value) is { } duration && duration >= TimeSpan.Zero
            ? duration
            : throw new ArgumentTransformationMetadataException(
                "A duration is a number with a unit (30d, 24h, 90m, 45s, 1d12h), a TimeSpan (1.12:00:00), or a bare number of hours.");
    }

    private static TimeSpan? Read(string text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var hours))
        {
            return TimeSpan.FromHours(hours);
        }

        var match = UnitForm.Match(text);
        if (match.Success && text.Any(char.IsDigit))
        {
            return TimeSpan.FromDays(Part("d")) + TimeSpan.FromHours(Part("h"))
                + TimeSpan.FromMinutes(Part("m")) + TimeSpan.FromSeconds(Part("s"));
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span : null;

        double Part(string unit) =>
            match.Groups[unit].Success ? double.Parse(match.Groups[unit].ValueSpan, CultureInfo.InvariantCulture) : 0;
    }
}
