using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets.Commands.Runs;

[Cmdlet(VerbsCommon.Get, "LoadRun")]
[OutputType(typeof(LoadRun))]
public sealed class GetLoadRunCommand : EtlDatabaseCmdlet
{
    private static readonly RunQuery Defaults = new();

    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(LoadRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter]
    public LoadRunStatus[] Status { get; set; } = [];

    [Parameter]
    public LoadRunKind[] Kind { get; set; } = [];

    [Parameter]
    public LoadRunProblem[] Problem { get; set; } = [];

    [Parameter]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter]
    [Instant]
    public DateTimeOffset? Since { get; set; }

    [Parameter]
    [Duration]
    public TimeSpan StuckAfter { get; set; } = Defaults.StuckAfter;

    [Parameter]
    [Rate]
    public double? MaxErrorRate { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    protected override void Process()
    {
        var query = new RunQuery
        {
            LoadRunIds = LoadRunId,
            Status = Status,
            Kind = Kind,
            Problem = Problem,
            ExtractTypes = ExtractType,
            Since = Since,
            StuckAfter = StuckAfter,
            MaxErrorRate = MaxErrorRate ?? Defaults.MaxErrorRate,
            First = First,
        };
        var ledger = Ledger(ExtractType);
        Stream(token => ledger.GetRunsAsync(query, token));
    }
}
