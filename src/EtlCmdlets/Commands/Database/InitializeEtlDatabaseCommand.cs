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
            Show(Await(token => schema.ApplyAsync(pipeline, ShowSteps(), token)));
        }
        else if (isPreview)
        {
            Show(Await(token => schema.PlanAsync(pipeline, token)));
        }

        void Show(IReadOnlyList<SchemaStep> steps)
        {
            WriteObject(steps, enumerateCollection: true);
            if (steps.Count == 0)
            {
                Tell($"Nothing to do: {(pipeline is null ? "the ledger is" : $"the ledger and the tables of {pipeline.Name} are")} up to date in {Database.Description}.");
            }
        }
    }

    private IProgress<SchemaStep> ShowSteps() =>
        new PostedProgress<SchemaStep>(step => OnPipeline(() => WriteVerbose($"{step.Kind} {step.Target}: {step.Description}")));
}
