using System.Globalization;
using System.Management.Automation;
using EtlTools.Core;

namespace EtlTools.Cmdlets.Parameters;

/// <summary>Reads 30d, 24h, 90m, 45s, 1d12h and TimeSpan's own form; a bare number is hours.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DurationAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var duration = Argument.ValueOf(inputData) switch
        {
            TimeSpan span => span,
            string text => Duration.Read(text)
                ?? (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span : null),
            _ => null,
        };
        return duration is { } value && value >= TimeSpan.Zero
            ? value
            : throw new ArgumentTransformationMetadataException(
                "A duration is a number with a unit (30d, 24h, 90m, 45s, 1d12h), a TimeSpan (1.12:00:00), or a bare number of hours; at most 10,675,199 days.");
    }
}
