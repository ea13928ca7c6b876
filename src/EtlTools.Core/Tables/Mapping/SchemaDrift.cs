using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Tables.Mapping;

/// <summary>One column that no longer is as the copy has it.</summary>
internal sealed record ColumnDrift(string Column, DriftKind Kind, string Description)
{
    /// <summary>The source changed its type to one that may not hold all that was there: its values may be others now.</summary>
    public bool ChangesValues { get; init; }

    /// <summary>The copy's column, which was something else, becomes one, for no other type holds the values of both.</summary>
    public bool BecomesText { get; init; }
}

internal enum DriftKind
{
    Added,
    Removed,
    Changed,

    /// <summary>The copy's column may not be NULL, and zero dates become NULL.</summary>
    NotNull,
}

/// <summary>A column of the rows that are read.</summary>
/// <param name="Mapping">Where its values come from.</param>
/// <param name="StageType">As what they are read.</param>
/// <param name="Type">The copy's type; null where the copy has no such column, and only rows without a value fit.</param>
internal sealed record LoadColumn(ColumnMapping Mapping, string StageType, string? Type)
{
    public string Name => Mapping.Name;

    /// <summary>Values have to be looked at before they are taken.</summary>
    public bool IsChecked => Type != StageType;
}

/// <summary>How the rows of a source's table fit into the copy, by its contract.</summary>
internal sealed record TablePlan
{
    public required TargetTable Target { get; init; }

    /// <summary>Empty where the table has none.</summary>
    public required IReadOnlyList<string> Key { get; init; }

    public required IReadOnlyList<LoadColumn> Columns { get; init; }

    /// <summary>What the copy has to be changed by first; empty for a table that is still to be made.</summary>
    public IReadOnlyList<string> Alterations { get; init; } = [];

    public IReadOnlyList<ColumnDrift> Drift { get; init; } = [];

    /// <summary>Rows that are there already lack values that the source has, or may have others than it.</summary>
    public bool NeedsEveryRow => Drift.Any(drift => drift.Kind == DriftKind.Added || drift.ChangesValues) && Contract == SchemaContract.Evolve;

    public required SchemaContract Contract { get; init; }

    /// <summary>Columns of the copy that rows are written to.</summary>
    public IEnumerable<LoadColumn> Written => Columns.Where(column => column.Type is not null);

    public bool HasKey => Key.Count > 0;
}

