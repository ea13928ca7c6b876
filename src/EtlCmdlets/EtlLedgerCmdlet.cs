using System.Management.Automation;
using EtlTools.Cmdlets.Completion;

namespace EtlTools.Cmdlets;

/// <summary>A command that shows what the ledger knows of the files of runs.</summary>
public abstract class EtlLedgerCmdlet : EtlDatabaseCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(LoadRunIdCompleter))]
    public Guid[] LoadRunId { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public int[] LoadRunFileId { get; set; } = [];

    [Parameter]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    /// <summary>A file says more than the run that it belongs to: an object of a file from the pipeline has both.</summary>
    protected IReadOnlyList<Guid> RunsAsked => LoadRunFileId.Length > 0 ? [] : LoadRunId;
}
