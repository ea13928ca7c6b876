using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Commands.Runs;

[Cmdlet(VerbsCommon.Get, "LoadFile")]
[OutputType(typeof(LoadFile))]
public sealed class GetLoadFileCommand : EtlDatabaseCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(LoadRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public int[] LoadRunFileId { get; set; } = [];

    [Parameter]
    public LoadFileStatus[] Status { get; set; } = [];

    [Parameter]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter]
    [Instant]
    public DateTimeOffset? Since { get; set; }

    [Parameter]
    public SwitchParameter ExcludeSuperseded { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    protected override void Process()
    {
        var query = new FileQuery
        {
            LoadRunIds = LoadRunId,
            LoadRunFileIds = LoadRunFileId,
            Status = Status,
            ExtractTypes = ExtractType,
            Since = Since,
            IncludeSuperseded = !ExcludeSuperseded,
            First = First,
        };
        var ledger = new RunLedger(Database);
        Stream(token => ledger.GetFilesAsync(query, token));
    }
}
