namespace EtlTools.Cmdlets;

/// <summary>Hands reports on in the order they come; the framework's own Progress spreads them over the thread pool.</summary>
internal sealed class PostedProgress<T>(Action<T> handle) : IProgress<T>
{
    public void Report(T value) => handle(value);
}
