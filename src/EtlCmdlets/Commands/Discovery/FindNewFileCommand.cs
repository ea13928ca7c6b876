using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Discovery;

namespace EtlTools.Cmdlets.Commands.Discovery;

[Cmdlet(VerbsCommon.Find, "NewFile")]
[OutputType(typeof(NewFile))]
public sealed class FindNewFileCommand : EtlDiscoveryCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    protected override void Process()
    {
        var discovery = new FileDiscovery(Database, Config);
        var filter = Filter(ExtractType);
        Stream(token => discovery.FindNewAsync(filter, OnUnrecognised, token));
    }
}
