using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Discovery;

namespace EtlTools.Cmdlets.Commands.Discovery;

[Cmdlet(VerbsCommon.Get, "LoadPlan")]
[OutputType(typeof(LoadPlanItem))]
public sealed class GetLoadPlanCommand : EtlDiscoveryCmdlet
{
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter]
    [Duration]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(30);

    [Parameter]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] Priority { get; set; } = [];

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int BatchSize { get; set; } = 100;

    protected override void End()
    {
        var plan = FindPlan(ExtractType, MaxAge, Priority, BatchSize);
        WriteObject(plan, enumerateCollection: true);
        base.End();
        if (plan.Count == 0)
        {
            WriteVerbose("There is nothing to load.");
        }

        TellWaiting(ExtractType, MaxAge, plan.Count == 0);
    }
}
