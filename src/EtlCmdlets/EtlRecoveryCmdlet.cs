using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Cmdlets;

/// <summary>A command on stored payloads and the tables that their metrics belong into.</summary>
public abstract class EtlRecoveryCmdlet : EtlDatabaseCmdlet
{
    private readonly List<Guid> _ids = [];
    private MetricMap? _map;

    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public Guid[] RawIngestionId { get; set; } = [];

    [Parameter]
    [ValidateNotNull]
    public Guid[] UserId { get; set; } = [];

    [Parameter]
    [StatusWord]
    public IngestionStatus[] Status { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(MappingCompleter))]
    public string? Mapping { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(IngestionSchemaCompleter))]
    public string? Schema { get; set; }

    /// <summary>Those named, and those that came through the pipe.</summary>
    protected IReadOnlyList<Guid> RawIngestionIds => [.. _ids.Distinct()];

    protected IReadOnlyList<string> StatusWords => [.. Status.Select(status => status.ToWord())];

    protected MetricMap Map => _map ??= MetricMapReader.Read(PipelinePath.Resolve(this, Mapping) ?? MetricMapReader.BuiltInName);

    protected override void Process() => _ids.AddRange(RawIngestionId);
}
