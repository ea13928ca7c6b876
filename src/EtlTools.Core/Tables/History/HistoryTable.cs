using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using Npgsql;

namespace EtlTools.Core.Tables.History;

/// <summary>Keeps the old versions of a copy's rows, in the transaction that changes them.</summary>
internal static class HistoryTable
{
    /// <summary>Makes the history table, or makes it fit a copy that has changed.</summary>
    public static async Task EnsureAsync(NpgsqlConnection connection, TargetTable table, CancellationToken cancellationToken)
    {
        var schema = HistorySql.SchemaOf(table.Schema);
        var history = await TargetTable.ReadAsync(connection, schema, table.Name, cancellationToken).ConfigureAwait(false);
        List<string> statements = [];
        if (!history.Exists)
        {
            statements.Add(HistorySql.Create(table));
        }

        foreach (var column in table.Columns.Where(_ => history.Exists))
        {
            if (history.Find(column.Name) is not { } kept)
            {
                statements.Add(TargetSql.AddColumn(history.Qualified, column.Name, column.Type));
            }
            else if (kept.Type != column.Type)
            {
                statements.Add(TargetSql.ChangeType(history.Qualified, column.Name, column.Type));
            }
        }

        foreach (var statement in statements)
        {
            await connection.ExecuteAsync(new CommandDefinition(statement, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
    }

    /// <summary>Notes what the differences found are about to change.</summary>
    public static async Task KeepAsync(NpgsqlConnection connection, TablePlan plan, long tableSyncId, CancellationToken cancellationToken)
    {
        await EnsureAsync(connection, plan.Target, cancellationToken).ConfigureAwait(false);
        foreach (var sql in new[] { HistorySql.KeepOld(plan.Target), HistorySql.NoteNew(plan) })
        {
            await connection.ExecuteAsync(new CommandDefinition(
                sql, new { id = tableSyncId }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
    }

    /// <summary>Lets go of what is older than it is to be kept. In a transaction of its own.</summary>
    public static async Task ClearAsync(NpgsqlConnection connection, TargetTable table, TimeSpan retention, CancellationToken cancellationToken)
    {
        var last = await connection.ExecuteScalarAsync<long?>(new CommandDefinition(
            HistorySql.FindOld, new { schema = table.Schema, table = table.Name, retention }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (last is null)
        {
            return;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        if (await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            HistorySql.Exists, new { name = HistorySql.NameOf(table) }, cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                HistorySql.ClearOld(table), new { last }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }

        await connection.ExecuteAsync(new CommandDefinition(
            HistorySql.NoteCleared, new { schema = table.Schema, table = table.Name, last }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        CrashPoint.Pass("table.before-clear-commit");
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }
}
