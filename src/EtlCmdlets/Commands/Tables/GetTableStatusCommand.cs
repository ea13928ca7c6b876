using System.Management.Automation;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsCommon.Get, "TableStatus")]
[OutputType(typeof(TableStatus))]
public sealed class GetTableStatusCommand : EtlTableCmdlet
{
    [Parameter]
    public TableCondition[] Condition { get; set; } = [];

    protected override void End()
    {
        if (ReadsPipeline && Names.Count == 0)
        {
            return;
        }

        var reader = new TableStatusReader(Database, TableSource.Name, Tables, TableSource.Settings);
        foreach (var status in Await(token => reader.ReadAsync(Options, token)))
        {
            if (Condition.Length == 0 || Condition.Contains(status.Condition))
            {
                WriteObject(status);
            }
        }
    }
}
