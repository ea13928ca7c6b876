using System.Globalization;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>The highest values among rows that were read, as text in the copy's form.</summary>
internal static class Watermarks
{
    /// <param name="connection">Where the rows are.</param>
    /// <param name="rows">The table with the rows that were read, or the copy where all of it was.</param>
    /// <param name="columns">Incremental columns.</param>
    /// <param name="config">Dates outside its window tell nothing.</param>
    /// <param name="now">The source's clock before the rows were read: what is later is the future, and tells nothing either.</param>
    /// <param name="before">What was known before.</param>
    /// <param name="cancellationToken">Stops the statement.</param>
    public static async Task<IReadOnlyDictionary<string, string>> ReadAsync(
        NpgsqlConnection connection,
        string rows,
        IReadOnlyList<SourceColumn> columns,
        TableConfig config,
        string now,
        IReadOnlyDictionary<string, string> before,
        CancellationToken cancellationToken) =>
        columns.Count == 0
            ? before
            : (await ReadWithCountsAsync(connection, rows, [], columns, config, now, before, cancellationToken).ConfigureAwait(false)).Watermarks;

    /// <summary>The same in one pass with counts of the rows, which are given as aggregates.</summary>
    public static async Task<(IReadOnlyDictionary<string, string> Watermarks, IReadOnlyList<long> Counts)> ReadWithCountsAsync(
        NpgsqlConnection connection,
        string rows,
        IReadOnlyList<string> counts,
        IReadOnlyList<SourceColumn> columns,
        TableConfig config,
        string now,
        IReadOnlyDictionary<string, string> before,
        CancellationToken cancellationToken)
    {
        var parameters = new DynamicParameters();
        parameters.Add("min", config.MinDate.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        parameters.Add("max", config.MaxDate?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        parameters.Add("now", now);
        var expressions = columns.Select((column, i) =>
        {
            parameters.Add($"w{i}", before.GetValueOrDefault(column.Name));
            return $"{Highest(column, $"w{i}")} AS c{i}";
        });
        var row = (IDictionary<string, object?>)await connection.QuerySingleAsync(new CommandDefinition(
            $"SELECT {string.Join(", ", counts.Select((count, i) => $"({count})::bigint AS n{i}").Concat(expressions))} FROM {rows}",
            parameters,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        var watermarks = columns.Count == 0 ? before : columns
            .Select((column, i) => (column.Name, Value: (string?)row[$"c{i}"]))
            .Where(pair => pair.Value is not null)
            .ToDictionary(pair => pair.Name, pair => pair.Value!, StringComparer.Ordinal);
        return (watermarks, [.. counts.Select((_, i) => (long)row[$"n{i}"]!)]);
    }

    public static async Task<string?> ReadLastKeyAsync(
        NpgsqlConnection connection, string rows, SourceColumn? key, string? before, CancellationToken cancellationToken) =>
        key is null ? null : await connection.QuerySingleAsync<string?>(new CommandDefinition(
            $"SELECT greatest(max({SqlIdentifier.Quote(key.Name)})::numeric, @before::numeric)::text FROM {rows}",
            new { before },
            cancellationToken: cancellationToken)).ConfigureAwait(false);

    /// <summary>Of each column the higher value of two readings.</summary>
    public static IReadOnlyDictionary<string, string> Highest(
        IReadOnlyList<SourceColumn> columns, IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        columns.Count == 0 ? one : columns
            .Select(column => (column.Name, Value: Higher(column, one.GetValueOrDefault(column.Name), other.GetValueOrDefault(column.Name))))
            .Where(pair => pair.Value is not null)
            .ToDictionary(pair => pair.Name, pair => pair.Value!, StringComparer.Ordinal);

    /// <summary>The higher of two values as they were read; null is lower than all.</summary>
    public static string? Higher(SourceColumn column, string? one, string? other)
    {
        if (one is null || other is null)
        {
            return one ?? other;
        }

        var isHigher = column.IsDate
            ? string.CompareOrdinal(one, other) > 0
            : decimal.Parse(one, CultureInfo.InvariantCulture) > decimal.Parse(other, CultureInfo.InvariantCulture);
        return isHigher ? one : other;
    }

    private static string Highest(SourceColumn column, string before)
    {
        var name = SqlIdentifier.Quote(column.Name);
        if (!column.IsDate)
        {
            return $"greatest(max({name})::numeric, @{before}::numeric)::text";
        }

        // As subqueries, texts become dates once and not for every row.
        return $"""
            greatest(
                max({name}) FILTER (WHERE {name} BETWEEN (SELECT @min::timestamp) AND (SELECT least(@now::timestamp, @max::timestamp)))::timestamp,
                @{before}::timestamp)::text
            """;
    }
}
