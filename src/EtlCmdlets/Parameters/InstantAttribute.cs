using System.Globalization;
using System.Management.Automation;
using EtlTools.Core;

namespace EtlTools.Cmdlets.Parameters;

/// <summary>
/// Reads a moment: a date (one without a zone is in this computer's zone), or a duration, which means so long ago.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class InstantAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        Argument.ValueOf(inputData) switch
        {
            DateTimeOffset instant => instant,
            DateTime date => new DateTimeOffset(date),
            TimeSpan ago => DateTimeOffset.Now - ago,
            // Before the dates: .NET reads 7d as seven o'clock.
            string text when Duration.Read(text) is { } ago => DateTimeOffset.Now - ago,
            string text when DateTimeOffset.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var instant) => instant,
            _ => throw new ArgumentTransformationMetadataException(
                "A moment is a date (2026-01-31 08:00, with or without a zone) or a time ago (7d, 24h)."),
        };
}
