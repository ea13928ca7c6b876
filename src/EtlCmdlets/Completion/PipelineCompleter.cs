using EtlTools.Core.Configuration;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The pipelines that ship with the module. Files come after them: PowerShell completes paths by itself.</summary>
public sealed class PipelineCompleter : BoundedCompleter
{
    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Choice>>(
            [.. PipelineReader.BuiltInNames.Select(name => new Choice(name, "built-in pipeline"))]);
}
