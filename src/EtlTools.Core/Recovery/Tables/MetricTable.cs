using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>A metric table as the catalogue has it: what it can take, what tells its rows apart, and what it refuses.</summary>
internal sealed record MetricTable
{
    public const string UserColumn = "user_id";

    public required string Schema { get; init; }

    public required string TableName { get; init; }

    /// <summary>Position among the tables of the catalogue.</summary>
    public required int Index { get; init; }

    /// <summary>Columns that metrics fill, without the user.</summary>
    public required IReadOnlyList<TableColumn> Columns { get; init; }

    /// <summary>With the user, what tells one row from another: the table's unique key, or the mapping's where it has none.</summary>
    public required IReadOnlyList<TableColumn> Key { get; init; }

    /// <summary>The time in the key; null where there is none.</summary>
    public required TableColumn? Time { get; init; }

    /// <summary>Position of the time among the columns; -1 where there is none.</summary>
    public required int TimeIndex { get; init; }

    public required bool IsKeyUnique { get; init; }

    /// <summary>Columns that no metric fills and that constraints or generated columns speak of, with the expression of their value.</summary>
    public required IReadOnlyList<(string Name, string Sql)> OtherColumns { get; init; }

    /// <summary>Generated columns with their expression over the others.</summary>
    public required IReadOnlyList<(string Name, string Sql)> GeneratedColumns { get; init; }

    public required IReadOnlyList<RowRule> Rules { get; init; }

    /// <summary>The id where the table gives none by itself.</summary>
    public required bool NeedsId { get; init; }

    /// <summary>schema.table, for people.</summary>
    public string Name => $"{Schema}.{TableName}";

    public string Sql => SqlIdentifier.Qualify(Schema, TableName);
}

/// <summary>Something that a row has to satisfy, as SQL that is true where the row (alias x) breaks it.</summary>
/// <param name="Reason">Of what sort it is.</param>
/// <param name="Name">The constraint or column.</param>
/// <param name="BrokenSql">Over the columns of the row, which stand without an alias.</param>
internal sealed record RowRule(RefusalReason Reason, string Name, string BrokenSql);

/// <summary>A type of metric and the table it goes into.</summary>
internal sealed record TableBinding
{
    public required MetricType Type { get; init; }

    public required MetricTable Table { get; init; }

    /// <summary>For each column of the table the ordinal of the type's column that feeds it; -1: none.</summary>
    public required IReadOnlyList<int> Sources { get; init; }

    /// <summary>Columns of the type that the table lacks or whose type cannot hold them.</summary>
    public required IReadOnlyList<MetricColumn> Left { get; init; }
}

/// <summary>What of a mapping a database can take.</summary>
internal sealed record MetricCatalogue
{
    public required MetricMap Map { get; init; }

    public required IReadOnlyList<MetricTable> Tables { get; init; }

    /// <summary>By <see cref="MetricType.Index"/>; null where the database has no table for the type.</summary>
    public required IReadOnlyList<TableBinding?> Bindings { get; init; }

    /// <summary>By <see cref="MetricType.Index"/> the schema.table that this user may not read; null where there is none.</summary>
    public required IReadOnlyList<string?> Unreadable { get; init; }
}
