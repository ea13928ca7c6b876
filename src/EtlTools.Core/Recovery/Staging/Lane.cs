using System.Data;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Tables;
using Npgsql;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>
/// One of several that work side by side: a session that reads payloads, and one that works on their metrics. While a payload
/// streams in, its session can do nothing else.
/// </summary>
internal sealed class Lane : IAsyncDisposable
{
    // Beside the reasons of faults and refusals: the mapping has no column for it.
    private const string UnknownField = "UnknownField";

    private Lane(NpgsqlConnection reading, NpgsqlConnection working, MetricCatalogue catalogue, IngestionTable ingestions, bool isAudit)
    {
        Reading = reading;
        Working = working;
        Ingestions = ingestions;
        Catalogue = catalogue;
        Stage = new MetricStage(catalogue, working, isAudit);
        Reader = new PayloadReader(catalogue.Map);
    }

    public NpgsqlConnection Working { get; }

    /// <summary>Can be used again: its temporary tables are there still.</summary>
    public bool IsSound => Working.FullState == ConnectionState.Open;

    public IngestionTable Ingestions { get; }

    public MetricCatalogue Catalogue { get; }

    public MetricStage Stage { get; }

    private NpgsqlConnection Reading { get; }

    private PayloadReader Reader { get; }

    public static async Task<Lane> OpenAsync(
        EtlDatabase database, MetricCatalogue catalogue, IngestionTable ingestions, bool isAudit, CancellationToken cancellationToken)
    {
        var reading = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var working = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
            return new Lane(reading, working, catalogue, ingestions, isAudit);
        }
        catch
        {
            await reading.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads a payload into the stage.</summary>
    /// <param name="ingestion">Whose payload.</param>
    /// <param name="number">Its number in an audit's batch.</param>
    /// <param name="hashes">Whether <see cref="StagedPayload.Sha256"/> is wanted.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<StagedPayload> StageAsync(IngestionRef ingestion, int number, bool hashes, CancellationToken cancellationToken)
    {
        Stage.Begin(number, ingestion.UserId);
        await using var payload = new StoredPayload(Reading, Ingestions, ingestion.Id, hashes);
        var summary = await Reader.ReadAsync(payload.OpenAsync, Stage, cancellationToken).ConfigureAwait(false);
        await payload.CloseAsync().ConfigureAwait(false);
        foreach (var (name, count) in summary.UnknownFields)
        {
            var place = name.IndexOf('.', StringComparison.Ordinal);
            Stage.Problems.Add(place < 0 ? name : name[..place], "", UnknownField, place < 0 ? "" : name[(place + 1)..], isRowLost: false, count);
        }

        return new StagedPayload(summary, Stage.Problems, payload.Bytes, payload.Sha256, payload.IsGone);
    }

    public async ValueTask DisposeAsync()
    {
        Stage.Dispose();
        await Reading.DisposeAsync().ConfigureAwait(false);
        await Working.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>A payload that was read into the stage.</summary>
/// <param name="Summary">What it turned out to be.</param>
/// <param name="Problems">Metrics and values that could not be taken.</param>
/// <param name="Bytes">Of its text.</param>
/// <param name="Sha256">Of its text; null where it was not asked for or not read to its end.</param>
/// <param name="IsGone">The ingestion was deleted meanwhile.</param>
internal sealed record StagedPayload(PayloadSummary Summary, ProblemTally Problems, long Bytes, string? Sha256, bool IsGone);
