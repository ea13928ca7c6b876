using System.Collections.Concurrent;
using System.Management.Automation;

namespace EtlTools.Cmdlets;

/// <summary>
/// Runs the engine's work off the pipeline thread, and what that work wants to say on it: PowerShell allows its Write
/// methods on the pipeline thread only.
/// </summary>
internal sealed class MessagePump
{
    // A slow reader holds the work up instead of filling the memory.
    private const int Capacity = 1024;

    // Ctrl+C must end a command within two seconds; the work gets most of them to roll back.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);

    private readonly BlockingCollection<Action> _messages = new(Capacity);
    private CancellationToken _end;

    /// <summary>Queues an action for the pipeline thread. May be called from any thread, also when it is too late.</summary>
    public void Post(Action action)
    {
        try
        {
            _messages.Add(action, _end);
        }
        catch (Exception exception) when (exception is InvalidOperationException or OperationCanceledException)
        {
            // The command has ended: nobody is left to tell.
        }
    }

    /// <summary>Runs the work to its end and meanwhile the actions that it posts.</summary>
    /// <exception cref="PipelineStoppedException">The stop token was cancelled; the work has been told so.</exception>
    public T Run<T>(Func<CancellationToken, Task<T>> work, CancellationToken stop)
    {
        var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _end = end.Token;
        var task = Task.Run(() => work(end.Token), CancellationToken.None);
        var finished = task.ContinueWith(
            done =>
            {
                _ = done.Exception;
                _messages.CompleteAdding();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        try
        {
            foreach (var message in _messages.GetConsumingEnumerable(stop))
            {
                message();
            }

            return task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        finally
        {
            // Ctrl+C, a Select-Object -First that has enough, or -ErrorAction Stop: the work ends before the pipeline goes on.
            end.Cancel();
            if (finished.Wait(Grace, CancellationToken.None))
            {
                end.Dispose();
            }
        }
    }
}
