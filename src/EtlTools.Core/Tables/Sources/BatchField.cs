using System.Text;

namespace EtlTools.Core.Tables.Sources;

/// <summary>A field as the client's batch mode writes it, which is as COPY reads it.</summary>
internal static class BatchField
{
    /// <returns>Null for <see cref="SourceSql.CopyNull"/>.</returns>
    public static string? Unescape(string field)
    {
        if (field == SourceSql.CopyNull)
        {
            return null;
        }

        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        var text = new StringBuilder(field.Length);
        for (var i = 0; i < field.Length; i++)
        {
            text.Append(field[i] != '\\' || i == field.Length - 1 ? field[i] : field[++i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', '0' => '\0', var other => other });
        }

        return text.ToString();
    }
}
