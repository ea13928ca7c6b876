using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsCommon.Get, "TableSync")]
[OutputType(typeof(RecordedTableSync))]
public sealed class GetTableSyncCommand : EtlDatabaseCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("TableName")]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string[] Name { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string? Source { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public Guid[] TableSyncRunId { get; set; } = [];

    [Parameter]
    public TableSyncStatus[] Status { get; set; } = [];

    [Parameter]
    public SyncMode[] Mode { get; set; } = [];

    [Parameter]
    [Instant]
    public DateTimeOffset? Since { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    protected override void Process()
    {
        var query = new TableSyncQuery
        {
            Names = Name,
            Source = Source,
            TableSyncRunIds = TableSyncRunId,
            Status = Status,
            Mode = Mode,
            Since = Since,
            First = First,
        };
        var ledger = new TableSyncLedger(Database);
        Stream(token => ledger.GetSyncsAsync(query, token));
    }
}
