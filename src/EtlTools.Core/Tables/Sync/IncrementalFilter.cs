using System.Globalization;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Core.Tables.Sync;

/// <summary>
/// The condition on the source for rows that may have changed: those at or after the watermark of their columns, those whose
/// columns tell nothing, those with a higher key than any that was read, and those of the look-back window. What is read once
/// too often is found unchanged and not touched.
/// </summary>
internal sealed class IncrementalFilter(TableConfig config, SourceTable table, SourceInfo source, TimeSpan overlap)
{
    /// <summary>Where a zone has summer time, the same hour comes twice a year.</summary>
    private static readonly TimeSpan SummerTime = TimeSpan.FromHours(1);

    private readonly string _minDate = config.MinDate.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The columns that decide.</summary>
    public IReadOnlyList<SourceColumn> Columns { get; } = [.. Deciding(config).Select(name => table.Find(name)!)];

    /// <summary>The one column of a key that is a whole number: rows with a higher one are new, whatever their dates say.</summary>
    public static SourceColumn? NumberKey(SourceTable table, IReadOnlyList<string> key) =>
        key.Count == 1 && table.Find(key[0]) is { IsInteger: true } column ? column : null;

    public string Condition(TableState state, SourceColumn? numberKey)
    {
        List<string> any = config.IncrementalLogic == IncrementalLogic.And
            ? [string.Join(" AND ", Columns.Select(column => $"({Fresh(column, state)} OR {Dull(column)})"))]
            : [.. Columns.Select(column => Fresh(column, state)), string.Join(" AND ", Columns.Select(column => $"({Dull(column)})"))];
        if (numberKey is not null && state.LastKey is { } last)
        {
            any.Add($"{SourceSql.Quote(numberKey.Name)} > {SourceSql.Literal(last)}");
        }

        if (config.Lookback is { } lookback)
        {
            any.AddRange(lookback.Columns.Select(name =>
                $"{SourceSql.Quote(table.Find(name)!.Name)} >= UTC_DATE() - INTERVAL {SourceSql.Number(lookback.Days)} DAY"));
        }

        return string.Join(" OR ", any.Select(one => $"({one})"));
    }

    private static IEnumerable<string> Deciding(TableConfig config) => (config.Strategy, config.IncrementalLogic) switch
    {
        (SyncStrategy.FullTable, _) => [],
        (_, IncrementalLogic.SingleColumn) => config.IncrementalColumns.Take(1),
        _ => config.IncrementalColumns,
    };

    /// <summary>Rows after a key, in its order.</summary>
    public static string After(IReadOnlyList<string> key, IReadOnlyList<string> values)
    {
        // (a > 1 OR (a = 1 AND b > 2)): MySQL finds its way by an index in this form, not by a comparison of rows.
        var condition = "";
        for (var i = key.Count - 1; i >= 0; i--)
        {
            var (name, value) = (SourceSql.Quote(key[i]), SourceSql.Literal(values[i]));
            condition = condition.Length == 0 ? $"{name} > {value}" : $"({name} > {value} OR ({name} = {value} AND {condition}))";
        }

        return condition;
    }

    private string Fresh(SourceColumn column, TableState state)
    {
        var name = SourceSql.Quote(column.Name);
        if (!state.Watermarks.TryGetValue(column.Name, out var watermark))
        {
            return column.IsDate ? $"{name} >= '{_minDate}'" : $"{name} IS NOT NULL";
        }

        var literal = SourceSql.Literal(watermark);
        if (!column.IsDate)
        {
            return $"{name} >= {literal}";
        }

        var seconds = SourceSql.Number((long)Math.Ceiling((overlap + (source.IsUtc ? TimeSpan.Zero : SummerTime)).TotalSeconds));
        var value = column.DataType == "timestamp" && !source.IsUtc
            ? $"CONVERT_TZ({literal}, {SourceSql.Literal(source.TimeZone)}, '{SourceInfo.SessionTimeZone}')" : literal;
        return column.DataType == "date" ? $"{name} >= DATE({value} - INTERVAL {seconds} SECOND)" : $"{name} >= {value} - INTERVAL {seconds} SECOND";
    }

    /// <summary>It tells nothing about when the row was changed.</summary>
    private string Dull(SourceColumn column)
    {
        var name = SourceSql.Quote(column.Name);
        return (column.IsNullable, column.IsDate) switch
        {
            (true, true) => $"{name} IS NULL OR {name} < '{_minDate}'",
            (false, true) => $"{name} < '{_minDate}'",
            _ => $"{name} IS NULL",
        };
    }
}
