using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Parsing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>How one file ended.</summary>
/// <param name="Status">Completed, Failed, or Skipped where it was loaded already.</param>
/// <param name="Claim">The attempt; null where it was skipped or could not be claimed.</param>
/// <param name="Loaded">What it came to, where it completed.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record FileOutcome(LoadFileStatus Status, FileClaim? Claim, LoadedFile? Loaded, EtlException? Error)
{
    /// <summary>Rows of a file that failed, as far as it was read.</summary>
    public FileCounts Seen { get; init; } = new(0, 0, 0);
}

/// <summary>
/// Takes a file from claim to commit. Faults that pass (a lost connection, a deadlock, a throttled source) are tried again
/// under the same claim; what is left fails the file, with its reason in the ledger, and leaves nothing of it behind.
/// </summary>
internal sealed class FileTransaction(EtlDatabase database, string pipeline, FileLoader loader)
{
    /// <param name="file">The file.</param>
    /// <param name="again">Load it though it has been loaded.</param>
    /// <param name="options">How.</param>
    /// <param name="beforeCommit">What else belongs into the transaction, e.g. a receipt; null for nothing.</param>
    /// <param name="cancellationToken">Cancels: the transaction is rolled back and the attempt recorded as failed.</param>
    /// <exception cref="OperationCanceledException">After the attempt was closed.</exception>
    public async Task<FileOutcome> RunAsync(
        SourceFile file,
        bool again,
        FileLoadOptions options,
        Func<NpgsqlConnection, FileClaim, LoadedFile, Task>? beforeCommit,
        CancellationToken cancellationToken)
    {
        FileClaim? claim = null;
        var badRows = new BadRowSample();
        try
        {
            claim = await Transient.Retry.ExecuteAsync(
                async token => await ClaimAsync(file, again, options.LoadRunId, token).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
            if (claim is null)
            {
                return new FileOutcome(LoadFileStatus.Skipped, null, null, null);
            }

            CrashPoint.Pass("load.after-claim");
            var loaded = await Transient.Retry.ExecuteAsync(
                async token =>
                {
                    badRows.Clear();
                    return await LoadAsync(file, claim, options, badRows, beforeCommit, token).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false);
            CrashPoint.Pass("load.after-commit");
            return new FileOutcome(LoadFileStatus.Completed, claim, loaded, null);
        }
        catch (OperationCanceledException)
        {
            await RecordFailureAsync(claim, badRows, Cancelled(file)).ConfigureAwait(false);
            throw;
        }
        catch (EtlException error)
        {
            await RecordFailureAsync(claim, badRows, error).ConfigureAwait(false);
            return new FileOutcome(LoadFileStatus.Failed, claim, null, error) { Seen = badRows.Counts };
        }
    }

    private async Task<FileClaim?> ClaimAsync(SourceFile file, bool again, Guid loadRunId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var claim = await FileLedger.ClaimAsync(connection, loadRunId, pipeline, file, again, cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            return claim;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, file.Object.Key);
        }
    }

    private async Task<LoadedFile> LoadAsync(
        SourceFile file,
        FileClaim claim,
        FileLoadOptions options,
        BadRowSample badRows,
        Func<NpgsqlConnection, FileClaim, LoadedFile, Task>? beforeCommit,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await loader.PrepareAsync(connection, file.ExtractType, cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var loaded = await loader.LoadAsync(connection, claim, file, options, badRows, cancellationToken).ConfigureAwait(false);
            if (beforeCommit is not null)
            {
                await beforeCommit(connection, claim, loaded).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            await ConfirmedCommit.CommitAsync(
                database,
                transaction,
                file.Object.Key,
                "Once the database answers, Get-LoadFile shows the file as completed where it did.",
                (asked, token) => FileLedger.IsCompletedAsync(asked, claim.LoadRunFileId, token),
                cancellationToken).ConfigureAwait(false);
            return loaded;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, file.Object.Key);
        }
    }

    private async Task RecordFailureAsync(FileClaim? claim, BadRowSample badRows, EtlException error)
    {
        if (claim is null)
        {
            return;
        }

        // Not the caller's token: a cancelled file still has to be closed. Where even this fails the entry stays
        // 'processing', and is found as left behind once the run has ended.
        using var patience = new CancellationTokenSource(database.Patience.Failure);
        try
        {
            await using var connection = await database.OpenAsync(patience.Token).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(patience.Token).ConfigureAwait(false);
            await FileLedger.FailAsync(
                connection,
                claim.LoadRunFileId,
                badRows.Counts,
                error.ErrorId,
                error.Message,
                patience.Token).ConfigureAwait(false);
            await Quarantine.StoreAsync(connection, claim.LoadRunFileId, badRows.Rows, patience.Token).ConfigureAwait(false);
            CrashPoint.Pass("load.before-fail-commit");
            await transaction.CommitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is EtlException or OperationCanceledException || DatabaseErrors.IsDatabaseError(fault))
        {
        }
    }

    private static EtlException Cancelled(SourceFile file) => new(
        EtlErrorKind.Busy,
        "LoadCancelled",
        "The load was cancelled before the file was committed; nothing of it was kept.",
        file.Object.Key,
        "Run the plan again; the file comes first, among the failed ones.");
}
