namespace EtlTools.Core.Database;

/// <summary>
/// Text of a pipeline file inside a generated expression, where a parameter cannot stand (an index's expression, a rule).
/// Values of rows never come this way.
/// </summary>
internal static class SqlLiteral
{
    public static string Text(string value) =>
        value.Contains('\\', StringComparison.Ordinal)
            ? $"E'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'"
            : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
}
