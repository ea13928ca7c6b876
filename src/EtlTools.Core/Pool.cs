using System.Collections.Concurrent;

namespace EtlTools.Core;

/// <summary>Sessions that are used again, for what they are set up with costs more than the work; one that failed is not.</summary>
/// <param name="open">Makes one where none is free.</param>
/// <param name="isSound">Whether one whose work succeeded can be used again; without it, every one can.</param>
internal sealed class Pool<T>(Func<CancellationToken, Task<T>> open, Predicate<T>? isSound = null) : IAsyncDisposable
    where T : IAsyncDisposable
{
    private readonly ConcurrentBag<T> _free = [];

    public async Task<TResult> UseAsync<TResult>(Func<T, Task<TResult>> work, CancellationToken cancellationToken)
    {
        var item = _free.TryTake(out var free) ? free : await open(cancellationToken).ConfigureAwait(false);
        var isToKeep = false;
        try
        {
            var result = await work(item).ConfigureAwait(false);
            isToKeep = isSound?.Invoke(item) ?? true;
            return result;
        }
        finally
        {
            if (isToKeep)
            {
                _free.Add(item);
            }
            else
            {
                await item.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_free.TryTake(out var item))
        {
            await item.DisposeAsync().ConfigureAwait(false);
        }
    }
}
