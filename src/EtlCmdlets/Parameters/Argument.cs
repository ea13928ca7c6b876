using System.Management.Automation;

namespace EtlTools.Cmdlets.Parameters;

internal static class Argument
{
    /// <summary>
    /// The argument without PowerShell's wrapping; numbers as the text that was typed. PowerShell reads 7d and 45s as the
    /// numbers 7 and 45 (d for decimal, s for short) and keeps the text beside them.
    /// </summary>
    public static object? ValueOf(object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is IConvertible and not (string or DateTime or bool) ? LanguagePrimitives.ConvertTo<string>(inputData) : value;
    }
}
