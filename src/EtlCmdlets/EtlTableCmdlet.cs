using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Cmdlets;

/// <summary>A command on the copies of a source's tables.</summary>
public abstract class EtlTableCmdlet : EtlDatabaseCmdlet
{
    private readonly List<string> _names = [];
    private TableSource? _source;
    private TableSyncConfig? _tables;

    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string[] Name { get; set; } = [];

    [Parameter]
    public TableImportance[] Importance { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string? Source { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? TableConfig { get; set; }

    protected TableSource TableSource => _source ??= EtlProfiles.Load(folder: Folder).GetSource(Source);

    protected TableSyncConfig Tables =>
        _tables ??= TableSource.ReadTables(TableConfig is null ? null : GetUnresolvedProviderPathFromPSPath(TableConfig));

    /// <summary>Those named, and those that came through the pipe.</summary>
    protected IReadOnlyList<string> Names => [.. _names.Distinct(StringComparer.OrdinalIgnoreCase)];

    protected TableSyncOptions Options => new() { Names = Names, Importance = Importance };

    protected override void Process() => _names.AddRange(Name);
}
