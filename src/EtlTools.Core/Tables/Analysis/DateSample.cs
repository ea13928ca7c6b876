using System.Globalization;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>What a sample of a table says of one of its date columns.</summary>
/// <param name="Sampled">Rows looked at.</param>
/// <param name="Filled">Values among them that are dates.</param>
/// <param name="TooEarly">Values before the window.</param>
/// <param name="TooLate">Values after it.</param>
/// <param name="Future">Values in it that have yet to come.</param>
/// <param name="IsRecent">Some are of the last days.</param>
internal sealed record DateSample(long Sampled, long Filled, long TooEarly, long TooLate, long Future, bool IsRecent);

/// <summary>Reads samples: a bounded number of rows of a table, in one statement.</summary>
internal static class DateSampler
{
    /// <summary>Of a table at most: half of them the oldest, half the newest, where the key tells which are.</summary>
    public const int SampleRows = 10_000;

    /// <summary>Values of the last days show that a table is in use.</summary>
    private const int RecentDays = 7;

    // Clocks and time zones: what is later is the future anywhere.
    private const int FutureDays = 2;

    public static async Task<IReadOnlyDictionary<string, DateSample>> ReadAsync(
        ISourceSession session, SourceTable table, IReadOnlyList<SourceColumn> columns, DateWindow window, CancellationToken cancellationToken)
    {
        if (columns.Count == 0)
        {
            return new Dictionary<string, DateSample>(StringComparer.Ordinal);
        }

        var rows = await session.QueryAsync(Sql(table, columns, window), table.Name, cancellationToken).ConfigureAwait(false);
        if (rows.Count == 0)
        {
            return columns.ToDictionary(column => column.Name, _ => new DateSample(0, 0, 0, 0, 0, IsRecent: false), StringComparer.Ordinal);
        }

        var row = rows[0];
        var sampled = Number(row[0]);
        return columns.Select((column, i) => (column.Name, Sample: new DateSample(
            sampled, Number(row[1 + (i * 5)]), Number(row[2 + (i * 5)]), Number(row[3 + (i * 5)]), Number(row[4 + (i * 5)]), Number(row[5 + (i * 5)]) > 0)))
            .ToDictionary(pair => pair.Name, pair => pair.Sample, StringComparer.Ordinal);
    }

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);

    private static string Sql(SourceTable table, IReadOnlyList<SourceColumn> columns, DateWindow window)
    {
        var min = SourceSql.Literal(window.Min.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        var max = SourceSql.Literal(window.Max.AddDays(1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        var counts = columns.Select(column => SourceSql.Quote(column.Name)).Select(name => $"""
                IFNULL(SUM({name} > '0001-01-01'), 0), IFNULL(SUM({name} > '0001-01-01' AND {name} < {min}), 0), IFNULL(SUM({name} >= {max}), 0),
                IFNULL(SUM({name} > UTC_TIMESTAMP() + INTERVAL {FutureDays} DAY AND {name} < {max}), 0),
                IFNULL(SUM({name} BETWEEN UTC_TIMESTAMP() - INTERVAL {RecentDays} DAY AND UTC_TIMESTAMP() + INTERVAL {FutureDays} DAY), 0)
            """);

        // Over an empty subquery MariaDB sends one row and says that it found none; a group that is not there is no row either way.
        return $"SELECT COUNT(*),\n{string.Join(",\n", counts)}\nFROM ({Rows(table, columns)}) s GROUP BY NULL";
    }

    private static string Rows(SourceTable table, IReadOnlyList<SourceColumn> columns)
    {
        var select = $"SELECT {SourceSql.List(columns.Select(column => column.Name))} FROM {SourceSql.Quote(table.Name)}";
        if (table.EstimatedRows <= SampleRows || table.Key is not [var key])
        {
            return $"{select} LIMIT {SampleRows}";
        }

        var order = SourceSql.Quote(key);
        return $"({select} ORDER BY {order} LIMIT {SampleRows / 2}) UNION ALL ({select} ORDER BY {order} DESC LIMIT {SampleRows / 2})";
    }
}

/// <summary>Between which days dates can say when a row was changed.</summary>
internal sealed record DateWindow(DateOnly Min, DateOnly Max)
{
    private const int LastYear = 2030;
    private const int YearsAhead = 4;

    public static DateWindow At(DateTimeOffset now) =>
        new(new DateOnly(2000, 1, 1), new DateOnly(Math.Max(LastYear, now.Year + YearsAhead), 12, 31));
}
