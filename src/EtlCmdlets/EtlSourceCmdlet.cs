using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Cmdlets;

/// <summary>A command on a source of tables and its configuration file. It needs no database of copies.</summary>
public abstract class EtlSourceCmdlet : EtlCmdlet
{
    private const string DefaultFile = "tables.yaml";

    private TableSource? _source;

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string? Source { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Path")]
    [ValidateNotNullOrEmpty]
    public string? TableConfig { get; set; }

    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The file that is named, else the one that the source names, else tables.yaml here.</summary>
    protected string TableConfigPath =>
        TableConfig is not null ? GetUnresolvedProviderPathFromPSPath(TableConfig)
        : TableSource.TablesFile ?? GetUnresolvedProviderPathFromPSPath(DefaultFile);

    protected SourceConnection OpenSource() => TableSource.Open(Credential?.UserName, Credential?.GetNetworkCredential().Password);

    private TableSource TableSource => _source ??= EtlProfiles.Load(folder: Folder).GetSource(Source);
}
