using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Cmdlets.Commands.Database;

[Cmdlet(VerbsData.Initialize, "EtlDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(SchemaStep))]
public sealed class InitializeEtlDatabaseCommand : EtlDatabaseCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PipelineCompleter))]
    public string? Pipeline { get; set; }

    protected override void Process()
    {
        var name = PipelinePath.Resolve(this, Pipeline) ?? ConnectionPipeline ?? PipelinePath.FromEnvironment;
        var pipeline = name is null ? null : PipelineReader.Read(name);
        var schema = new SchemaManager(Database);
        var action = pipeline is null ? "Create or upgrade the ledger" : $"Create or upgrade the ledger and the tables of {pipeline.Name}";
        if (Confirmed(action, Database.Description, out var isPreview))
        {
            WriteObject(Await(token => schema.ApplyAsync(pipeline, ShowSteps(), token)), enumerateCollection: true);
        }
        else if (isPreview)
        {
            WriteObject(Await(token => schema.PlanAsync(pipeline, token)), enumerateCollection: true);
        }
    }

    private IProgress<SchemaStep> ShowSteps() =>
        new PostedProgress<SchemaStep>(step => OnPipeline(() => WriteVerbose($"{step.Kind} {step.Target}: {step.Description}")));
}
