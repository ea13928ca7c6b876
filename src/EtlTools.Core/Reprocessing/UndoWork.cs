using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>
/// Reverses receipts in one transaction, all or none: the marks that a load or a reprocess set are swapped back, and the keys of
/// both files are recomputed from raw. What later runs loaded simply stays newer.
/// </summary>
internal sealed class UndoWork(EtlDatabase database, PipelineConfig pipeline, SegmentLimits limits)
{
    private const string Conflict = "UndoConflict";

    private readonly ExtractTableReader _tables = new(pipeline);
    private readonly FileStager _stager = new();

    public async Task<IReadOnlyList<ReprocessReceipt>> RequireUndoableAsync(IReadOnlyList<Guid> receiptIds, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var receipts = await FindAsync(connection, receiptIds, cancellationToken).ConfigureAwait(false);
            var repairs = (await connection.QueryAsync<int>(new CommandDefinition(
                ReprocessSql.ActiveRepairs, new { files = receipts.Select(receipt => receipt.NewFile!.Value).ToArray() }, cancellationToken: cancellationToken)).ConfigureAwait(false)).ToList();
            return receipts.ConvertAll(receipt => receipt.ToReceipt() with { Repairs = repairs.Count(file => file == receipt.NewFile) });
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    public async Task<IReadOnlyList<ReprocessReceipt>> PreviewAsync(
        IReadOnlyList<Guid> receiptIds, string reason, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var receipts = await FindAsync(connection, receiptIds, cancellationToken).ConfigureAwait(false);
            var run = await RunSession.InsertAsync(connection, Start(receipts, reason), leaseKey: null, cancellationToken).ConfigureAwait(false);
            var undone = await UndoAllAsync(connection, receipts, run, reason, cancellationToken).ConfigureAwait(false);
            await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
            return undone.Select(receipt => receipt with { ReceiptId = null, LoadRunId = null, Status = "Planned" }).ToList();
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    public async Task<IReadOnlyList<ReprocessReceipt>> RunAsync(
        IReadOnlyList<Guid> receiptIds, string reason, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var receipts = await FindAsync(connection, receiptIds, cancellationToken).ConfigureAwait(false);
            var session = await RunSession.StartAsync(database, Start(receipts, reason), cancellationToken).ConfigureAwait(false);
            await using var ending = session.ConfigureAwait(false);
            try
            {
                await new SegmentCare(database, _tables, limits).PrepareLookBackAsync(
                    receipts.Select(receipt => receipt.ExtractType), session.Stopping).ConfigureAwait(false);
                await using var transaction = await connection.BeginTransactionAsync(session.Stopping).ConfigureAwait(false);
                var undone = await UndoAllAsync(connection, receipts, session.LoadRunId, reason, session.Stopping).ConfigureAwait(false);
                CrashPoint.Pass("undo.before-commit");
                if (undone.Count > 0)
                {
                    await ReceiptCommit.CommitAsync(database, transaction, undone[0].ReceiptId!.Value).ConfigureAwait(false);
                }

                CrashPoint.Pass("undo.after-commit");
                await session.CloseAsync(LoadRunStatus.Completed).ConfigureAwait(false);
                return undone;
            }
            catch (EtlException error)
            {
                // Who asked for what cannot be undone is on record; but nothing has failed that somebody would have to put right.
                var status = error.ErrorId == Conflict ? LoadRunStatus.Cancelled : LoadRunStatus.Failed;
                await session.CloseAsync(status, error.ErrorId, error.Message).ConfigureAwait(false);
                throw;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                await session.CloseStoppedAsync().ConfigureAwait(false);
                throw new EtlException(
                    EtlErrorKind.Busy,
                    "RunStopped",
                    "Stop-LoadRun ended the run before its commit; nothing was undone.",
                    session.LoadRunId.ToString(),
                    "Run the command again when whoever stopped it agrees.");
            }
            catch (OperationCanceledException)
            {
                await session.CloseAsync(LoadRunStatus.Cancelled, "Cancelled", "Cancelled; nothing was undone.").ConfigureAwait(false);
                throw;
            }
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private static async Task<List<StoredReceipt>> FindAsync(
        NpgsqlConnection connection, IReadOnlyList<Guid> receiptIds, CancellationToken cancellationToken)
    {
        var wanted = receiptIds.Distinct().ToList();
        var found = await ReceiptStore.FindAsync(connection, wanted, [], [], cancellationToken).ConfigureAwait(false);
        var missing = wanted.Except(found.Select(receipt => receipt.ReceiptId)).ToList();
        if (missing.Count > 0)
        {
            throw new EtlException(
                EtlErrorKind.NotFound,
                "ReceiptNotFound",
                $"There is no receipt {missing[0]}.",
                missing[0].ToString(),
                "Take receipts from Invoke-Reprocess -PassThru, or give the run's -LoadRunId.");
        }

        var impossible = found.Find(receipt => receipt.Kind == "undo" || receipt.SkipRaw || receipt.HardDelete);
        if (impossible is not null)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "UndoNotPossible",
                impossible switch
                {
                    { Kind: "undo" } => "The receipt is that of an undo.",
                    { SkipRaw: true } => "A staging-only reprocess changed no raw row, so there is nothing to swap back.",
                    _ => "The old raw rows were deleted for good.",
                },
                impossible.ReceiptId.ToString(),
                impossible.Kind == "undo"
                    ? "Reprocess the file again instead."
                    : "Restore the data from a backup, or reprocess the file from the source.");
        }

        // The latest first: where two receipts follow one another on a file, the later one has to go before the earlier.
        found.Reverse();
        return found;
    }

    private RunStart Start(List<StoredReceipt> receipts, string reason)
    {
        var runs = receipts.Select(receipt => receipt.LoadRunId).Distinct().ToList();
        return new RunStart
        {
            Kind = LoadRunKind.Undo,
            Pipeline = pipeline.Name,
            Reason = reason,
            ParentRunId = runs.Count == 1 ? runs[0] : null,
        };
    }

    private async Task<List<ReprocessReceipt>> UndoAllAsync(
        NpgsqlConnection connection, List<StoredReceipt> receipts, Guid run, string reason, CancellationToken cancellationToken)
    {
        var ids = receipts.SelectMany(receipt => receipt.OldFiles.Append(receipt.NewFile!.Value)).Distinct().ToArray();
        await LockFilesAsync(connection, ids, cancellationToken).ConfigureAwait(false);

        var undone = new List<ReprocessReceipt>();
        var conflicts = new List<string>();
        foreach (var receipt in receipts)
        {
            // Read again: undoing the receipt before may have turned these very entries.
            var files = await LockFilesAsync(connection, ids, cancellationToken).ConfigureAwait(false);
            var found = await FindConflictsAsync(connection, receipt, files, cancellationToken).ConfigureAwait(false);
            if (found.Count > 0)
            {
                conflicts.AddRange(found);
                continue;
            }

            if (conflicts.Count == 0)
            {
                undone.Add(await UndoAsync(connection, receipt, files, run, reason, cancellationToken).ConfigureAwait(false));
            }
        }

        if (conflicts.Count > 0)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                Conflict,
                "Nothing was undone: " + string.Join("; ", conflicts) + ".",
                receipts[0].ReceiptId.ToString(),
                "Undo what came later first, or leave these receipts out.");
        }

