using System.Collections;
using System.Management.Automation;

namespace EtlTools.Cmdlets.Parameters;

/// <summary>Reads a status as the database writes it too: partial_success is PartialSuccess.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class StatusWordAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is IEnumerable list and not string
            ? list.Cast<object>().Select(One).ToArray()
            : One(value);
    }

    private static object One(object value)
    {
        var word = value is PSObject wrapped ? wrapped.BaseObject : value;
        return word is string text ? text.Replace("_", "") : word;
    }
}
