using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Reprocessing;
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

    /// <param name="loadRunId">The run that stages.</param>
    /// <param name="onStaged">Called for each file after its commit.</param>
    /// <param name="cancellationToken">Stops before the next file.</param>
    public async Task StageAsync(Guid loadRunId, Action<StagedFile> onStaged, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var pending = await connection.QueryAsync<Pending>(new CommandDefinition(
                StagingRunSql.Unstaged, new { pipeline = pipeline.Name }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            foreach (var file in pending)
            {
                if (await StageAsync(connection, loadRunId, file, cancellationToken).ConfigureAwait(false) is { } change)
                {
                    onStaged(new StagedFile(file.LoadRunFileId, file.Key, change));
                }
            }
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>Null where it was not left to be done.</summary>
    private async Task<StagingChange?> StageAsync(NpgsqlConnection connection, Guid loadRunId, Pending pending, CancellationToken cancellationToken)
    {
        var table = await tables.GetAsync(connection, pending.ExtractType, cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);

        // Another run may have staged it, or a reprocess withdrawn it, since the list was read.
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);
        if (!await connection.QuerySingleAsync<bool>(new CommandDefinition(
            StagingRunSql.IsUnstaged, new { file = pending.LoadRunFileId }, cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            return null;
        }

        var file = new RawFile(pending.LoadRunFileId, loadRunId, pending.Segment ?? table.RawSql, pending.ExtractedAt, pending.RowCount);
        var change = await stager.StagePendingAsync(connection, table, file, pending.Replaces, cancellationToken).ConfigureAwait(false);
        await ReceiptStore.CompleteLoadAsync(connection, pending.LoadRunFileId, change, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("pending.before-commit");
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return change;
    }

    private sealed record Pending
    {
        public int LoadRunFileId { get; init; }
        public string ExtractType { get; init; } = "";
        public string Key { get; init; } = "";
        public string? Segment { get; init; }
        public DateTime ExtractedAt { get; init; }
        public long RowCount { get; init; }
        public int[] Replaces { get; init; } = [];
    }
}
