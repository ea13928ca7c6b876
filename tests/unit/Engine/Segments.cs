using EtlTools.Tests.Faults;

namespace EtlTools.Tests.Engine;

/// <summary>What became of a workshop's raw segments.</summary>
internal static class Segments
{
    private const string KeyIndexes = """
        SELECT x.indexrelid FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am m ON m.oid = c.relam
        WHERE m.amname = 'btree' AND x.indrelid = to_regclass(s.segment)
        """;

    /// <summary>Those of persons, in order: open, closed or sealed.</summary>
    public static Task<IReadOnlyList<string>> StatesAsync(EngineWorkshop work) => work.Database.QueryAsync<string>("""
        SELECT split_part(replace(segment, '"', ''), '.', 2) || CASE
            WHEN sealed_at IS NOT NULL THEN ' sealed' WHEN closed_at IS NOT NULL THEN ' closed' ELSE ' open' END
        FROM etl.raw_segments WHERE raw_table = 'raw.persons' ORDER BY segment_no
        """);

    /// <summary>A sealed segment has its key index once, others have none, and none is left closed.</summary>
    public static async Task AssertIndexedAsync(EngineWorkshop work)
    {
        Assert.NotEmpty(await work.Database.QueryAsync<string>("SELECT segment FROM etl.raw_segments WHERE sealed_at IS NOT NULL"));
        Assert.Empty(await work.Database.QueryAsync<string>($"""
            SELECT segment FROM etl.raw_segments s
            WHERE (SELECT count(*) FROM ({KeyIndexes}) k) <> CASE WHEN sealed_at IS NULL THEN 0 ELSE 1 END
               OR (closed_at IS NOT NULL AND sealed_at IS NULL)
            """));
    }

    /// <summary>Tables whose key index has been read. Ends the engine's sessions, which then give account of it.</summary>
    public static async Task<IReadOnlyList<string>> ReadByKeyAsync(EngineWorkshop work)
    {
        await work.Database.EndSessionsAsync();
        return await work.Database.QueryAsync<string>("""
            SELECT relname FROM pg_stat_user_indexes
            WHERE schemaname IN ('raw', 'raw_segments') AND indexrelname LIKE '%hashtext%' AND idx_scan > 0
            ORDER BY relname
            """);
    }
}
