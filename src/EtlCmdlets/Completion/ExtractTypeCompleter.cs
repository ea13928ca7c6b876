using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The extract types of the pipeline in use; where there is none, those that the ledger has seen.</summary>
public sealed class ExtractTypeCompleter : BoundedCompleter
{
    internal override async Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken)
    {
        if (context.ReadPipeline() is { } pipeline)
        {
            return [.. pipeline.ExtractTypes.Select(type => new Choice(type.Name, $"table {type.Table}"))];
        }

        var seen = await context.OnDatabaseAsync(database =>
            new RunLedger(database).GetExtractTypesAsync(context.Word, cancellationToken)).ConfigureAwait(false);
        return [.. seen.Select(name => new Choice(name, "in the ledger"))];
    }
}
