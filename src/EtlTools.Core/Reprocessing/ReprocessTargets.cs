using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Discovery;
using EtlTools.Core.Runs;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>A logical file that is to be reprocessed, as the ledger has it now.</summary>
internal sealed record TargetFile
{
    /// <summary>The attempt that counts now; the last failed one where none does.</summary>
    public int LoadRunFileId { get; init; }
    public Guid LoadRunId { get; init; }
    public string Container { get; init; } = "";
    public string Key { get; init; } = "";
    public string ExtractType { get; init; } = "";
    public string FileHash { get; init; } = "";
    public DateTime ExtractedAt { get; init; }
    public string? Segment { get; init; }
    public long RowCount { get; init; }

    /// <summary>True: it has rows in raw that count.</summary>
    public bool IsActive { get; init; }
    public bool RawDeleted { get; init; }
    public string? Pipeline { get; init; }
}

/// <summary>From what the admin pointed at to the files it means.</summary>
internal static class ReprocessTargets
{
    /// <summary>One entry a logical file, failed ones first, then parents before children, then the oldest extract.</summary>
    /// <exception cref="EtlException">LoadRunNotFound, LoadFileNotFound, ExtractTypeUnknown, PipelineMismatch.</exception>
    public static async Task<IReadOnlyList<TargetFile>> ResolveAsync(
        NpgsqlConnection connection,
        PipelineConfig pipeline,
        ReprocessTarget target,
        ReprocessOptions options,
        CancellationToken cancellationToken)
    {
        var runs = target.LoadRunIds.Distinct().ToArray();
        var files = target.LoadRunFileIds.Distinct().ToArray();
        await LedgerIds.RequireRunsAsync(connection, runs, cancellationToken).ConfigureAwait(false);
        await LedgerIds.RequireFilesAsync(connection, files, cancellationToken).ConfigureAwait(false);
        var types = options.ExtractTypes.Select(name => ExtractTypeOrder.Resolve(pipeline, name).Name).ToArray();
        var found = (await connection.QueryAsync<TargetFile>(new CommandDefinition(
            ReprocessSql.Targets,
            new { runs, files, options.From, options.To },
            cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
        var foreign = found.Find(entry => entry.Pipeline is not null && entry.Pipeline != pipeline.Name);
        if (foreign is not null)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "PipelineMismatch",
                $"The file {foreign.LoadRunFileId} belongs to the pipeline '{foreign.Pipeline}', not to '{pipeline.Name}'.",
                foreign.Key,
                $"Give -Pipeline {foreign.Pipeline}, or its file.");
        }

        var order = new ExtractTypeOrder(pipeline, pipeline.Priority);
        return found
            .Where(entry => types.Length == 0 || types.Contains(pipeline.FindExtractType(entry.ExtractType)?.Name ?? entry.ExtractType))
            .OrderBy(entry => entry.IsActive)
            .ThenBy(entry => order.Rank(entry.ExtractType))
            .ThenBy(entry => entry.ExtractedAt)
            .ThenBy(entry => entry.LoadRunFileId)
            .ToList();
    }
}
