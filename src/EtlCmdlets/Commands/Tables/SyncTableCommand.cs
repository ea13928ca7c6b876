using System.Management.Automation;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsData.Sync, "Table", SupportsShouldProcess = true)]
[OutputType(typeof(TableSync), typeof(TableSyncStep))]
public sealed class SyncTableCommand : EtlTableCmdlet
{
    private readonly List<string> _locking = [];
    private readonly List<EtlException> _failures = [];

    [Parameter]
    public SwitchParameter Full { get; set; }

    [Parameter]
    [ValidateRange(1, 64)]
    public int MaxConcurrency { get; set; } = TableSyncOptions.DefaultMaxConcurrency;

    [Parameter]
    [Duration]
    public TimeSpan? TimeLimit { get; set; }

    [Parameter]
    public string? Reason { get; set; }

    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    protected override void End()
    {
        if (ReadsPipeline && Names.Count == 0)
        {
            return;
        }

        var connection = TableSource.Open(Credential?.UserName, Credential?.GetNetworkCredential().Password);
        var engine = new TableSyncEngine(Database, connection, Tables, TableSource.Settings);
        var options = Options with { IsFull = Full, MaxConcurrency = MaxConcurrency, TimeLimit = TimeLimit, Reason = Reason };
        if (Confirmed("Sync", $"{Describe()} of {connection} into {Database.Description}", out var isPreview))
        {
            using var bar = new ProgressBar(this, "Syncing tables");
            var progress = new PostedProgress<TableSyncProgress>(report => OnPipeline(() =>
            {
                bar.Show(report);
                if (report.Finished is { } sync)
                {
                    Report(sync);
                }
            }));
            WarnOfNone(Await(token => engine.SyncAsync(options, progress, token)).Count);
        }
        else if (isPreview)
        {
            var steps = Await(token => engine.PlanAsync(options, token));
            WarnOfNone(steps.Count);
            foreach (var step in steps)
            {
                Warn(step.Warning);
                Warn([.. TableNotices.OfTexts(step.Name, step.BecomesText)]);
                NoteLocking(step.Name, step.LocksWriters);
                WriteObject(step);
                NoteFailure(step.GetFailure());
            }
        }

        Warn([.. TableNotices.OfLocking(_locking)]);

        // At the end: under ErrorAction Stop the first one ends the command, and would end the other tables' syncs with it.
        foreach (var failure in _failures)
        {
            WriteFailure(failure);
        }
    }

    private void WarnOfNone(int tables)
    {
        if (tables == 0)
        {
            WriteWarning($"Nothing to sync: {(Names.Count > 0 ? "none of these tables" : "no table of the configuration")} is {string.Join(" or ", Importance).ToLowerInvariant()}.");
        }
    }

    private void NoteLocking(string name, bool locksWriters)
    {
        if (locksWriters)
        {
            _locking.Add(name);
        }
    }

    private void Report(TableSync sync)
    {
        // What is so at every sync is said at the first, and where every row is asked for.
        if (sync.IsFirst || Full)
        {
            Warn(sync.Warning);
        }

        if (sync.IsFirst)
        {
            NoteLocking(sync.Name, sync.LocksWriters);
        }

        Warn([.. TableNotices.OfTexts(sync.Name, sync.Status == TableSyncStatus.Completed ? sync.BecomesText : [])]);
        if (sync.RowsDiscarded + sync.ValuesDiscarded > 0)
        {
            WriteWarning($"{sync.Name}: {sync.RowsDiscarded:N0} rows and {sync.ValuesDiscarded:N0} values do not fit the copy and were left out by its contract.");
        }

        WriteObject(sync);
        NoteFailure(sync.GetFailure());
    }

    private void NoteFailure(EtlException? failure)
    {
        if (failure is not null)
        {
            _failures.Add(failure);
        }
    }

    private void Warn(IReadOnlyList<string> warnings)
    {
        foreach (var warning in warnings)
        {
            WriteWarning(warning);
        }
    }

    private string Describe() => Names.Count switch
    {
        0 when Importance.Length > 0 => $"{string.Join(" and ", Importance).ToLowerInvariant()} tables",
        0 => Wording.Count(Tables.Tables.Count, "table"),
        1 => $"table {Names[0]}",
        _ => Wording.Count(Names.Count, "table"),
    };
}
