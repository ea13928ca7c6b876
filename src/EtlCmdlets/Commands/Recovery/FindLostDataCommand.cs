using System.Management.Automation;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Cmdlets.Commands.Recovery;

[Cmdlet(VerbsCommon.Find, "LostData")]
[OutputType(typeof(IngestionAudit))]
public sealed class FindLostDataCommand : EtlRecoveryCmdlet
{
    [Parameter]
    [Duration]
    public TimeSpan Window { get; set; } = TimeSpan.FromDays(30);

    [Parameter]
    public LossCause[] Cause { get; set; } = [];

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    [Parameter]
    public SwitchParameter IncludeWhole { get; set; }

    protected override void End()
    {
        var ids = RawIngestionIds;
        if (ReadsPipeline && ids.Count == 0)
        {
            return;
        }

        var query = new LostDataQuery
        {
            RawIngestionIds = ids,
            UserIds = UserId,
            Status = StatusWords,
            Causes = Cause,

            // Whoever names ingestions means them, however old they are.
            Window = ids.Count > 0 && !MyInvocation.BoundParameters.ContainsKey(nameof(Window)) ? null : Window,
            First = First,
            IncludeWhole = IncludeWhole,
            Schema = Schema,
        };
        var finder = new LostDataFinder(Database, Map);
        foreach (var unknown in Await(token => finder.FindUnknownAsync(query, token)))
        {
            WriteFailure(unknown);
        }

        using var bar = new ProgressBar(this, "Auditing stored payloads");
        var progress = new PostedProgress<AuditProgress>(report => OnPipeline(() => bar.Show(report)));
        Stream(token => finder.FindAsync(query, progress, token));
        foreach (var (table, count) in finder.Unchecked)
        {
            WriteWarning(
                $"This database user may not SELECT from {table}: whether {Wording.Count(count, "metric")} of it are there was not checked, "
                + "and the audits of their payloads are not kept. See Get-Help about_EtlTools_Grants.");
        }
    }
}
