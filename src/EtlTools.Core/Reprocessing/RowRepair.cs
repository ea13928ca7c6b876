using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Core.Reprocessing;

/// <summary>A corrected row. For a row that never reached raw, Values must name every column that is to be filled;
/// for one that staging refused, only the columns that change.</summary>
public sealed record RowCorrection
{
    public required long RejectedRowId { get; init; }

    /// <summary>Text by raw column, exactly as it would stand in the file; null for an empty field.</summary>
    public required IReadOnlyDictionary<string, string?> Values { get; init; }
}

/// <summary>Puts corrected rows back through the path every row takes.</summary>
public sealed class RowRepair(EtlDatabase database, PipelineConfig pipeline)
{
    /// <summary>One receipt a file whose rows were repaired. A row that is still invalid fails the whole call: RepairStillInvalid.</summary>
    public Task<IReadOnlyList<ReprocessReceipt>> RepairAsync(
        IReadOnlyList<RowCorrection> corrections, string reason, bool preview, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description + pipeline.Name);
}
