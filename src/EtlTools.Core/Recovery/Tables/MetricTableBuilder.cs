using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>Makes a <see cref="MetricTable"/> of what the catalogue says about a table.</summary>
internal sealed class MetricTableBuilder(
    string schema,
    FoundTable table,
    IReadOnlyList<FoundColumn> columns,
    ILookup<long, string> labels,
    IReadOnlyList<FoundKey> uniqueKeys,
    IReadOnlyList<FoundCheck> checks,
    IReadOnlyList<FoundReference> references,
    IReadOnlyList<FoundPartition> partitions)
{
    private const string IdColumn = "id";

    // What PostgreSQL adds to the length or the digits of a type in its modifier.
    private const int ModifierOffset = 4;

    // Decimals of a second.
    private const int Microseconds = 6;

    /// <summary>Null where the table has no user or no key that metrics fill: nothing could be told apart in it.</summary>
    /// <param name="index">Its position among the tables.</param>
    /// <param name="types">The types of metric that go into it.</param>
    public MetricTable? Build(int index, IReadOnlyList<MetricType> types)
    {
        var filled = columns
            .Where(column => !column.IsGenerated && !column.IsIdentity && column.Name is not (MetricTable.UserColumn or IdColumn))
            .Where(column => types.Any(type => type.FindColumn(column.Name) is not null))
            .Select(Describe)
            .Where(column => column is not null && types.Any(type =>
                type.FindColumn(column.Name) is { } source && ColumnFormats.CanHold(column.Format, source.Kind)))
            .ToList();
        var user = columns.FirstOrDefault(column => column.Name == MetricTable.UserColumn);
        var (key, isUnique) = FindKey(filled!, types);
        if (user is not { BaseType: "uuid" } || key.Count == 0)
        {
            return null;
        }

        var time = key.FirstOrDefault(column => column.Format is ColumnFormat.Instant or ColumnFormat.Date);
        var names = filled.Select(column => column!.Name).Append(MetricTable.UserColumn).ToHashSet(StringComparer.Ordinal);
        var generated = columns.Where(column => column.IsGenerated).ToList();
        var spokenOf = checks.SelectMany(check => check.Columns).Concat(references.SelectMany(reference => reference.Columns)).ToHashSet(StringComparer.Ordinal);
        return new MetricTable
        {
            Schema = schema,
            TableName = table.TableName,
            Index = index,
            Columns = filled!,
            Key = key,
            Time = time,
            TimeIndex = time is null ? -1 : filled.IndexOf(time),
            IsKeyUnique = isUnique,
            OtherColumns = columns
                .Where(column => !names.Contains(column.Name) && !column.IsGenerated)
                .Where(column => spokenOf.Contains(column.Name) || generated.Count > 0 || (table.IsPartitioned && column.Name != IdColumn))
                .Select(column => (column.Name, column.IsIdentity ? $"NULL::{column.TypeSql}" : $"({column.Expression ?? "NULL"})::{column.TypeSql}"))
                .ToList(),
            GeneratedColumns = generated.Select(column => (column.Name, column.Expression!)).ToList(),
            Rules = [.. NotNullRules(filled!, names), .. ReferenceRules(), .. CheckRules(), .. PartitionRules()],
            NeedsId = columns.Any(column => column is { Name: IdColumn, IsNotNull: true, BaseType: "uuid", Expression: null, IsIdentity: false }),
        };
    }

    private TableColumn? Describe(FoundColumn column)
    {
        if ((column.IsEnum ? ColumnFormat.Label : ColumnFormats.Of(column.BaseType)) is not { } format)
        {
            return null;
        }

        var modifier = column.Modifier - ModifierOffset;
        return new TableColumn
        {
            Name = column.Name,
            TypeSql = column.TypeSql,
            Format = format,
            IsWithoutZone = column.BaseType == "timestamp",
            IsRounded = format == ColumnFormat.Instant && column.Modifier is >= 0 and < Microseconds,
            IsNotNull = column.IsNotNull,
            DefaultSql = column.Expression,
            MaxLength = column.BaseType is "varchar" or "bpchar" && modifier > 0 ? modifier : null,
            Digits = format == ColumnFormat.Numeric && modifier >= 0 ? (modifier >> 16, ((modifier & 0x7FF) ^ 1024) - 1024) : null,
            Labels = column.IsEnum ? TableColumn.IndexLabels(labels[column.BaseOid]) : new Dictionary<string, byte[]>(),
        };
    }

    /// <summary>
    /// Of the unique keys that hold the user and otherwise columns that metrics fill, the one with the fewest columns; the
    /// mapping's key where there is none.
    /// </summary>
    private (IReadOnlyList<TableColumn> Key, bool IsUnique) FindKey(IReadOnlyList<TableColumn> filled, IReadOnlyList<MetricType> types)
    {
        var unique = uniqueKeys
            .Where(key => key.Columns.Contains(MetricTable.UserColumn) && key.Columns.Length > 1)
            .Where(key => key.Columns.All(name => name == MetricTable.UserColumn || filled.Any(column => column.Name == name)))
            .OrderBy(key => key.Columns.Length)
            .FirstOrDefault();
        var names = unique?.Columns ?? types[0].Key.Select(column => column.Name).ToArray();

        // A part that the table lacks cannot tell its rows apart; without the time nothing does.
        var key = names.Select(name => filled.FirstOrDefault(column => column.Name == name)).OfType<TableColumn>().ToList();
        return key.Any(column => column.Format is ColumnFormat.Instant or ColumnFormat.Date) ? (key, unique is not null) : ([], false);
    }

    private IEnumerable<RowRule> NotNullRules(IReadOnlyList<TableColumn> filled, HashSet<string> names) => columns
        .Where(column => column.IsNotNull && column.Name != MetricTable.UserColumn && !column.IsGenerated && !column.IsIdentity)
        .Where(column => names.Contains(column.Name) || (column.Expression is null && column.Name != IdColumn))
        .Select(column => new RowRule(
            RefusalReason.NotNull,
            column.Name,
            filled.Any(own => own.Name == column.Name) ? $"{SqlIdentifier.Quote(column.Name)} IS NULL" : "true"));

    private IEnumerable<RowRule> ReferenceRules() => references.Select(reference =>
    {
        var target = SqlIdentifier.Qualify(reference.TargetSchema, reference.TargetTable);
        var isNull = string.Join(" OR ", reference.Columns.Select(column => $"x.{SqlIdentifier.Quote(column)} IS NULL"));

        // The user is the same for all rows: asked for once, not for every row.
        var isUser = reference.Columns is [MetricTable.UserColumn];
        var join = string.Join(" AND ", reference.TargetColumns.Zip(
            reference.Columns,
            (theirs, ours) => $"r.{SqlIdentifier.Quote(theirs)} = {(isUser ? "@user" : "x." + SqlIdentifier.Quote(ours))}"));
        return new RowRule(
            RefusalReason.ForeignKey,
            reference.Name,
            isUser ? $"NOT EXISTS (SELECT FROM {target} r WHERE {join})" : $"NOT ({isNull}) AND NOT EXISTS (SELECT FROM {target} r WHERE {join})");
    });

    private IEnumerable<RowRule> CheckRules() => checks.Select(check =>
        new RowRule(RefusalReason.CheckConstraint, check.Name, $"({check.Expression}) IS FALSE"));

    private IEnumerable<RowRule> PartitionRules() =>
        !table.IsPartitioned || partitions.Any(partition => partition.IsDefault || partition.Expression is null)
            ? []
            : [new RowRule(
                RefusalReason.NoPartition,
                table.TableName,
                partitions.Count == 0
                    ? "true"
                    : $"({string.Join(" OR ", partitions.Select(partition => $"({partition.Expression})"))}) IS NOT TRUE")];
}
