using System.Text.Json;
using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Staging;
using Npgsql;
using NpgsqlTypes;

namespace EtlTools.Core.Reprocessing;

/// <summary>A corrected row. For a row that never reached raw, Values must name every column that is to be filled;
/// for one that staging refused, only the columns that change.</summary>
public sealed record RowCorrection
{
    public required long RejectedRowId { get; init; }

    /// <summary>Text by raw column, exactly as it would stand in the file; null for an empty field.</summary>
    public required IReadOnlyDictionary<string, string?> Values { get; init; }
}

/// <summary>
/// Puts corrected rows back through the path every row takes. The corrections of one file become raw rows of a file of
/// their own, extracted when the original was, so that a newer extract still wins and Undo-Reprocess can take them back. They
/// belong to the attempt that they correct: they give way with it, and an undo that brings it back brings them back.
/// </summary>
public sealed class RowRepair(EtlDatabase database, PipelineConfig pipeline)
{
    private const int MostRowsTold = 10;

    private readonly ExtractTableReader _tables = new(pipeline);
    private readonly FileStager _stager = new();

    /// <summary>One receipt a file whose rows were repaired; all or nothing.</summary>
    /// <exception cref="EtlException">ReasonEmpty, RejectedRowNotFound, RejectedRowOfFailedFile, RejectedRowClosed, FileBusy, RepairColumnUnknown,
    /// RepairStillInvalid.</exception>
    public async Task<IReadOnlyList<ReprocessReceipt>> RepairAsync(
        IReadOnlyList<RowCorrection> corrections, string reason, bool preview, CancellationToken cancellationToken)
    {
        Reasons.Require(reason);
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        if (corrections.Count == 0)
        {
            return [];
        }

        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var rows = await LockRowsAsync(connection, corrections, cancellationToken).ConfigureAwait(false);

            // Short work in one transaction needs no lease: the run's entry appears together with what it did.
            var run = await RunSession.InsertAsync(
                connection,
                new RunStart { Kind = LoadRunKind.Repair, Pipeline = pipeline.Name, Reason = reason, ParentRunId = rows[0].LoadRunId },
                leaseKey: null,
                cancellationToken).ConfigureAwait(false);
            var receipts = new List<ReprocessReceipt>();
            foreach (var file in rows.GroupBy(row => row.LoadRunFileId))
            {
                receipts.Add(await RepairFileAsync(
                    connection, file.ToList(), corrections, run, reason, cancellationToken).ConfigureAwait(false));
            }

            await connection.ExecuteAsync(new CommandDefinition(
                RunSql.CloseRun,
                new { id = run, status = "completed", errorCode = (string?)null, error = (string?)null },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            CrashPoint.Pass("repair.before-commit");
            if (preview)
            {
                await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
                return receipts.Select(receipt => receipt with { ReceiptId = null, LoadRunId = null, NewLoadRunFileId = null, Status = "Planned" }).ToList();
            }

            cancellationToken.ThrowIfCancellationRequested();
            await ReceiptCommit.CommitAsync(database, transaction, receipts[0].ReceiptId!.Value).ConfigureAwait(false);
            return receipts;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private static async Task<List<OpenRow>> LockRowsAsync(
        NpgsqlConnection connection, IReadOnlyList<RowCorrection> corrections, CancellationToken cancellationToken)
    {
        // A load or an undo of the file must not cross: what replaces it takes its corrections away too.
        var ids = corrections.Select(correction => correction.RejectedRowId).Distinct().ToArray();
        var files = await connection.QueryAsync<(string Container, string Key)>(new CommandDefinition(
            RepairSql.LogicalFiles, new { ids }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        foreach (var (container, key) in files)
        {
            await FileLedger.LockAsync(connection, ownRun: null, container, key, cancellationToken).ConfigureAwait(false);
        }

        var rows = (await connection.QueryAsync<OpenRow>(new CommandDefinition(
            RepairSql.LockRows, new { ids }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
        var missing = ids.Except(rows.Select(row => row.RejectedRowId)).ToList();
        if (missing.Count > 0)
        {
            throw Refuse("RejectedRowNotFound", EtlErrorKind.NotFound, $"There is no rejected row {missing[0]}.", missing[0], "Get-RejectedRow lists them.");
        }

        var failed = rows.Find(row => row.IsOfFailedFile);
        if (failed is not null)
        {
            throw Refuse(
                "RejectedRowOfFailedFile",
                EtlErrorKind.Conflict,
                "The row's file failed as a whole: none of its rows is in raw, so a single one cannot be corrected.",
                failed.RejectedRowId,
                $"Put the file right, or let more of its rows be rejected: Invoke-Reprocess -LoadRunFileId {failed.LoadRunFileId} loads it again, with -MaxErrorRate.");
        }

        var closed = rows.Find(row => row.IsClosed);
        if (closed is not null)
        {
            throw Refuse(
                "RejectedRowClosed",
                EtlErrorKind.Conflict,
                "The row was repaired already, or its file has been replaced.",
                closed.RejectedRowId,
                "Get-RejectedRow shows the rows that are still open.");
        }

        return rows;
    }

    private async Task<ReprocessReceipt> RepairFileAsync(
        NpgsqlConnection connection,
        List<OpenRow> rows,
        IReadOnlyList<RowCorrection> corrections,
        Guid run,
        string reason,
        CancellationToken cancellationToken)
    {
        var original = rows[0];
        var table = await _tables.GetAsync(connection, original.ExtractType, cancellationToken).ConfigureAwait(false);
        var corrected = rows
            .Select(row => (Row: row, Values: Correct(table, row, corrections.Last(c => c.RejectedRowId == row.RejectedRowId))))
            .ToList();
        var segment = await RawSegments.GetOpenAsync(connection, table, cancellationToken).ConfigureAwait(false);
        var file = await connection.QuerySingleAsync<int>(new CommandDefinition(
            RepairSql.InsertFile, new { original = original.LoadRunFileId, run }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        await CopyAsync(connection, table, segment, file, corrected, cancellationToken).ConfigureAwait(false);

        var raw = new RawFile(file, run, segment, original.ExtractedAt, rows.Count);
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);

        // Recomputed rather than merged, for the counts: a repair is small.
        var change = await _stager.RecomputeAsync(connection, table, [raw], [], cancellationToken).ConfigureAwait(false);
        if (change.Rejected > 0)
        {
            throw await StillInvalidAsync(connection, file, rows, cancellationToken).ConfigureAwait(false);
        }

        await connection.ExecuteAsync(new CommandDefinition(
            RepairSql.Finish,
            new { file, segment, count = rows.Count, ids = rows.Select(row => row.RejectedRowId).ToArray() },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        var receipt = new ReprocessReceipt
        {
            LoadRunId = run,
            ExtractType = table.ExtractType,
            Key = original.Key,
            NewLoadRunFileId = file,
            Status = "Completed",
            RowsRead = rows.Count,
            RowsIngested = rows.Count,
            Staging = change,
            Reason = reason,
        };
        return await ReceiptStore.InsertAsync(connection, "repair", receipt, [], undoes: null, cancellationToken).ConfigureAwait(false);
    }

    private static Dictionary<string, string?> Correct(ExtractTable table, OpenRow row, RowCorrection correction)
    {
        var unknown = correction.Values.Keys.FirstOrDefault(name => !table.RawColumns.Contains(name));
        if (unknown is not null)
        {
            throw Refuse(
                "RepairColumnUnknown",
                EtlErrorKind.InvalidInput,
                $"{table.RawName} has no column '{unknown}'.",
                row.RejectedRowId,
                $"Use the names of the raw columns: {string.Join(", ", table.RawColumns.Take(20))}{(table.RawColumns.Count > 20 ? ", ..." : "")}.");
        }

        var values = row.Fields is null
            ? new Dictionary<string, string?>(StringComparer.Ordinal)
            : JsonSerializer.Deserialize<Dictionary<string, string?>>(row.Fields)!;
        foreach (var (name, value) in correction.Values)
        {
            values[name] = value;
        }

        return values;
    }

    private static async Task CopyAsync(
        NpgsqlConnection connection,
        ExtractTable table,
        string segment,
        int file,
        List<(OpenRow Row, Dictionary<string, string?> Values)> rows,
        CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            $"COPY {segment} ({SqlIdentifier.List(table.RawColumns)}, {Lineage.FileId}, {Lineage.RowNumber}) FROM STDIN (FORMAT BINARY)",
            cancellationToken).ConfigureAwait(false);
        foreach (var (row, values) in rows)
        {
            await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
            foreach (var column in table.RawColumns)
            {
                if (values.GetValueOrDefault(column) is { } value)
                {
                    await copy.WriteAsync(value, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    await copy.WriteNullAsync(cancellationToken).ConfigureAwait(false);
                }
            }

            await copy.WriteAsync(file, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            if (row.RowNumber is { } number)
            {
                await copy.WriteAsync(number, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await copy.WriteNullAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Says it of the rejected rows that were to be repaired: an admin knows them by no other number.</summary>
    private static async Task<EtlException> StillInvalidAsync(
        NpgsqlConnection connection, int file, List<OpenRow> rows, CancellationToken cancellationToken)
    {
        var invalid = (await connection.QueryAsync<(long? RowNumber, string[] Reasons)>(new CommandDefinition(
            RepairSql.Reasons, new { file }, cancellationToken: cancellationToken)).ConfigureAwait(false))
            .Select(refused => (Row: RejectedRows(refused.RowNumber), refused.Reasons))
            .ToList();
        var more = invalid.Count > MostRowsTold ? $"; and {invalid.Count - MostRowsTold} more" : "";
        return new EtlException(
            EtlErrorKind.Data,
            "RepairStillInvalid",
            $"Nothing was repaired: {string.Join("; ", invalid.Take(MostRowsTold).Select(row => $"{row.Row}: {string.Join(", ", row.Reasons)}"))}{more}.",
            invalid[0].Row,
            "Correct the named columns and run the command again.");

        // Rows of an adopted table have no number; there the message names all that it can be.
        string RejectedRows(long? number) =>
            "rejected row " + string.Join(" or ", rows.Where(row => row.RowNumber == number).Select(row => row.RejectedRowId));
    }

    private static EtlException Refuse(string id, EtlErrorKind kind, string message, long row, string nextStep) =>
        new(kind, id, message, $"rejected row {row}", nextStep);

    private sealed record OpenRow
    {
        public long RejectedRowId { get; init; }
        public Guid LoadRunId { get; init; }
        public int LoadRunFileId { get; init; }
        public string ExtractType { get; init; } = "";
        public string Key { get; init; } = "";
        public DateTime ExtractedAt { get; init; }
        public long? RowNumber { get; init; }
        public string? Fields { get; init; }
        public bool IsClosed { get; init; }
        public bool IsOfFailedFile { get; init; }
    }
}