/// <summary>Compares source and copy, and decides by the table's contract what is to be done.</summary>
internal static class SchemaDrift
{
    /// <param name="mappings">The columns of the source.</param>
    /// <param name="target">The copy.</param>
    /// <param name="key">Columns of the key.</param>
    /// <param name="contract">Of the table.</param>
    /// <param name="known">Columns that were synced before; others of the copy are somebody else's.</param>
    /// <exception cref="EtlException">SchemaDrift, SchemaDriftUnsafe.</exception>
    public static TablePlan Plan(
        IReadOnlyList<ColumnMapping> mappings, TargetTable target, IReadOnlyList<string> key, SchemaContract contract, IReadOnlyCollection<string> known)
    {
        if (!target.Exists)
        {
            return new TablePlan
            {
                Target = target,
                Key = key,
                Columns = [.. mappings.Select(mapping => new LoadColumn(mapping, mapping.Type, mapping.Type))],
                Contract = contract,
            };
        }

        var drift = Find(mappings, target, contract, known);
        var breaks = drift.Where(one => one.Kind != DriftKind.NotNull || contract == SchemaContract.Freeze).ToList();
        if (contract == SchemaContract.Freeze && breaks.Count > 0)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "SchemaDrift",
                $"The columns of the source no longer fit {target.Schema}.{target.Name}, whose contract is freeze: {string.Join("; ", breaks.Select(one => one.Description))}.",
                target.Name,
                "Change the copy by hand, or give the table the contract evolve, discard_value or discard_row.");
        }

        var evolves = contract == SchemaContract.Evolve;
        return new TablePlan
        {
            Target = target,
            Key = key,
            Contract = contract,
            Drift = drift,
            Alterations = evolves ? [.. Alterations(mappings, target, key, drift)] : [],
            Columns = [.. mappings.Select(mapping => Load(mapping, target, contract)).OfType<LoadColumn>()],
        };
    }

    private static List<ColumnDrift> Find(IReadOnlyList<ColumnMapping> mappings, TargetTable target, SchemaContract contract, IReadOnlyCollection<string> known)
    {
        var drift = new List<ColumnDrift>();
        foreach (var mapping in mappings)
        {
            if (target.Find(mapping.Name) is not { } column)
            {
                drift.Add(new ColumnDrift(mapping.Name, DriftKind.Added, $"{mapping.Name} is new"));
            }
            else if (!TypeMap.Holds(mapping.Type, column.Type))
            {
                var becomesText = contract == SchemaContract.Evolve && TypeMap.Widen(column.Type, mapping.Type) == TypeMap.Text
                    && !column.Type.StartsWith("character", StringComparison.Ordinal);
                drift.Add(new ColumnDrift(
                    mapping.Name, DriftKind.Changed, $"{mapping.Name} is {mapping.Type} and was {column.Type}{(becomesText ? ": it becomes text" : "")}")
                {
                    ChangesValues = !TypeMap.Holds(column.Type, mapping.Type),
                    BecomesText = becomesText,
                });
            }
            else if (column.IsNotNull && !mapping.IsKey && (mapping.Source.IsNullable || mapping.Source.IsDate))
            {
                drift.Add(new ColumnDrift(mapping.Name, DriftKind.NotNull, $"{mapping.Name} can be NULL and may not"));
            }
        }

        drift.AddRange(known
            .Where(name => target.Find(name) is not null && !mappings.Any(mapping => mapping.Name == name))
            .Select(name => new ColumnDrift(name, DriftKind.Removed, $"{name} is gone")));
        return drift;
    }

    private static IEnumerable<string> Alterations(
        IReadOnlyList<ColumnMapping> mappings, TargetTable target, IReadOnlyList<string> key, List<ColumnDrift> drift)
    {
        foreach (var one in drift)
        {
            var mapping = mappings.FirstOrDefault(mapping => mapping.Name == one.Column);
            switch (one.Kind)
            {
                case DriftKind.Added:
                    yield return TargetSql.AddColumn(target.Qualified, one.Column, mapping!.Type);
                    break;
                case DriftKind.Changed:
                    yield return TargetSql.ChangeType(target.Qualified, one.Column, Widened(mapping!, target));
                    break;
                case DriftKind.NotNull:
                case DriftKind.Removed when target.Find(one.Column)!.IsNotNull:
                    yield return TargetSql.AllowNull(target.Qualified, one.Column);
                    break;
            }
        }

        if (key.Count > 0 && !target.IsUniqueBy(key) && !target.HasPrimaryKey)
        {
            yield return TargetSql.AddKey(target.Qualified, key);
        }
    }

    private static string Widened(ColumnMapping mapping, TargetTable target) =>
        TypeMap.Widen(target.Find(mapping.Name)!.Type, mapping.Type) ?? throw new EtlException(
            EtlErrorKind.Schema,
            "SchemaDriftUnsafe",
            $"{mapping.Name} of the source is {mapping.Type} now, the copy has {target.Find(mapping.Name)!.Type}, and no type holds the values of both.",
            target.Name,
            "Rename the column of the copy, so that the new one can be added beside it; nothing is ever dropped.");

    private static LoadColumn? Load(ColumnMapping mapping, TargetTable target, SchemaContract contract)
    {
        var column = target.Find(mapping.Name);
        var fits = column is not null && TypeMap.Holds(mapping.Type, column.Type);
        return (contract, column) switch
        {
            (_, not null) when fits => new LoadColumn(mapping, column.Type, column.Type),
            (SchemaContract.Evolve, null) => new LoadColumn(mapping, mapping.Type, mapping.Type),
            (SchemaContract.Evolve, not null) => Widened(mapping, target) is var type ? new LoadColumn(mapping, type, type) : null,
            (SchemaContract.DiscardValue, null) => null,
            (_, null) => new LoadColumn(mapping, mapping.Type, null),
            _ => new LoadColumn(mapping, "text", column.Type),
        };
    }
}
