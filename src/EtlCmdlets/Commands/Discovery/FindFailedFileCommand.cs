using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core.Discovery;

namespace EtlTools.Cmdlets.Commands.Discovery;

[Cmdlet(VerbsCommon.Find, "FailedFile")]
[OutputType(typeof(FailedFile))]
public sealed class FindFailedFileCommand : EtlDiscoveryCmdlet
{
    private const int DefaultFirst = 100;

    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    [Parameter]
    [Duration]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(30);

    protected override void Begin() => First ??= DefaultFirst;

    protected override void Process()
    {
        var discovery = new FileDiscovery(Database, Config);
        var filter = Filter(ExtractType);
        Stream(token => discovery.FindFailedAsync(filter, MaxAge, token));
    }
}
