using System.Collections.Concurrent;
using System.Data;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>Lanes that are used again, for their temporary tables are there already; one that failed is not.</summary>
internal sealed class LanePool(EtlDatabase database, MetricCatalogue catalogue, IngestionTable ingestions, bool isAudit) : IAsyncDisposable
{
    private readonly ConcurrentBag<Lane> _free = [];

    public async Task<T> UseAsync<T>(Func<Lane, Task<T>> work, CancellationToken cancellationToken)
    {
        var lane = _free.TryTake(out var free)
            ? free
            : await Lane.OpenAsync(database, catalogue, ingestions, isAudit, cancellationToken).ConfigureAwait(false);
        var isSound = false;
        try
        {
            var result = await work(lane).ConfigureAwait(false);
            isSound = lane.Working.FullState == ConnectionState.Open;
            return result;
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
    }

    public async ValueTask DisposeAsync()
    {
        while (_free.TryTake(out var lane))
        {
            await lane.DisposeAsync().ConfigureAwait(false);
        }
    }
}
