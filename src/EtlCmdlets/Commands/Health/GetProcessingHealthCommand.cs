using System.Management.Automation;
using EtlTools.Core.Health;

namespace EtlTools.Cmdlets.Commands.Health;

[Cmdlet(VerbsCommon.Get, "ProcessingHealth")]
[OutputType(typeof(ProcessingHealth))]
public sealed class GetProcessingHealthCommand : EtlHealthCmdlet
{
    protected override void End() => WriteObject(ReadHealth());
}
