using System.Globalization;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The newest runs of the ledger.</summary>
public sealed class LoadRunIdCompleter : BoundedCompleter
{
    private const int Shown = 20;

    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        context.OnDatabaseAsync<IReadOnlyList<Choice>>(async database =>
        {
            var choices = new List<Choice>();
            var runs = new RunLedger(database).GetRunsAsync(new RunQuery { First = Shown }, cancellationToken);
            await foreach (var run in runs.ConfigureAwait(false))
            {
                var started = run.StartedAt.LocalDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
                choices.Add(new Choice(
                    run.LoadRunId.ToString(), $"{run.Kind} {run.Status}, {started}, {run.FilesProcessed} files"));
            }

            return choices;
        });
}
