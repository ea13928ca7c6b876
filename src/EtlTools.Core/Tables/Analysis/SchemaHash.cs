using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>Tells whether a table's columns and key are as they were.</summary>
internal static class SchemaHash
{
    private const int Length = 16;

    /// <summary>The width in which a client shows integers differs from version to version: it does not count.</summary>
    public static string Of(SourceTable table)
    {
        var columns = table.Columns.Select(column => string.Create(
            CultureInfo.InvariantCulture,
            $"{column.Name}:{(column.DataType is "enum" or "set" ? column.ColumnType : column.DataType)}:{column.IsUnsigned}:{column.Length}:{Digits(column)}:{column.FractionDigits}:{column.IsNullable}"));
        var text = string.Join('\n', [.. columns, .. table.Key.Select(key => $"key:{key}")]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..Length];
    }

    private static string Digits(SourceColumn column) =>
        column.DataType is "decimal" or "bit" ? string.Create(CultureInfo.InvariantCulture, $"{column.Precision},{column.Scale}") : "";
}