        return undone;
    }

    private async Task<ReprocessReceipt> UndoAsync(
        NpgsqlConnection connection,
        StoredReceipt receipt,
        Dictionary<int, LockedFile> files,
        Guid run,
        string reason,
        CancellationToken cancellationToken)
    {
        var goes = files[receipt.NewFile!.Value];
        var comes = receipt.OldFiles.Select(id => files[id]).ToList();
        var table = await _tables.GetAsync(connection, receipt.ExtractType, cancellationToken).ConfigureAwait(false);
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);

        var repairs = await connection.QueryAsync<int>(new CommandDefinition(
            ReprocessSql.LockRepairs, goes, cancellationToken: cancellationToken)).ConfigureAwait(false);
        List<int> went = [.. repairs, goes.LoadRunFileId];
        await FileLedger.WithdrawAsync(connection, went, run, cancellationToken).ConfigureAwait(false);
        await FileLedger.RestoreAsync(connection, receipt.OldFiles, cancellationToken).ConfigureAwait(false);
        var cameRows = comes
            .Select(file => new RawFile(file.LoadRunFileId, run, file.Segment ?? table.RawSql, file.ExtractedAt, file.RowCount))
            .ToList();
        var change = await _stager.RecomputeAsync(connection, table, cameRows, went, cancellationToken).ConfigureAwait(false);

        // What came back is staged now, though it may have been loaded with staging left for later.
        foreach (var file in cameRows)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                StagingRunSql.Restaged, new { file = file.LoadRunFileId }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }

        await connection.ExecuteAsync(new CommandDefinition(
            ReprocessSql.ReopenRepaired, new { file = goes.LoadRunFileId }, cancellationToken: cancellationToken)).ConfigureAwait(false);

        var written = new ReprocessReceipt
        {
            LoadRunId = run,
            ExtractType = receipt.ExtractType,
            Key = goes.Key,
            OldLoadRunFileId = goes.LoadRunFileId,
            NewLoadRunFileId = comes.Count > 0 ? comes[^1].LoadRunFileId : null,
            Status = "Completed",
            RowsRead = comes.Sum(file => file.RowCount),
            RowsIngested = comes.Sum(file => file.RowCount),
            RowsRejected = change.Rejected,
            Staging = change,
            Repairs = went.Count - 1,
            Reason = reason,
        };
        return await ReceiptStore.InsertAsync(
            connection, "undo", written, went, receipt.ReceiptId, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<List<string>> FindConflictsAsync(
        NpgsqlConnection connection, StoredReceipt receipt, Dictionary<int, LockedFile> files, CancellationToken cancellationToken)
    {
        var name = files[receipt.NewFile!.Value].Key;
        if (receipt.UndoneBy is { } undo)
        {
            return [$"{name} was undone already, by receipt {undo}"];
        }

        var conflicts = new List<string>();
        var goes = files[receipt.NewFile.Value];
        if (goes.IsSuperseded)
        {
            conflicts.Add($"{name} was replaced again, by run {goes.SupersededByRun}");
        }

        // Until it is staged, staging shows what gave way to it, and perhaps to another one before: nobody could tell the keys.
        if (!goes.IsSuperseded && receipt.Kind == "load" && !goes.IsStaged)
        {
            conflicts.Add($"{name} was loaded with -SkipStaging and is not staged yet: Start-LoadRun stages it");
        }

        conflicts.AddRange(receipt.OldFiles
            .Select(id => files[id])
            .Where(file => file.RawDeleted)
            .Select(file => $"the old rows of {name} (file {file.LoadRunFileId}) were deleted for good"));
        if (conflicts.Count == 0 && goes.Origin == "source")
        {
            var others = await connection.QueryAsync<int>(new CommandDefinition(
                ReprocessSql.OtherActive,
                new { goes.Container, goes.Key, file = goes.LoadRunFileId },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            conflicts.AddRange(others.Select(other => $"{name} was loaded again, as file {other}"));
        }

        return conflicts;
    }

    private static async Task<Dictionary<int, LockedFile>> LockFilesAsync(
        NpgsqlConnection connection, int[] files, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<LockedFile>(new CommandDefinition(
            ReprocessSql.LockFiles, new { files }, cancellationToken: cancellationToken)).ConfigureAwait(false))
        .ToDictionary(file => file.LoadRunFileId);
}
