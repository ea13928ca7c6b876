using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The runs that have not ended: what can be stopped.</summary>
public sealed class RunningRunIdCompleter : BoundedCompleter
{
    private const int Shown = 20;

    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        context.OnDatabaseAsync<IReadOnlyList<Choice>>(async database =>
        {
            var choices = new List<Choice>();
            var runs = new RunLedger(database).GetRunsAsync(
                new RunQuery { Status = [LoadRunStatus.Running], First = Shown }, cancellationToken);
            await foreach (var run in runs.ConfigureAwait(false))
            {
                choices.Add(LoadRunIdCompleter.ToChoice(run));
            }

            return choices;
        });
}
