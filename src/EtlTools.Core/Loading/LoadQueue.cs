using EtlTools.Core.Configuration;
using EtlTools.Core.Discovery;

namespace EtlTools.Core.Loading;

/// <summary>
/// Hands the files of a plan to several workers in order, and holds a file back while an earlier one of a type above it is
/// still under way: parents before children, everything else side by side.
/// </summary>
internal sealed class LoadQueue
{
    private readonly List<LoadPlanItem> _waiting;
    private readonly HashSet<LoadPlanItem> _running = [];
    private readonly Dictionary<string, HashSet<string>> _ancestors = new(StringComparer.OrdinalIgnoreCase);
    private readonly object _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LoadQueue(PipelineConfig pipeline, IReadOnlyList<LoadPlanItem> plan)
    {
        _waiting = [.. plan];
        foreach (var type in plan.Select(item => item.ExtractType).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            _ancestors[type] = Ancestors(pipeline, type);
        }
    }

    /// <summary>The next file that may begin; null once none is left. Waits where all that are left have to.</summary>
    public async Task<LoadPlanItem?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task changed;
            lock (_gate)
            {
                if (_waiting.Count == 0)
                {
                    return null;
                }

                if (_waiting.Find(MayBegin) is { } item)
                {
                    _waiting.Remove(item);
                    _running.Add(item);
                    return item;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Done(LoadPlanItem item)
    {
        lock (_gate)
        {
            _running.Remove(item);
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private bool MayBegin(LoadPlanItem item)
    {
        var ancestors = _ancestors[item.ExtractType];
        return !_running.Any(running => ancestors.Contains(running.ExtractType))
            && !_waiting.TakeWhile(earlier => earlier != item).Any(earlier => ancestors.Contains(earlier.ExtractType));
    }

    private static HashSet<string> Ancestors(PipelineConfig pipeline, string extractType)
    {
        var found = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var open = new Queue<string>([extractType]);
        while (open.TryDequeue(out var name))
        {
            foreach (var parent in pipeline.FindExtractType(name)?.Parents ?? [])
            {
                var parentName = pipeline.FindExtractType(parent)?.Name ?? parent;
                if (found.Add(parentName))
                {
                    open.Enqueue(parentName);
                }
            }
        }

        return found;
    }
}
