using EtlTools.Core.Configuration;

namespace EtlTools.Core.Database;

/// <summary>One thing that Initialize-EtlDatabase does.</summary>
public sealed record SchemaStep
{
    public required int Order { get; init; }

    /// <summary>Migration, RawTable, StagingTable, Column, Index or View.</summary>
    public required string Kind { get; init; }
    public required string Target { get; init; }
    public required string Description { get; init; }

    /// <summary>Pending in a preview, Applied after.</summary>
    public required string Status { get; init; }
}

/// <summary>Creates, upgrades and adopts: the etl schema, and the tables of a pipeline.</summary>
public sealed class SchemaManager(EtlDatabase database)
{
    public Task<IReadOnlyList<SchemaStep>> PlanAsync(PipelineConfig? pipeline, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description);

    public Task<IReadOnlyList<SchemaStep>> ApplyAsync(
        PipelineConfig? pipeline, IProgress<SchemaStep>? progress, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
