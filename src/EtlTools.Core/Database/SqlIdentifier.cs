using System.Text;

namespace EtlTools.Core.Database;

/// <summary>The one way from a name to SQL text: names are always quoted, values are always parameters.</summary>
internal static class SqlIdentifier
{
    /// <summary>PostgreSQL cuts longer names off without an error, and two names could become one.</summary>
    public const int MaxBytes = 63;

    /// <exception cref="EtlException">IdentifierInvalid.</exception>
    public static string Quote(string name)
    {
        if (FindFault(name) is { } fault)
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "IdentifierInvalid",
                $"A table or column name {fault}.",
                name,
                $"Give every table and column a name of 1 to {MaxBytes} bytes.");
        }

        return $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>"schema"."table".</summary>
    public static string Qualify(string schema, string name) => $"{Quote(schema)}.{Quote(name)}";

    /// <summary>"a", "b", "c".</summary>
    public static string List(IEnumerable<string> names) => string.Join(", ", names.Select(Quote));

    /// <summary>What keeps a name from being an identifier, as the end of a sentence; null where nothing does.</summary>
    public static string? FindFault(string name) => name switch
    {
        "" => "is empty",
        _ when name.Contains('\0', StringComparison.Ordinal) => "holds a NUL character",
        _ when Encoding.UTF8.GetByteCount(name) > MaxBytes => $"is longer than {MaxBytes} bytes",
        _ => null,
    };
}
