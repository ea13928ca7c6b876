using System.Management.Automation;
using EtlTools.Core.Health;

namespace EtlTools.Cmdlets.Commands.Health;

[Cmdlet(VerbsDiagnostic.Test, "ProcessingHealth")]
[OutputType(typeof(bool))]
public sealed class TestProcessingHealthCommand : EtlHealthCmdlet
{
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    public ProcessingHealth? InputObject { get; set; }

    [Parameter]
    public SwitchParameter WarningAsFailure { get; set; }

    [Parameter]
    public SwitchParameter AllowNoData { get; set; }

    protected override void Process()
    {
        if (InputObject is not null)
        {
            RequireUnasked();
            WriteObject(Judge(InputObject));
        }
    }

    protected override void End()
    {
        if (InputObject is null && !ReadsPipeline)
        {
            WriteObject(Judge(ReadHealth()));
        }
    }

    private bool Judge(ProcessingHealth health)
    {
        WriteVerbose($"{health.Database}, {health.From:yyyy-MM-dd HH:mm zzz} to {health.To:yyyy-MM-dd HH:mm zzz}: {health.Status}");
        foreach (var alert in health.Alert)
        {
            WriteVerbose($"{alert.Severity}: {alert.Message}");
        }

        return health.Status switch
        {
            HealthStatus.Healthy => true,
            HealthStatus.Warning => !WarningAsFailure,
            HealthStatus.NoData => AllowNoData,
            _ => false,
        };
    }
}
