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
            var ledger = new RunLedger(database);
            var ids = await ledger.GetRecentRunIdsAsync(context.Word, Shown, cancellationToken).ConfigureAwait(false);
            var choices = new List<Choice>();
            if (ids.Count == 0)
            {
                return choices;
            }

            var runs = ledger.GetRunsAsync(new RunQuery { LoadRunIds = ids }, cancellationToken);
            await foreach (var run in runs.ConfigureAwait(false))
            {
                choices.Add(ToChoice(run));
            }

            return choices;
        });

    internal static Choice ToChoice(LoadRun run)
    {
        var started = run.StartedAt.LocalDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        return new Choice(run.LoadRunId.ToString(), $"{run.Kind} {run.Status}, {started}, {run.FilesProcessed} files");
    }
}
