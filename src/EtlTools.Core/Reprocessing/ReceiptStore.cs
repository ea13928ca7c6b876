using Dapper;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>Receipts in the ledger.</summary>
internal static class ReceiptStore
{
    /// <summary>Writes the receipt in the caller's transaction and returns it with its id.</summary>
    public static async Task<ReprocessReceipt> InsertAsync(
        NpgsqlConnection connection,
        string kind,
        ReprocessReceipt receipt,
        IReadOnlyList<int> oldFiles,
        Guid? undoes,
        CancellationToken cancellationToken)
    {
        var staging = receipt.Staging;
        var written = await connection.QuerySingleAsync<Written>(new CommandDefinition(
            ReprocessSql.InsertReceipt,
            new
            {
                run = receipt.LoadRunId,
                kind,
                undoes,
                receipt.ExtractType,
                old = oldFiles.ToArray(),
                @new = receipt.NewLoadRunFileId,
                receipt.SkipRaw,
                receipt.HardDelete,
                receipt.SourceChanged,
                receipt.RowsRead,
                receipt.RowsIngested,
                receipt.RowsRejected,
                table = staging?.Table,
                inserted = staging?.Inserted ?? 0,
                changed = staging?.Changed ?? 0,
                withdrawn = staging?.Withdrawn ?? 0,
                restored = staging?.Restored ?? 0,
                unchanged = staging?.Unchanged ?? 0,
                rejected = staging?.Rejected ?? 0,
                receipt.Reason,
            },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return receipt with { ReceiptId = written.ReceiptId, RequestedBy = written.RequestedBy, At = written.At };
    }

    /// <summary>A file that was loaded without staging has been staged: its receipt says now what that did.</summary>
    public static Task CompleteLoadAsync(NpgsqlConnection connection, int file, StagingChange staging, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            ReprocessSql.CompleteLoad,
            new { file, staging.Table, staging.Inserted, staging.Changed, staging.Withdrawn, staging.Restored, staging.Unchanged, staging.Rejected },
            cancellationToken: cancellationToken));

    /// <param name="connection">In a transaction, where there is one.</param>
    /// <param name="receipts">These.</param>
    /// <param name="runs">All that these runs left.</param>
    /// <param name="files">Those by which these files came.</param>
    /// <param name="cancellationToken">Stops the statement.</param>
    public static async Task<List<StoredReceipt>> FindAsync(
        NpgsqlConnection connection, IReadOnlyList<Guid> receipts, IReadOnlyList<Guid> runs, IReadOnlyList<int> files, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<StoredReceipt>(new CommandDefinition(
            ReprocessSql.Receipts,
            new { receipts = receipts.ToArray(), runs = runs.ToArray(), files = files.ToArray() },
            cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();

    private sealed record Written
    {
        public Guid ReceiptId { get; init; }
        public string RequestedBy { get; init; } = "";
        public DateTime At { get; init; }
    }
}

/// <summary>A receipt as the ledger has it.</summary>
internal sealed record StoredReceipt
{
    public Guid ReceiptId { get; init; }
    public Guid LoadRunId { get; init; }
    public string Kind { get; init; } = "";
    public string ExtractType { get; init; } = "";
    public string Key { get; init; } = "";
    public int[] OldFiles { get; init; } = [];
    public int? NewFile { get; init; }
    public bool SkipRaw { get; init; }
    public bool HardDelete { get; init; }
    public bool SourceChanged { get; init; }
    public long RowsRead { get; init; }
    public long RowsIngested { get; init; }
    public long RowsRejected { get; init; }
    public string? StagingTable { get; init; }
    public long Inserted { get; init; }
    public long Changed { get; init; }
    public long Withdrawn { get; init; }
    public long Restored { get; init; }
    public long Unchanged { get; init; }
    public long Rejected { get; init; }
    public string RequestedBy { get; init; } = "";
    public string Reason { get; init; } = "";
    public DateTime At { get; init; }
    public Guid? UndoneBy { get; init; }

    public ReprocessReceipt ToReceipt() => new()
    {
        ReceiptId = ReceiptId,
        LoadRunId = LoadRunId,
        ExtractType = ExtractType,
        Key = Key,
        OldLoadRunFileId = OldFiles.Length > 0 ? OldFiles[^1] : null,
        NewLoadRunFileId = NewFile,
        Status = "Completed",
        RowsRead = RowsRead,
        RowsIngested = RowsIngested,
        RowsRejected = RowsRejected,
        Staging = StagingTable is null ? null : new StagingChange
        {
            ExtractType = ExtractType,
            Table = StagingTable,
            Inserted = Inserted,
            Changed = Changed,
            Withdrawn = Withdrawn,
            Restored = Restored,
            Unchanged = Unchanged,
            Rejected = Rejected,
        },
        SkipRaw = SkipRaw,
        HardDelete = HardDelete,
        SourceChanged = SourceChanged,
        Reason = Reason,
        RequestedBy = RequestedBy,
        At = At,
        UndoneByReceiptId = UndoneBy,
    };
}
