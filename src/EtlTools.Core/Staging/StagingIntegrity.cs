using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Core.Staging;

/// <summary>Whether one staging table is what raw says.</summary>
public sealed record StagingIntegrityResult
{
    public required string ExtractType { get; init; }
    public required string Table { get; init; }

    /// <summary>True where nothing is missing, extra or different.</summary>
    public required bool IsIntact { get; init; }
    public long Rows { get; init; }

    /// <summary>Keys that raw has and staging lacks.</summary>
    public long Missing { get; init; }

    /// <summary>Keys that staging has and raw does not give.</summary>
    public long Extra { get; init; }

    /// <summary>Keys with other values or another lineage.</summary>
    public long Different { get; init; }

    /// <summary>Files loaded with staging left for later; their rows are not counted as missing.</summary>
    public int UnstagedFiles { get; init; }
    public TimeSpan Elapsed { get; init; }
}

/// <summary>Rebuilds staging from raw beside the real one, inside the database, and compares.</summary>
public sealed class StagingIntegrity(EtlDatabase database, PipelineConfig pipeline)
{
    public IAsyncEnumerable<StagingIntegrityResult> TestAsync(
        IReadOnlyList<string> extractTypes, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description + pipeline.Name);
}
