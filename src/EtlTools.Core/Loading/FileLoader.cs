using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>What loading one file came to.</summary>
/// <param name="Counts">Rows.</param>
/// <param name="Staging">What it did to staging; null where staging was skipped.</param>
internal sealed record LoadedFile(FileCounts Counts, StagingChange? Staging);

/// <summary>How one file is to be loaded.</summary>
internal sealed record FileLoadOptions
{
    public required Guid LoadRunId { get; init; }

    /// <summary>Share of bad rows, 0 to 1, above which the file fails.</summary>
    public required double MaxErrorRate { get; init; }
    public bool SkipStaging { get; init; }

    /// <summary>Delete the raw rows of the attempts that give way.</summary>
    public bool HardDelete { get; init; }

    /// <summary>Rows and bytes of the file done so far.</summary>
    public Action<long, long>? OnProgress { get; init; }
}

/// <summary>
/// Brings one claimed file in, inside the caller's transaction: raw rows, quarantine, staging and the ledger entry. The
/// caller commits, or rolls all of it back.
/// </summary>
internal sealed class FileLoader(PipelineConfig pipeline, ISourceStore source, ExtractTableReader tables, FileStager stager)
{
    /// <summary>
    /// Makes sure that there is a segment to append to, in a transaction of its own: then parallel loads do not wait for the
    /// first one's end to see it.
    /// </summary>
    public async Task PrepareAsync(NpgsqlConnection connection, string extractType, CancellationToken cancellationToken)
    {
        var table = await tables.GetAsync(connection, extractType, cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await RawSegments.GetOpenAsync(connection, table, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <param name="connection">In a transaction.</param>
    /// <param name="claim">The ledger entry.</param>
    /// <param name="file">The file.</param>
    /// <param name="options">How.</param>
    /// <param name="badRows">Receives the first bad rows and the counts, also where the file fails.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    /// <exception cref="EtlException">TooManyBadRows, ColumnCountMismatch, HeaderMismatch, HeaderMissing, FileClaimLost, those of the source.</exception>
    public async Task<LoadedFile> LoadAsync(
        NpgsqlConnection connection,
        FileClaim claim,
        SourceFile file,
        FileLoadOptions options,
        BadRowSample badRows,
        CancellationToken cancellationToken)
    {
        var table = await tables.GetAsync(connection, file.ExtractType, cancellationToken).ConfigureAwait(false);
        var segment = await RawSegments.GetOpenAsync(connection, table, cancellationToken).ConfigureAwait(false);
        var firstBlock = await connection.QuerySingleAsync<long>(new CommandDefinition(
            LoadSql.FirstBlock, new { segment }, cancellationToken: cancellationToken)).ConfigureAwait(false);

        var opened = await source.OpenAsync(file.Object, cancellationToken).ConfigureAwait(false);
        await using var closing = opened.ConfigureAwait(false);
        var copy = new RawCopy(connection, table, segment, claim.LoadRunFileId, options, badRows);
        var counts = await copy.RunAsync(opened.Content, pipeline.Dialect, file, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("load.after-copy");

        var gone = await FileLedger.ReplaceAsync(
            connection, claim.Replaces, claim.LoadRunFileId, options.LoadRunId, cancellationToken).ConfigureAwait(false);

        StagingChange? staging = null;
        if (!options.SkipStaging)
        {
            var rows = new RawFile(claim.LoadRunFileId, options.LoadRunId, segment, file.ExtractedAt, counts.RowsIngested, firstBlock);
            staging = await stager.StageAsync(connection, table, rows, gone, cancellationToken).ConfigureAwait(false);
            CrashPoint.Pass("load.after-staging");
        }

        if (options.HardDelete)
        {
            await RawDeletion.DeleteAsync(connection, table, claim.Replaces, cancellationToken).ConfigureAwait(false);
        }

        counts = counts with { RowsRejected = counts.RowsRejected + (staging?.Rejected ?? 0) };
        await FileLedger.CompleteAsync(
            connection, claim.LoadRunFileId, counts, segment, opened.ObjectVersion, staging is not null, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("load.before-commit");
        return new LoadedFile(counts, staging);
    }
}
