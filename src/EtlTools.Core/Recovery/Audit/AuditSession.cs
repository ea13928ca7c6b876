using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>What an audit of one database needs: its tables, and lanes that are used again.</summary>
internal sealed class AuditSession : IAsyncDisposable
{
    private readonly EtlDatabase _database;
    private readonly Pool<Lane> _lanes;
    private readonly bool _records;

    private AuditSession(EtlDatabase database, IngestionTable ingestions, MetricCatalogue catalogue, bool records)
    {
        _database = database;
        _lanes = new Pool<Lane>(token => Lane.OpenAsync(database, catalogue, ingestions, isAudit: true, token), lane => lane.IsSound);
        _records = records;
        Ingestions = ingestions;
    }

    public IngestionTable Ingestions { get; }

    public static async Task<AuditSession> OpenAsync(EtlDatabase database, MetricMap map, string? schema, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var ingestions = await IngestionTableReader.RequireAsync(connection, schema, cancellationToken).ConfigureAwait(false);
            var catalogue = await MetricTableReader.ReadAsync(connection, ingestions.Schema, map, cancellationToken).ConfigureAwait(false);
            var records = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                AuditSql.CanRecord, cancellationToken: cancellationToken)).ConfigureAwait(false);
            return new AuditSession(database, ingestions, catalogue, records);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    public Task<(long Count, long Bytes)> CountAsync(IngestionPager pager, CancellationToken cancellationToken) =>
        Transient.AskAsync(_database, Ingestions.Name, pager.CountAsync, cancellationToken);

    public Task<IReadOnlyList<IngestionRef>> NextPageAsync(IngestionPager pager, CancellationToken cancellationToken) =>
        Transient.AskAsync(_database, Ingestions.Name, pager.NextAsync, cancellationToken);

    /// <summary>Audits a batch; again on new sessions where the fault passes.</summary>
    public Task<IReadOnlyList<IngestionAudit>> AuditAsync(
        IReadOnlyList<IngestionRef> batch, Action<long, long> onRead, CancellationToken cancellationToken)
    {
        var isRepeated = false;
        return Task.Run(
            () => Transient.AskAsync(
                Ingestions.Name,
                token =>
                {
                    var report = isRepeated ? (_, _) => { } : onRead;
                    isRepeated = true;
                    return _lanes.UseAsync(lane => new AuditBatch(lane, batch, _records).RunAsync(report, token), token);
                },
                cancellationToken),
            cancellationToken);
    }

    public ValueTask DisposeAsync() => _lanes.DisposeAsync();
}
