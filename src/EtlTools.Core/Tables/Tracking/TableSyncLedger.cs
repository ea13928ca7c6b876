using System.Runtime.CompilerServices;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using Npgsql;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>Reads what was done to the copies of tables. Neither source nor configuration is needed for it.</summary>
public sealed class TableSyncLedger(EtlDatabase database)
{
    /// <summary>Syncs and undos, the newest first, as they are read.</summary>
    /// <exception cref="EtlException">TableSyncNotFound where a table, a source or a run is not known; SchemaMissing, those of connecting.</exception>
    public async IAsyncEnumerable<RecordedTableSync> GetSyncsAsync(TableSyncQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await RequireAsync(connection, query, cancellationToken).ConfigureAwait(false);
        var parameters = new Dictionary<string, object>
        {
            ["names"] = query.Names.ToArray(),
            ["sources"] = Sources(query),
            ["runs"] = query.TableSyncRunIds.ToArray(),
            ["statuses"] = query.Status.Select(Words.Of).ToArray(),
            ["modes"] = query.Mode.Select(Words.Of).ToArray(),
            ["since"] = query.Since?.UtcDateTime ?? DateTime.UnixEpoch,
            ["first"] = (long)(query.First ?? int.MaxValue),
        };
        await foreach (var sync in RowStream.ReadAsync(connection, TableSyncLedgerSql.Select, parameters, ToSync, "etl.table_syncs", cancellationToken).ConfigureAwait(false))
        {
            yield return sync;
        }
    }

    private static string[] Sources(TableSyncQuery query) => query.Source is null ? [] : [query.Source];

    private async Task RequireAsync(NpgsqlConnection connection, TableSyncQuery query, CancellationToken cancellationToken)
    {
        string? unknown;
        try
        {
            unknown = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
                TableSyncLedgerSql.FindUnknown,
                new { names = query.Names.ToArray(), runs = query.TableSyncRunIds.ToArray(), sources = Sources(query) },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }

        if (unknown is not null)
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "TableSyncNotFound", $"No sync of a {unknown} is known.", unknown, "Get-TableSync without a parameter lists the syncs that there were.");
        }
    }

    private static RecordedTableSync ToSync(NpgsqlDataReader row) => new()
    {
        TableSyncId = row.GetInt64(0),
        TableSyncRunId = row.GetGuid(1),
        Name = row.GetString(2),
        Source = row.GetString(3),
        Schema = row.GetString(4),
        Importance = Words.Parse<TableImportance>(row.GetString(5)),
        Mode = Words.Parse<SyncMode>(row.GetString(6)),
        Status = Words.Parse<TableSyncStatus>(row.GetString(7)),
        StartedAt = At(row, 8)!.Value,
        FinishedAt = At(row, 9),
        RowsRead = row.GetInt64(10),
        RowsInserted = row.GetInt64(11),
        RowsUpdated = row.GetInt64(12),
        RowsDeleted = row.GetInt64(13),
        Verified = row.IsDBNull(14) ? null : row.GetDouble(14),
        Drift = row.GetFieldValue<string[]>(15),
        CanUndo = row.GetBoolean(16),
        UndoneAt = At(row, 17),
        UndoneByTableSyncId = row.IsDBNull(18) ? null : row.GetInt64(18),
        RequestedBy = row.GetString(19),
        Reason = Text(row, 20),
        ErrorCode = Text(row, 21),
        Error = Text(row, 22),
    };

    private static DateTimeOffset? At(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : new DateTimeOffset(row.GetDateTime(column));

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
