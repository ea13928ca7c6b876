using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The mapping that ships with the module. Files come after it: PowerShell completes paths by itself.</summary>
public sealed class MappingCompleter : BoundedCompleter
{
    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Choice>>([new Choice(MetricMapReader.BuiltInName, "built-in mapping")]);
}
