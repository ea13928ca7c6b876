using System.Globalization;
using System.Management.Automation;

namespace EtlTools.Cmdlets.Parameters;

/// <summary>Reads a share of rows, 0 to 1: 0.05 or 5%.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RateAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var text = (Argument.ValueOf(inputData) as string ?? "").TrimEnd();
        var isNumber = double.TryParse(text.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out var number);
        var rate = text.EndsWith('%') ? number / 100 : number;
        return isNumber && rate is >= 0 and <= 1
            ? rate
            : throw new ArgumentTransformationMetadataException("A rate is a share from 0 to 1, or a percentage: 0.05 or 5%.");
    }
}
