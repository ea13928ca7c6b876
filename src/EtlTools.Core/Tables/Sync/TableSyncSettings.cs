namespace EtlTools.Core.Tables.Sync;

/// <summary>Where the copies of a source are, and how they are kept.</summary>
public sealed record TableSyncSettings
{
    public const string DefaultSchema = "raw";

    /// <summary>The schema of the copies.</summary>
    public string Schema { get; init; } = DefaultSchema;

    /// <summary>How long a sync can be undone: so long the old versions of changed rows are kept. Zero: not at all.</summary>
    public TimeSpan HistoryRetention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// So far before its watermark an incremental sync begins to read: a row is stamped before it is committed, and rows that
    /// are committed later must not be missed. Rows that are read again unchanged are not touched.
    /// </summary>
    public TimeSpan Overlap { get; init; } = TimeSpan.FromMinutes(10);
}
