using System.Management.Automation;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Commands.Runs;

[Cmdlet(VerbsCommon.Get, "LoadFile")]
[OutputType(typeof(LoadFile))]
public sealed class GetLoadFileCommand : EtlLedgerCmdlet
{
    [Parameter]
    public LoadFileStatus[] Status { get; set; } = [];

    [Parameter]
    [Instant]
    public DateTimeOffset? Since { get; set; }

    [Parameter]
    public SwitchParameter ExcludeSuperseded { get; set; }

    protected override void Process()
    {
        var query = new FileQuery
        {
            LoadRunIds = RunsAsked,
            LoadRunFileIds = LoadRunFileId,
            Status = Status,
            ExtractTypes = ExtractType,
            Since = Since,
            IncludeSuperseded = !ExcludeSuperseded,
            First = First,
        };
        var ledger = Ledger(ExtractType);
        Stream(token => ledger.GetFilesAsync(query, token));
    }
}
