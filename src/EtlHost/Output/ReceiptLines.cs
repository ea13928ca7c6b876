using EtlTools.Core.Reprocessing;

namespace EtlTools.Host.Output;

internal static class ReceiptLines
{
    /// <summary>One line a file, then its error, where it has one, on the standard error.</summary>
    public static void Write(ReprocessReceipt receipt)
    {
        Line.Write(
            ("receipt", receipt.ReceiptId),
            ("status", receipt.Status),
            ("run", receipt.LoadRunId),
            ("type", receipt.ExtractType),
            ("name", receipt.FileName),
            ("old_file", receipt.OldLoadRunFileId),
            ("new_file", receipt.NewLoadRunFileId),
            ("read", receipt.RowsRead),
            ("ingested", receipt.RowsIngested),
            ("rejected", receipt.RowsRejected),
            ("inserted", receipt.Staging?.Inserted),
            ("changed", receipt.Staging?.Changed),
            ("withdrawn", receipt.Staging?.Withdrawn),
            ("restored", receipt.Staging?.Restored),
            ("unchanged", receipt.Staging?.Unchanged),
            ("error", receipt.ErrorCode));
        if (receipt.Status == "Failed")
        {
            Failures.Write(
                receipt.ErrorCode ?? "ReprocessFailed",
                $"{receipt.Key}: {receipt.Error}",
                $"Nothing was changed. {receipt.NextStep ?? "Put the cause right and reprocess the file again."}");
        }
    }

    public static void Write(StagingChange change) => Line.Write(
        ("table", change.Table),
        ("inserted", change.Inserted),
        ("changed", change.Changed),
        ("withdrawn", change.Withdrawn),
        ("restored", change.Restored),
        ("unchanged", change.Unchanged),
        ("rejected", change.Rejected));
}
