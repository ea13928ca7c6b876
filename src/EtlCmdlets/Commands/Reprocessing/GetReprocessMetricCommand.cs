using System.Management.Automation;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets.Commands.Reprocessing;

[Cmdlet(VerbsCommon.Get, "ReprocessMetric")]
[OutputType(typeof(ReprocessMetric))]
public sealed class GetReprocessMetricCommand : EtlDatabaseCmdlet
{
    private const int DefaultDays = 30;

    [Parameter(Position = 0)]
    [Instant]
    public DateTimeOffset? Since { get; set; }

    protected override void End()
    {
        var since = Since ?? DateTimeOffset.Now.AddDays(-DefaultDays);
        var metrics = new ReprocessMetrics(Database);
        WriteObject(Await(token => metrics.GetAsync(since, token)));
    }
}
