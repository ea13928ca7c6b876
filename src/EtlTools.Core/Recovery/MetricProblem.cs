using System.Globalization;

namespace EtlTools.Core.Recovery;

/// <summary>Metrics of a payload that cannot be taken, or not wholly, counted by their reason. It never holds a value.</summary>
public sealed record MetricProblem
{
    /// <summary>Whose payload it is.</summary>
    public Guid RawIngestionId { get; init; }

    /// <summary>Stands for every type that the mapping does not know: what a payload calls it could be anything.</summary>
    public const string UnknownType = "(unknown type)";

    /// <summary>The type of metric as the mapping has it, or <see cref="UnknownType"/>.</summary>
    public required string Type { get; init; }

    /// <summary>schema.table; empty where there is none.</summary>
    public string Table { get; init; } = "";

    /// <summary>A MetricFaultReason (the payload's fault), a RefusalReason (this database cannot take it), or UnknownField (the mapping has none).</summary>
    public required string Reason { get; init; }

    /// <summary>The column, constraint, rule, or right; empty where it is about the whole metric.</summary>
    public string Name { get; init; } = "";

    public long Count { get; init; }

    /// <summary>The how-many-th metric of the payload the first of them is, from 1; null where it is not known.</summary>
    public long? FirstOrdinal { get; init; }

    /// <summary>False where only a value is left out and its row is taken, and where an audit may not look whether it is there.</summary>
    public bool IsRowLost { get; init; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{string.Join(' ', new[] { Type, Reason, Name }.Where(part => part.Length > 0))}: {Count:N0}");
}
