using System.Collections.Concurrent;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;
using Npgsql;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>What an audit of one database needs: its tables, and lanes that are used again.</summary>
internal sealed class AuditSession : IAsyncDisposable
{
    private readonly EtlDatabase _database;
    private readonly MetricCatalogue _catalogue;
    private readonly bool _records;
    private readonly ConcurrentBag<Lane> _free = [];

    private AuditSession(EtlDatabase database, IngestionTable ingestions, MetricCatalogue catalogue, bool records)
    {
        _database = database;
        Ingestions = ingestions;
        _catalogue = catalogue;
        _records = records;
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
        catch (NpgsqlException error)
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    public Task<(long Count, long Bytes)> CountAsync(IngestionPager pager, CancellationToken cancellationToken) =>
        Transient.AskAsync(
            Ingestions.Name,
            async token =>
            {
                await using var connection = await _database.OpenAsync(token).ConfigureAwait(false);
                return await pager.CountAsync(connection, token).ConfigureAwait(false);
            },
            cancellationToken);

    public Task<IReadOnlyList<IngestionRef>> NextPageAsync(IngestionPager pager, CancellationToken cancellationToken) =>
        Transient.AskAsync(
            Ingestions.Name,
            async token =>
            {
                await using var connection = await _database.OpenAsync(token).ConfigureAwait(false);
                return await pager.NextAsync(connection, token).ConfigureAwait(false);
            },
            cancellationToken);

    /// <summary>Audits a batch; again on new sessions where the fault passes.</summary>
    public Task<IReadOnlyList<IngestionAudit>> AuditAsync(
        IReadOnlyList<IngestionRef> batch, Action<long, long> onRead, CancellationToken cancellationToken)
    {
        var isRepeated = false;
        return Task.Run(
            () => Transient.AskAsync(
                Ingestions.Name,
                async token =>
                {
                    var report = isRepeated ? (_, _) => { } : onRead;
                    isRepeated = true;
                    var lane = _free.TryTake(out var free)
                        ? free
                        : await Lane.OpenAsync(_database, _catalogue, Ingestions, isAudit: true, token).ConfigureAwait(false);
                    var isSound = false;
                    try
                    {
                        var audits = await new AuditBatch(lane, batch, _records).RunAsync(report, token).ConfigureAwait(false);
                        isSound = true;
                        return audits;
                    }
                    finally
                    {
                        if (isSound)
                        {
                            _free.Add(lane);
                        }
                        else
                        {
                            await lane.DisposeAsync().ConfigureAwait(false);
                        }
                    }
                },
                cancellationToken),
            cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        while (_free.TryTake(out var lane))
        {
            await lane.DisposeAsync().ConfigureAwait(false);
        }
    }
}
