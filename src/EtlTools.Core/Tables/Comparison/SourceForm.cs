using System.Globalization;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>The canonical texts of a source's values, as MySQL and MariaDB compute them. <see cref="CopyForm"/> gives the same.</summary>
internal static class SourceForm
{
    /// <summary>Stands for NULL, and between values. No text of a practice holds these control characters.</summary>
    public const string Null = "'\x1e'";

    public const string Separator = "'\x1f'";

    /// <param name="column">The column.</param>
    /// <param name="kind">As what it is compared.</param>
    /// <param name="info">Tells in which zone timestamps were written into the copy.</param>
    /// <param name="strictDates">Dates such as 2025-02-31 became NULL in the copy.</param>
    /// <param name="isKey">Zero dates of a key stay as they are.</param>
    public static string Expression(SourceColumn column, CanonicalColumn kind, SourceInfo info, bool strictDates, bool isKey)
    {
        var name = SourceSql.Quote(column.Name);
        var value = kind.Kind switch
        {
            // A text of 00042 is a matter of showing.
            CanonicalKind.Integer => column.DataType == "year" || column.ColumnType.Contains("zerofill", StringComparison.OrdinalIgnoreCase) ? $"({name} + 0)" : name,
            CanonicalKind.Double => column.DataType == "float" ? $"({name} + 0e0)" : name,
            CanonicalKind.Decimal when kind.Digits < 0 => $"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {name}))",
            CanonicalKind.Text => Unicode(column),
            CanonicalKind.LongText => $"MD5({Unicode(column)})",
            CanonicalKind.Bytes => $"MD5({name})",
            CanonicalKind.Hex => $"LOWER(HEX({name}))",
            CanonicalKind.Date => DateOrNull(name, name, strictDates, isKey),
            CanonicalKind.Timestamp => DateOrNull(name, Timestamp(column, name, kind.Digits, info), strictDates, isKey),
            CanonicalKind.Time when kind.Digits > 0 => $"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {name}))",
            CanonicalKind.Bits => string.Create(CultureInfo.InvariantCulture, $"LPAD(BIN({name}), {kind.Digits}, '0')"),
            CanonicalKind.Presence => $"IF({name} IS NULL, NULL, '1')",
            _ => name,
        };
        return column.IsNullable && (isKey || !column.IsDate) ? $"IFNULL({value}, {Null})" : value;
    }

    /// <summary>The sum of a column of numbers, as <see cref="CopyForm.Sum"/> gives it.</summary>
    public static string Sum(SourceColumn column, CanonicalColumn kind)
    {
        var name = SourceSql.Quote(column.Name);
        return kind.Kind == CanonicalKind.Double
            ? string.Create(CultureInfo.InvariantCulture, $"SUM(IF(ABS({name}) < {CanonicalColumn.LargestSummed}, CAST(({name} + 0e0) AS DECIMAL(65, {CanonicalColumn.SumDecimals})), NULL))")
            : $"SUM({name} + 0)";
    }

    /// <summary>Texts of one character set have the same bytes on both sides.</summary>
    private static string Unicode(SourceColumn column) =>
        column.CharacterSet is null or "ascii" || column.CharacterSet.StartsWith("utf8", StringComparison.OrdinalIgnoreCase)
            ? SourceSql.Text(column) : $"CONVERT({SourceSql.Text(column)} USING utf8mb4)";

    private static string Timestamp(SourceColumn column, string name, int digits, SourceInfo info)
    {
        var isConverted = column.DataType == "timestamp" && !info.IsUtc;
        var time = isConverted ? $"CONVERT_TZ({name}, '{SourceInfo.SessionTimeZone}', {SourceSql.Literal(info.TimeZone)})" : name;
        var value = digits > 0 ? $"DATE_FORMAT({time}, '%Y-%m-%d %H:%i:%s.%f')" : time;
        return isConverted ? $"IFNULL({value}, {Null})" : value;
    }

    /// <summary>What is NULL itself is no date after the first.</summary>
    private static string DateOrNull(string name, string value, bool strictDates, bool isKey) => (isKey, strictDates) switch
    {
        (true, _) => value,
        (_, true) => $"IF({name} > '0001-01-01' AND MONTH({name}) > 0 AND DAYOFMONTH({name}) BETWEEN 1 AND DAYOFMONTH(LAST_DAY({name})), {value}, {Null})",
        _ => $"IF({name} > '0001-01-01', {value}, {Null})",
    };
}
