using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The practices that the ledger has seen of late.</summary>
public sealed class PracticeIdCompleter : BoundedCompleter
{
    internal override async Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken)
    {
        var seen = await context.OnDatabaseAsync(database =>
            new RunLedger(database).GetPracticeIdsAsync(context.Word, cancellationToken)).ConfigureAwait(false);
        return [.. seen.Select(id => new Choice(id, "in the ledger"))];
    }
}
