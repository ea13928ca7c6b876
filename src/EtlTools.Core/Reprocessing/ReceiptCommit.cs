using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>Commits work that a receipt stands for. Where the answer to COMMIT is lost, the receipt tells how it ended.</summary>
internal static class ReceiptCommit
{
    /// <param name="database">To ask, on another connection.</param>
    /// <param name="transaction">Has written the receipt.</param>
    /// <param name="receipt">Its id.</param>
    /// <exception cref="EtlException">As those of <see cref="ConfirmedCommit"/>.</exception>
    public static Task CommitAsync(EtlDatabase database, NpgsqlTransaction transaction, Guid receipt) => ConfirmedCommit.CommitAsync(
        database,
        transaction,
        $"receipt {receipt}",
        "Once the database answers, Get-LoadRun -Kind Reprocess, Undo shows the run, and Get-LoadFile its files as completed, where it did.",
        (connection, token) => connection.QuerySingleAsync<bool>(new CommandDefinition(
            ReprocessSql.HasReceipt, new { receipt }, cancellationToken: token)),
        CancellationToken.None);
}
