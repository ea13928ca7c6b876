using EtlTools.Core.Tables.Comparison;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The schemas of the database that hold tables.</summary>
public sealed class SchemaCompleter : BoundedCompleter
{
    internal override async Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken)
    {
        var schemas = await context.OnDatabaseAsync(database => TableComparisonEngine.FindSchemasAsync(database, cancellationToken)).ConfigureAwait(false);
        return [.. schemas.Select(schema => new Choice(schema, "schema"))];
    }
}
