using EtlTools.Core.Database;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>
/// Joins of staged metrics with their table by key, in which NULL equals NULL. The time is compared by equality, so that the
/// join stays one by hash or merge; the parts that may be NULL are conditions on top.
/// </summary>
internal static class KeySql
{
    /// <summary>Columns of the key, quoted and after an alias.</summary>
    public static string List(MetricTable table, string alias) => string.Join(", ", table.Key.Select(column => $"{alias}.{Quote(column)}"));

    /// <summary>The row of the table (alias t) has the key of the staged one (alias m), user apart.</summary>
    public static string Match(MetricTable table, string staged = "m") => string.Join(
        " AND ",
        table.Key.Select(column => column switch
        {
            // It is stored with its default where a payload has none.
            { IsNotNull: true, DefaultSql: { } value } => $"t.{Quote(column)} = coalesce({staged}.{Quote(column)}, {value})",
            _ when column.IsNotNull || column.Name == table.Time?.Name => $"t.{Quote(column)} = {staged}.{Quote(column)}",
            _ => $"t.{Quote(column)} IS NOT DISTINCT FROM {staged}.{Quote(column)}",
        }));

    /// <summary>Only rows of the table (alias t) in the span @from to @to: what an index by user and time gives.</summary>
    public static string Span(MetricTable table) => table.Time is { } time
        ? $"t.{Quote(time)} BETWEEN {Moment("@from", time)} AND {Moment("@to", time)}"
        : "true";

    /// <summary>
    /// Only rows of the table (alias t) that are of a user and in the span of this user: those that an index by user and time
    /// gives. @users, @froms and @tos go together; with many users it is one span for all, @from to @to.
    /// </summary>
    public static string SpansOfUsers(MetricTable table, int users)
    {
        const int MostSpans = 64;
        return table.Time is { } time && users <= MostSpans
            ? "(" + string.Join(" OR ", Enumerable.Range(1, users).Select(i =>
                $"(t.{MetricTable.UserColumn} = (@users)[{i}] AND t.{Quote(time)} BETWEEN {Moment($"(@froms)[{i}]", time)} AND {Moment($"(@tos)[{i}]", time)})")) + ")"
            : $"t.{MetricTable.UserColumn} = ANY(@users) AND {Span(table)}";
    }

    private static string Moment(string parameter, TableColumn column) => column switch
    {
        { Format: ColumnFormat.Date } => $"({parameter} AT TIME ZONE 'UTC')::date",
        { IsWithoutZone: true } => $"({parameter} AT TIME ZONE 'UTC')",
        _ => parameter,
    };

    private static string Quote(TableColumn column) => SqlIdentifier.Quote(column.Name);
}
