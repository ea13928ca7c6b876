using System.Globalization;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>Reads how the copies of a source stand. The source itself is not asked.</summary>
/// <param name="database">Where the copies are.</param>
/// <param name="source">The name of the source.</param>
/// <param name="config">Its tables.</param>
/// <param name="settings">Where its copies are.</param>
public sealed class TableStatusReader(EtlDatabase database, string source, TableSyncConfig config, TableSyncSettings settings)
{
    /// <summary>The tables that are meant, the most important first.</summary>
    /// <exception cref="EtlException">TableNotConfigured, SchemaMissing, those of connecting.</exception>
    public async Task<IReadOnlyList<TableStatus>> ReadAsync(TableSyncOptions options, CancellationToken cancellationToken)
    {
        var tables = SyncOrder.Select(config, options);
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        var rows = await Transient.AskAsync(
            database,
            "etl.table_syncs",
            (connection, token) => connection.QueryAsync<Row>(new CommandDefinition(
                TableStatusSql.Select,
                new { names = tables.Select(table => table.Name).ToArray(), schema = settings.Schema, source },
                cancellationToken: token)),
            cancellationToken).ConfigureAwait(false);
        var byName = rows.ToDictionary(row => row.Name, StringComparer.Ordinal);
        return tables
            .OrderBy(table => table.Importance)
            .Select(table => ToStatus(table, byName[table.Name], DateTimeOffset.UtcNow))
            .ToList();
    }

    private TableStatus ToStatus(TableConfig table, Row row, DateTimeOffset now)
    {
        var lastSuccess = row.LastSuccessAt is { } at ? new DateTimeOffset(DateTime.SpecifyKind(at, DateTimeKind.Utc)) : (DateTimeOffset?)null;
        var overdueAfter = table.Monitoring.OverdueAfter ?? TableMonitoring.DefaultOverdueAfter;
        var lag = now - lastSuccess;
        var isOverdue = lag is null || lag > overdueAfter;
        var last = row.LastSeconds is > 0 and { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        return new TableStatus
        {
            Name = table.Name,
            Source = source,
            Schema = settings.Schema,
            Importance = table.Importance,
            Strategy = table.Strategy,
            Condition = ConditionOf(row, isOverdue),
            TableSyncId = row.TableSyncId,
            LastSuccessAt = lastSuccess,
            Lag = lag,
            OverdueAfter = overdueAfter,
            IsOverdue = isOverdue,
            Watermark = NewestOf(TableState.Parse(row.State)),
            Rows = row.Rows,
            RowsRead = row.RowsRead ?? 0,
            RowsChanged = row.RowsChanged ?? 0,
            RowsPerSecond = last is { } duration && row.RowsRead is { } read ? read / duration.TotalSeconds : null,
            LastDuration = last,
            EstimatedDuration = row.ExpectedSeconds is { } expected ? TimeSpan.FromSeconds(expected) : null,
            Verified = row.Verified,
            Failures = row.Failures,
            ErrorCode = row.Status is "failed" or "interrupted" ? row.ErrorCode : null,
            Error = row.Status is "failed" or "interrupted" ? row.Error : null,
        };
    }

    private static TableCondition ConditionOf(Row row, bool isOverdue) => row.Status switch
    {
        "running" => TableCondition.Running,
        "interrupted" => TableCondition.Interrupted,
        "failed" => TableCondition.Failed,
        _ when row.IsUndone == true => TableCondition.Undone,
        _ when row.LastSuccessAt is null => TableCondition.Pending,
        _ => isOverdue ? TableCondition.Overdue : TableCondition.Synced,
    };

    private static DateTime? NewestOf(TableState state) => state.Watermarks.Values
        .Select(text => DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : (DateTime?)null)
        .Max();

    private sealed record Row
    {
        public string Name { get; init; } = "";
        public DateTime? LastSuccessAt { get; init; }
        public string? State { get; init; }
        public long? TableSyncId { get; init; }
        public bool? IsUndone { get; init; }
        public string? Status { get; init; }
        public string? ErrorCode { get; init; }
        public string? Error { get; init; }
        public long? RowsRead { get; init; }
        public long? RowsChanged { get; init; }
        public double? LastSeconds { get; init; }
        public double? Verified { get; init; }
        public double? ExpectedSeconds { get; init; }
        public int Failures { get; init; }
        public long? Rows { get; init; }
    }
}
