using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Stages what earlier runs loaded with staging left for later, a file a transaction.</summary>
internal sealed class PendingStaging(EtlDatabase database, PipelineConfig pipeline, ExtractTableReader tables, FileStager stager)
{
    public async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await connection.QuerySingleAsync<bool>(new CommandDefinition(
                StagingRunSql.HasUnstaged, new { pipeline = pipeline.Name }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    public async Task StageAsync(Guid loadRunId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var pending = await connection.QueryAsync<Pending>(new CommandDefinition(
                StagingRunSql.Unstaged, new { pipeline = pipeline.Name }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            foreach (var file in pending)
            {
                await StageAsync(connection, loadRunId, file, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private async Task StageAsync(NpgsqlConnection connection, Guid loadRunId, Pending pending, CancellationToken cancellationToken)
    {
        var table = await tables.GetAsync(connection, pending.ExtractType, cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);

        // Another run may have staged it, or a reprocess withdrawn it, since the list was read.
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);
        if (!await connection.QuerySingleAsync<bool>(new CommandDefinition(
            StagingRunSql.IsUnstaged, new { file = pending.LoadRunFileId }, cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            return;
        }

        var file = new RawFile(pending.LoadRunFileId, loadRunId, pending.Segment ?? table.RawSql, pending.ExtractedAt, pending.RowCount);
        await stager.StagePendingAsync(connection, table, file, pending.Replaces, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("pending.before-commit");
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private sealed record Pending
    {
        public int LoadRunFileId { get; init; }
        public string ExtractType { get; init; } = "";
        public string? Segment { get; init; }
        public DateTime ExtractedAt { get; init; }
        public long RowCount { get; init; }
        public int[] Replaces { get; init; } = [];
    }
}
