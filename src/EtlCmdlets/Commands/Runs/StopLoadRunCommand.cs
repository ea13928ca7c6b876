using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Commands.Runs;

[Cmdlet(VerbsLifecycle.Stop, "LoadRun", SupportsShouldProcess = true)]
[OutputType(typeof(LoadRun), typeof(LoadRunStopPlan))]
public sealed class StopLoadRunCommand : EtlDatabaseCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RunningRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter(Mandatory = true)]
    [AllowEmptyString]
    public string Reason { get; set; } = "";

    [Parameter]
    [Duration]
    public TimeSpan Wait { get; set; } = TimeSpan.FromSeconds(30);

    protected override void Begin() => Reasons.Require(Reason);

    protected override void Process()
    {
        var ledger = new RunLedger(Database);
        foreach (var id in LoadRunId)
        {
            if (Confirmed("Stop", $"load run {id}", out var isPreview))
            {
                WriteObject(Await(token => ledger.StopAsync(id, Reason, Wait, token)));
            }
            else if (isPreview)
            {
                WriteObject(Await(token => ledger.PreviewStopAsync(id, token)));
            }
        }
    }
}
