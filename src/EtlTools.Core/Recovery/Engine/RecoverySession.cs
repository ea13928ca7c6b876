using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Engine;

/// <summary>What a recovery of one database needs: its tables, the words for a status, which ingestions are meant.</summary>
internal sealed class RecoverySession : IAsyncDisposable
{
    private RecoverySession(EtlDatabase database, RecoveryOptions options, IngestionTable ingestions, MetricCatalogue catalogue, StatusWords words)
    {
        Database = database;
        Options = options;
        Ingestions = ingestions;
        Lanes = new Pool<Lane>(token => Lane.OpenAsync(database, catalogue, ingestions, isAudit: false, token), lane => lane.IsSound);
        Words = words;
        Status = options switch
        {
            { RawIngestionIds.Count: > 0, Status.Count: 0, IsLegacy: false } => [],
            { Status.Count: > 0 } => options.Status,
            { IsLegacy: true } => words.Error,
            _ => words.Lost,
        };
    }

    public EtlDatabase Database { get; }

    public RecoveryOptions Options { get; }

    public IngestionTable Ingestions { get; }

    public Pool<Lane> Lanes { get; }

    public StatusWords Words { get; }

    /// <summary>Only ingestions with one of these; empty: whatever it is.</summary>
    public IReadOnlyList<string> Status { get; }

    public IngestionFilter Filter => new()
    {
        Ids = Options.RawIngestionIds,
        UserIds = Options.UserIds,
        Status = Status,
        RecordedCauses = Options.IsLegacy ? [LossCause.ParameterLimit] : [],
    };

    public static async Task<RecoverySession> OpenAsync(
        EtlDatabase database, MetricMap map, RecoveryOptions options, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var ingestions = await IngestionTableReader.RequireAsync(connection, options.Schema, cancellationToken).ConfigureAwait(false);
            StatusWords.Require(ingestions, options.Status);
            var words = await StatusWords.ReadAsync(connection, ingestions, cancellationToken).ConfigureAwait(false);
            var catalogue = await MetricTableReader.ReadAsync(connection, ingestions.Schema, map, cancellationToken).ConfigureAwait(false);
            BatchEnvironment.Require(catalogue, Environment.GetEnvironmentVariable);
            var unknown = await UnknownIngestions.FindAsync(
                connection, ingestions, options.RawIngestionIds, options.UserIds, cancellationToken).ConfigureAwait(false);
            if (unknown.Count > 0)
            {
                throw unknown[0];
            }

            return new RecoverySession(database, options, ingestions, catalogue, words);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    public ValueTask DisposeAsync() => Lanes.DisposeAsync();
}
