using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Staging;

namespace EtlTools.Cmdlets.Commands.Staging;

[Cmdlet(VerbsDiagnostic.Test, "StagingIntegrity")]
[OutputType(typeof(StagingIntegrityResult))]
public sealed class TestStagingIntegrityCommand : EtlPipelineCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ExtractTypeCompleter))]
    public string[] ExtractType { get; set; } = [];

    protected override void Process()
    {
        var integrity = new StagingIntegrity(Database, Config);
        Stream(token => integrity.TestAsync(ExtractType, token));
    }
}
