using System.Globalization;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Mapping;

/// <summary>A column of the source and its way into the copy.</summary>
internal sealed record ColumnMapping
{
    public required SourceColumn Source { get; init; }

    /// <summary>The same as in the source.</summary>
    public string Name => Source.Name;

    /// <summary>The type that holds every value of the source.</summary>
    public required string Type { get; init; }

    public bool IsKey { get; init; }

    public static ColumnMapping Of(SourceColumn column, bool isKey, bool isBoolean) =>
        new() { Source = column, Type = TypeMap.TypeOf(column, isBoolean), IsKey = isKey };

    /// <summary>The SELECT expression whose text COPY reads.</summary>
    /// <param name="source">Tells in which zone timestamps are to be written.</param>
    /// <param name="strictDates">Also dates such as 2025-00-10 and 2025-02-31 become NULL. That costs time, and few sources have them.</param>
    public string Expression(SourceInfo source, bool strictDates)
    {
        var name = SourceSql.Quote(Source.Name);
        if (Source.IsDate)
        {
            return DateExpression(name, source, strictDates);
        }

        return Source.DataType switch
        {
            // As it is, a float is written with six digits.
            "float" => Marked($"{name} + 0e0"),
            "bit" => Marked(string.Create(CultureInfo.InvariantCulture, $"LPAD(BIN({name}), {Source.Precision ?? 64}, '0')")),
            _ when TypeMap.IsBytes(Source) => $"IFNULL(CONCAT('\\\\x', HEX({name})), {SourceSql.NullMark})",
            _ when Source.IsInteger || Source.DataType is "decimal" or "double" or "year" => Marked(name),

            // Whatever the catalogue said when it was read: a NULL must not become the text 'NULL'.
            _ => $"IFNULL({SourceSql.Text(Source)}, {SourceSql.NullMark})",
        };
    }

    /// <summary>A zero date is one that says that there is none: 0000-00-00, and 0001-01-01 at midnight.</summary>
    public string? IsZeroDate => Source.IsDate && !IsKey ? $"{SourceSql.Quote(Source.Name)} <= '0001-01-01'" : null;

    private string DateExpression(string name, SourceInfo source, bool strictDates)
    {
        var value = Source.DataType == "timestamp" && !source.IsUtc
            ? $"CONVERT_TZ({name}, '{SourceInfo.SessionTimeZone}', {SourceSql.Literal(source.TimeZone)})" : name;
        if (IsKey)
        {
            return value;
        }

        var isDate = strictDates
            ? $"{name} > '0001-01-01' AND MONTH({name}) > 0 AND DAYOFMONTH({name}) BETWEEN 1 AND DAYOFMONTH(LAST_DAY({name}))"
            : $"{name} > '0001-01-01'";
        return $"IF({isDate}, {value}, {SourceSql.NullMark})";
    }

    private string Marked(string expression) => Source.IsNullable ? $"IFNULL({expression}, {SourceSql.NullMark})" : expression;
}
