using EtlTools.Core.Recovery.Audit;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The schemas that have a table raw_ingestions.</summary>
public sealed class IngestionSchemaCompleter : BoundedCompleter
{
    internal override async Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken)
    {
        var schemas = await context.OnDatabaseAsync(database => LostDataFinder.FindSchemasAsync(database, cancellationToken)).ConfigureAwait(false);
        return [.. schemas.Select(schema => new Choice(schema, "has raw_ingestions"))];
    }
}
