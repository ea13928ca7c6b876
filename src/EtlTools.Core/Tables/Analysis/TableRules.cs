using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>The configuration that a table deserves.</summary>
internal static class TableRules
{
    /// <summary>Smaller tables are read whole each time: that costs less than to ask what is new.</summary>
    private const long SmallRows = 10_000;

    private const long MediumRows = 100_000;
    private const long LargeRows = 1_000_000;
    private const int LookbackDays = 30;
    private const double MegabytesPerMinute = 10;

    // A chunk is staged, sorted and merged in memory where it fits.
    private const long ChunkBytes = 64 << 20;
    private const int SmallestBatch = 1000;

    public static TableConfig Of(SourceTable table, SourceReferences references, IncrementalColumns columns, DateWindow window)
    {
        var importance = ImportanceRules.Of(table, references, columns);

        // A log by its name, with a key that grows: its last key is as good as any date.
        var grows = table.Key is [var key] && table.Find(key) is { IsAutoIncrement: true };
        var isAppendOnly = ImportanceRules.IsAuditName(table.Name) && !columns.HasEditStamp && grows;
        var incremental = columns.Trusted.Count > 0 || !isAppendOnly ? columns.Trusted : table.Key;
        var strategy = StrategyOf(table, isAppendOnly || columns.TellsUpdates);
        var megabytes = table.Bytes / 1048576.0;
        return new TableConfig
        {
            Name = table.Name,
            Importance = importance,
            Strategy = strategy,
            BatchSize = BatchSizeOf(table),
            IncrementalColumns = incremental,
            RejectedColumns = columns.Rejected,

            // A stamp that the server sets tells of every change: to ask for others as well would only cost.
            IncrementalLogic = incremental.Count < 2 || columns.IsServerStamp ? IncrementalLogic.SingleColumn : IncrementalLogic.Or,
            MinDate = window.Min,
            MaxDate = window.Max,
            PrimaryKey = table.Key,
            Profile = columns.HasEditStamp ? SyncProfile.InPlaceUpdates : isAppendOnly ? SyncProfile.AppendOnly : SyncProfile.Unknown,
            Lookback = strategy != SyncStrategy.FullTable && columns is { HasEditStamp: true, IsServerStamp: false, BusinessDays.Count: > 0 }
                ? new LookbackWindow(LookbackDays, columns.BusinessDays) : null,
            Dependencies = references.DependenciesOf(table.Name),
            Monitoring = new TableMonitoring
            {
                TimeLimit = TimeSpan.FromMinutes(Math.Clamp(Math.Ceiling(megabytes / MegabytesPerMinute), 5, 180)),
                Threshold = importance == TableImportance.Critical ? TableMonitoring.CriticalThreshold : TableMonitoring.DefaultThreshold,
                OverdueAfter = TimeSpan.FromDays(importance is TableImportance.Critical or TableImportance.Important ? 1 : importance == TableImportance.Reference ? 7 : 2),
            },
            EstimatedRows = table.EstimatedRows,
            EstimatedMegabytes = Math.Round(megabytes, 2),
            SchemaHash = SchemaHash.Of(table),
        };
    }

    private static SyncStrategy StrategyOf(SourceTable table, bool tellsChanges) => table switch
    {
        { Key.Count: 0 } or { EstimatedRows: < SmallRows } => SyncStrategy.FullTable,
        _ when !tellsChanges => SyncStrategy.FullTable,
        { EstimatedRows: >= LargeRows } when TableDecision.CanChunk(table, table.Key) => SyncStrategy.IncrementalChunked,
        _ => SyncStrategy.Incremental,
    };

    /// <summary>By the table's size, and less where rows are wide.</summary>
    private static int BatchSizeOf(SourceTable table)
    {
        var batch = table.EstimatedRows switch
        {
            < SmallRows => 5_000,
            < MediumRows => 10_000,
            < LargeRows => 50_000,
            _ => 100_000,
        };
        var width = table.Bytes / Math.Max(1, table.EstimatedRows);
        while (batch / 2 >= SmallestBatch && batch * width > ChunkBytes)
        {
            batch /= 2;
        }

        return batch;
    }
}
