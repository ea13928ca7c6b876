using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Configuration;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsCommon.Undo, "TableSync", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(TableSync))]
public sealed class UndoTableSyncCommand : EtlDatabaseCmdlet
{
    // So many tables are named in a question.
    private const int MostTables = 5;

    private readonly List<long> _ids = [];
    private readonly List<Guid> _runs = [];

    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public long[] TableSyncId { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public Guid[] TableSyncRunId { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string? Source { get; set; }

    [Parameter(Mandatory = true)]
    [AllowEmptyString]
    public string Reason { get; set; } = "";

    [Parameter]
    public SwitchParameter Force { get; set; }

    protected override void Begin() => Reasons.Require(Reason);

    // A sync says more than the run that it was part of.
    protected override void Process()
    {
        if (TableSyncId.Length > 0)
        {
            _ids.AddRange(TableSyncId);
        }
        else
        {
            _runs.AddRange(TableSyncRunId);
        }
    }

    protected override void End()
    {
        if (_ids.Count + _runs.Count == 0)
        {
            RequireInput("TableSyncId or -TableSyncRunId");
            return;
        }

        var target = new TableUndoTarget { TableSyncIds = [.. _ids.Distinct()], TableSyncRunIds = [.. _runs.Distinct()], IncludesAudit = Force };
        var engine = new TableUndoEngine(Database, Settings);

        // Nobody is asked about what could not be done anyway.
        var undone = Await(token => engine.FindAsync(target, token));
        if (Confirmed("Undo", $"{Describe(undone)}, in {Database.Description}", out var isPreview))
        {
            Write(Await(token => engine.ExecuteAsync(target, Reason, token)));
        }
        else if (isPreview)
        {
            Write(Await(token => engine.PreviewAsync(target, token)));
        }
    }

    /// <summary>How long history is kept; copies know by themselves where they are.</summary>
    private TableSyncSettings Settings
    {
        get
        {
            var profiles = EtlProfiles.Load(folder: Folder);
            return Source is null && profiles.Sources.Count != 1 ? new TableSyncSettings() : profiles.GetSource(Source).Settings;
        }
    }

    private void Write(IReadOnlyList<TableSync> syncs) => WriteObject(syncs, enumerateCollection: true);

    /// <summary>The first sync of each table that goes; of many tables, those that were changed most.</summary>
    private static string Describe(IReadOnlyList<UndoneTableSync> undone)
    {
        var tables = undone.GroupBy(sync => sync.Name).OrderByDescending(group => group.Sum(sync => sync.RowsChanged))
            .Select(group => group.Count() == 1 ? $"{group.First()}" : $"{group.First()} and {group.Count() - 1} later").ToList();
        return tables.Count == 1 ? tables[0]
            : $"{Wording.Count(tables.Count, "table")}, {Wording.Count(undone.Sum(sync => sync.RowsChanged), "row")} changed: {Wording.First(tables, MostTables)}";
    }
}
