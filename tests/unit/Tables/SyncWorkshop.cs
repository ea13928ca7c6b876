using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>A source with tables, a database for the copies, and the engine between them.</summary>
internal sealed class SyncWorkshop : IAsyncDisposable
{
    private const string Null = "<null>";

    private SyncWorkshop(MariaDbDatabase source, PostgresDatabase copy)
    {
        Source = source;
        Copy = copy;
        Database = copy.OpenEtl();
    }

    public MariaDbDatabase Source { get; }

    public PostgresDatabase Copy { get; }

    public EtlDatabase Database { get; }

    /// <summary>Without overlap, so that a watermark has to be right to the second.</summary>
    public TableSyncSettings Settings { get; set; } = new() { Overlap = TimeSpan.Zero };

    public TableSyncConfig Config { get; set; } = new();

    public SourceConnection Connection => ConnectionTo(Source.Port, Source.Name);

    public TableSyncEngine Engine => new(Database, Connection, Config, Settings);

    public static SourceConnection ConnectionTo(int port, string database) => new()
    {
        Name = "practice",
        Host = "127.0.0.1",
        Port = port,
        Database = database,
        UserName = "root",
    };

    public static async Task<SyncWorkshop> CreateAsync(string sql, params TableConfig[] tables) => new(
        await MariaDbDatabase.CreateAsync(sql), await PostgresDatabase.CreateWithSchemaAsync())
    {
        Config = new TableSyncConfig { Tables = tables },
    };

    /// <summary>Syncs everything, and fails where a table does.</summary>
    public async Task<IReadOnlyList<TableSync>> SyncAsync(TableSyncOptions? options = null)
    {
        var done = await Engine.SyncAsync(options ?? new TableSyncOptions(), progress: null, CancellationToken.None);
        foreach (var sync in done)
        {
            Assert.True(sync.Status == TableSyncStatus.Completed, $"{sync.Name}: {sync.ErrorCode} {sync.Error}");
        }

        return done;
    }

    public async Task<TableSync> SyncOneAsync(TableSyncOptions? options = null) => Assert.Single(await SyncAsync(options));

    /// <summary>Syncs one table, which fails.</summary>
    public async Task<TableSync> FailAsync(TableSyncOptions? options = null)
    {
        var sync = Assert.Single(await Engine.SyncAsync(options ?? new TableSyncOptions(), progress: null, CancellationToken.None));
        Assert.Equal(TableSyncStatus.Failed, sync.Status);
        return sync;
    }

    /// <summary>The rows of a table on both sides, asked for in each side's own words: what is the same is the same there.</summary>
    public async Task AssertEqualAsync(string table, string? sourceExpression = null, string? copyExpression = null, params string[] columns)
    {
        sourceExpression ??= $"CONCAT_WS('|', {string.Join(", ", columns.Select(column => $"IFNULL(`{column}`, '{Null}')"))})";
        copyExpression ??= $"concat_ws('|', {string.Join(", ", columns.Select(column => $"coalesce(\"{column}\"::text, '{Null}')"))})";
        var source = await Source.ExecuteAsync($"SELECT {sourceExpression} FROM `{table}`");
        var copy = await Copy.QueryAsync<string>($"SELECT {copyExpression} FROM raw.\"{table}\"");
        Assert.Equal(source.Order(StringComparer.Ordinal), copy.Order(StringComparer.Ordinal));
    }

    /// <summary>The copy's rows with the transactions that wrote them: equal where nothing was touched.</summary>
    public async Task<string> VersionsAsync(string table) =>
        string.Join('\n', await Copy.QueryAsync<string>($"SELECT ctid::text || xmin::text || t::text FROM raw.\"{table}\" t ORDER BY ctid"));

    public Task<long> CountAsync(string table) => Copy.ScalarAsync<long>($"SELECT count(*) FROM {table}");

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await Copy.DisposeAsync();
        await Source.DisposeAsync();
    }
}
