namespace EtlTools.Cmdlets.Completion;

/// <summary>The extract types of the pipeline in use.</summary>
public sealed class ExtractTypeCompleter : BoundedCompleter
{
    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Choice>>(
            [.. context.ReadPipeline()?.ExtractTypes.Select(type => new Choice(type.Name, $"table {type.Table}")) ?? []]);
}
