using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>Enumerations as the ledger and the configuration write them.</summary>
internal static class Words
{
    public static string Of(TableImportance importance) => importance.ToString().ToLowerInvariant();

    public static string Of(SyncMode mode) => mode.ToString().ToLowerInvariant();

    public static string Of(TableSyncStatus status) => status.ToString().ToLowerInvariant();

    public static string Of(SyncStrategy strategy) => strategy switch
    {
        SyncStrategy.Incremental => "incremental",
        SyncStrategy.IncrementalChunked => "incremental_chunked",
        _ => "full_table",
    };

    public static string Of(SchemaContract contract) => contract switch
    {
        SchemaContract.Freeze => "freeze",
        SchemaContract.DiscardRow => "discard_row",
        SchemaContract.DiscardValue => "discard_value",
        _ => "evolve",
    };

    public static T Parse<T>(string word)
        where T : struct, Enum => Enum.Parse<T>(word.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
