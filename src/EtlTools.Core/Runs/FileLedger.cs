using Dapper;
using EtlTools.Core.Sources;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>A file taken for loading: nobody else works on it until its entry ends or its run dies.</summary>
/// <param name="LoadRunFileId">The new attempt.</param>
/// <param name="Attempt">1 for the first.</param>
/// <param name="Replaces">What counts of the same logical file, whose rows go when this one's come: repairs first, then the attempts.</param>
/// <param name="Repairs">How many of those are repairs.</param>
internal sealed record FileClaim(int LoadRunFileId, int Attempt, IReadOnlyList<int> Replaces, int Repairs);

/// <summary>Row counts of a file that is about to be committed.</summary>
internal sealed record FileCounts(long RowsRead, long RowsIngested, long RowsRejected);

/// <summary>The writing side of the ledger: files. Every method works inside the caller's transaction.</summary>
internal static class FileLedger
{
    /// <summary>
    /// Takes a file. A logical file (bucket and key) is claimed under a lock, so two claims never cross.
    /// </summary>
    /// <param name="connection">In a transaction.</param>
    /// <param name="loadRunId">The run that takes it.</param>
    /// <param name="pipeline">Name of the pipeline.</param>
    /// <param name="file">The file.</param>
    /// <param name="again">True: load it though it has been loaded (a reprocess).</param>
    /// <param name="cancellationToken">Stops the statement.</param>
    /// <returns>Null: it is loaded already, and that is what was wanted.</returns>
    /// <exception cref="EtlException">FileBusy.</exception>
    public static async Task<FileClaim?> ClaimAsync(
        NpgsqlConnection connection, Guid loadRunId, string pipeline, SourceFile file, bool again, CancellationToken cancellationToken)
    {
        await LockAsync(connection, loadRunId, file.Object.Container, file.Object.Key, cancellationToken).ConfigureAwait(false);
        var entries = (await connection.QueryAsync<KnownAttempt>(new CommandDefinition(
            FileSql.KnownAttempts,
            new { bucket = file.Object.Container, key = file.Object.Key },
            cancellationToken: cancellationToken)).ConfigureAwait(false)).ToLookup(entry => entry.IsRepair);
        var known = entries[false].ToList();

        // The system before EtlTools could leave rows of an attempt that failed; they go with the rest.
        var active = known.Where(attempt => !attempt.IsSuperseded && (attempt.Status == "completed" || attempt.IsAdopted)).ToList();
        if (!again && active.Exists(attempt => attempt.Status == "completed" && attempt.FileHash == file.FileHash))
        {
            return null;
        }

        // A correction is one of a row of an attempt: it gives way, and comes back, with it.
        var repairs = entries[true].Where(repair => !repair.IsSuperseded && repair.Status == "completed").ToList();
        var replaced = repairs.Concat(active).Select(entry => entry.LoadRunFileId).ToList();
        if (known.Find(attempt => attempt.Status == "processing") is { } processing)
        {
            // Ours: the answer to the commit of this claim was lost. A run works on a file in one place only.
            return new FileClaim(processing.LoadRunFileId, processing.Attempt, replaced, repairs.Count);
        }

        var number = 1 + known.Where(attempt => attempt.FileHash == file.FileHash).Select(attempt => attempt.Attempt).DefaultIfEmpty().Max();
        var id = await connection.QuerySingleAsync<int>(new CommandDefinition(
            FileSql.InsertAttempt,
            new
            {
                loadRunId,
                pipeline,
                bucket = file.Object.Container,
                key = file.Object.Key,
                hash = file.FileHash,
                file.DateExtracted,
                file.ExtractedAt,
                file.DateFrom,
                file.DateTo,
                file.ExtractType,
                file.PerOrgId,
                file.PracticeId,
                size = file.Object.SizeBytes,
                etag = file.Object.ETag,
                modified = file.Object.LastModified.UtcDateTime,
                attempt = number,
            },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return new FileClaim(id, number, replaced, repairs.Count);
    }

    /// <summary>
    /// Keeps everybody else from changing what a logical file has in raw, until the transaction ends. An attempt left behind
    /// by a dead run is closed as failed on the way.
    /// </summary>
    /// <param name="connection">In a transaction.</param>
    /// <param name="ownRun">The run that asks: it may be loading the file itself.</param>
    /// <param name="container">Bucket or folder.</param>
    /// <param name="key">The file in it.</param>
    /// <param name="cancellationToken">Stops the statement.</param>
    /// <exception cref="EtlException">FileBusy: another run is loading it.</exception>
    public static async Task LockAsync(
        NpgsqlConnection connection, Guid? ownRun, string container, string key, CancellationToken cancellationToken)
    {
        var logical = new { bucket = container, key, ownRun };
        await connection.ExecuteAsync(new CommandDefinition(
            FileSql.LockLogicalFile, logical, cancellationToken: cancellationToken)).ConfigureAwait(false);

        // A session that died in the middle of a statement keeps its lock until the server notices; its entry is not orphaned before.
        await connection.ExecuteAsync(new CommandDefinition(
            FileSql.CloseOrphans, logical, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (await connection.QuerySingleAsync<bool>(new CommandDefinition(
            FileSql.IsBeingLoaded, logical, cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            throw new EtlException(
                EtlErrorKind.Busy,
                "FileBusy",
                "Another run is loading this file now.",
                key,
                "Wait for that run, or end it with Stop-LoadRun; Get-LoadRun -Status Running shows it.");
        }
    }

    /// <summary>Withdraws files: their raw rows no longer count.</summary>
    public static Task WithdrawAsync(
        NpgsqlConnection connection, IReadOnlyList<int> files, Guid byRun, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            FileSql.Supersede, new { files = files.ToArray(), by = (int?)null, byRun }, cancellationToken: cancellationToken));

    /// <summary>Puts a file in the place of others, and returns all whose rows staging may still show instead of its own.</summary>
    public static async Task<IReadOnlyList<int>> ReplaceAsync(
        NpgsqlConnection connection, IReadOnlyList<int> files, int by, Guid byRun, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return [];
        }

        var parameters = new { files = files.ToArray(), by, byRun };
        await connection.ExecuteAsync(new CommandDefinition(
            FileSql.InheritUnstaged, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            FileSql.Supersede, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return (await connection.QueryAsync<int>(new CommandDefinition(
            FileSql.SupersededBy, new { by }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
    }

    /// <summary>Brings withdrawn files back.</summary>
    public static Task RestoreAsync(NpgsqlConnection connection, IReadOnlyList<int> files, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            FileSql.Restore, new { files = files.ToArray() }, cancellationToken: cancellationToken));

    /// <summary>
    /// Marks the attempt completed, in the transaction of its rows. Fails where the entry is no longer ours: then somebody
    /// took this run for dead, and its rows must not arrive.
    /// </summary>
    /// <exception cref="EtlException">FileClaimLost.</exception>
    public static async Task CompleteAsync(
        NpgsqlConnection connection,
        int file,
        FileCounts counts,
        string segment,
        string objectVersion,
        bool staged,
        CancellationToken cancellationToken)
    {
        var updated = await connection.ExecuteAsync(new CommandDefinition(
            FileSql.Complete,
            new { file, counts.RowsRead, counts.RowsIngested, counts.RowsRejected, segment, objectVersion, staged },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (updated == 0)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "FileClaimLost",
                "The ledger no longer shows this run as the owner of the file, so its rows were not kept.",
                $"file {file}",
                "Nothing was changed. Run the plan again; Find-FailedFile shows where the file stands.");
        }
    }

    /// <summary>Records that the attempt failed. The message holds no data value.</summary>
    public static Task FailAsync(
        NpgsqlConnection connection, int file, FileCounts counts, string errorCode, string error, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            FileSql.Fail,
            new { file, counts.RowsRead, counts.RowsRejected, errorCode, error },
            cancellationToken: cancellationToken));

    /// <summary>What the ledger says after a commit whose answer was lost: true where it took effect.</summary>
    public static Task<bool> IsCompletedAsync(NpgsqlConnection connection, int file, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<bool>(new CommandDefinition(
            FileSql.IsCompleted, new { file }, cancellationToken: cancellationToken));

    private sealed record KnownAttempt
    {
        public int LoadRunFileId { get; init; }
        public Guid LoadRunId { get; init; }
        public string FileHash { get; init; } = "";
        public int Attempt { get; init; }
        public string Status { get; init; } = "";
        public bool IsSuperseded { get; init; }
        public bool IsAdopted { get; init; }
        public bool IsRepair { get; init; }
    }
}
