using System.Globalization;

namespace EtlTools.Core.Tables.Sources;

/// <summary>Reads information_schema.</summary>
internal static class SourceCatalogue
{
    // So many names cost a server more than all of its tables.
    private const int MostNames = 20;

    /// <summary>Tables by their names; perhaps more than were asked for, where those are many.</summary>
    public static async Task<IReadOnlyDictionary<string, SourceTable>> ReadByNameAsync(
        ISourceSession session, IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        (await ReadAsync(session, names.Count > MostNames ? [] : names, cancellationToken).ConfigureAwait(false))
            .ToDictionary(table => table.Name, StringComparer.Ordinal);

    /// <param name="session">A session of the source.</param>
    /// <param name="names">Only these, compared as the server does; empty: every table of the database.</param>
    /// <param name="cancellationToken">Ends the session.</param>
    public static async Task<IReadOnlyList<SourceTable>> ReadAsync(
        ISourceSession session, IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        const string Target = "information_schema";
        var tables = await session.QueryAsync(SourceCatalogueSql.Tables(names), Target, cancellationToken).ConfigureAwait(false);
        var columns = (await session.QueryAsync(SourceCatalogueSql.Columns(names), Target, cancellationToken).ConfigureAwait(false))
            .ToLookup(row => row[0]!, StringComparer.Ordinal);
        var keys = (await session.QueryAsync(SourceCatalogueSql.UniqueKeys(names), Target, cancellationToken).ConfigureAwait(false))
            .ToLookup(row => row[0]!, StringComparer.Ordinal);
        return tables.Select(row =>
        {
            var name = row[0]!;
            var ofTable = columns[name].Select(ToColumn).ToList();
            var uniqueKeys = UniqueKeysOf(keys[name], ofTable);
            return new SourceTable
            {
                Name = name,
                Engine = row[1] ?? "",
                EstimatedRows = ToNumber(row[2]) ?? 0,
                Bytes = ToNumber(row[3]) ?? 0,
                Columns = ofTable,
                Key = uniqueKeys.FirstOrDefault() ?? [],
                UniqueKeys = uniqueKeys,
            };
        }).ToList();
    }

    /// <summary>Every reference that the source declares: table, column, referenced table.</summary>
    public static async Task<IReadOnlyList<TableReference>> ReadReferencesAsync(ISourceSession session, CancellationToken cancellationToken) =>
        (await session.QueryAsync(SourceCatalogueSql.References, "information_schema", cancellationToken).ConfigureAwait(false))
            .Select(row => new TableReference(row[0]!, row[1]!, row[2]!)).ToList();

    private static SourceColumn ToColumn(string?[] row) => new()
    {
        Name = row[1]!,
        DataType = row[2]!.ToLowerInvariant(),
        ColumnType = row[3]!,
        IsNullable = row[4] == "YES",
        Length = ToNumber(row[5]),
        Precision = (int?)ToNumber(row[6]),
        Scale = (int?)ToNumber(row[7]),
        FractionDigits = (int?)ToNumber(row[8]) ?? 0,
        IsAutoIncrement = row[9]!.Contains("auto_increment", StringComparison.OrdinalIgnoreCase),
        CharacterSet = row[10],
        TracksUpdates = row[9]!.Contains("on update", StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>Those without a column that may be NULL, the primary one first.</summary>
    private static List<IReadOnlyList<string>> UniqueKeysOf(IEnumerable<string?[]> rows, List<SourceColumn> columns) =>
    [
        .. rows.GroupBy(row => row[1]!, row => row[2]!, StringComparer.Ordinal)
            .Where(key => key.All(name => columns.Exists(column => column.Name == name && !column.IsNullable)))
            .OrderBy(key => key.Key == "PRIMARY" ? 0 : 1)
            .Select(IReadOnlyList<string> (key) => [.. key]),
    ];

    // Some are larger than a bigint can be: lengths of longtext, and what a damaged table claims.
    private static long? ToNumber(string? text) =>
        decimal.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out var number)
            ? (long)Math.Min(number, long.MaxValue) : null;
}
