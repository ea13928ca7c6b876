using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Core.Tables.Tracking;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsLifecycle.Unregister, "TableSync", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(RegisteredTable))]
public sealed class UnregisterTableSyncCommand : EtlDatabaseCmdlet
{
    private readonly HashSet<RegisteredTableTarget> _targets = [];

    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("TableName")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string[] Name { get; set; } = [];

    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string Source { get; set; } = "";

    protected override void Process() => _targets.UnionWith(Name.Length == 0
        ? [new RegisteredTableTarget(Source, null)]
        : Name.Select(name => new RegisteredTableTarget(Source, name)));

    protected override void End()
    {
        if (_targets.Count == 0)
        {
            return;
        }

        var register = new TableRegister(Database);
        if (Confirmed("Watch no more", Describe(), out var isPreview) || isPreview)
        {
            WriteObject(Await(token => register.RemoveAsync(_targets, isPreview, token)), enumerateCollection: true);
        }
    }

    private string Describe() => _targets.All(target => target.Name is not null)
        ? $"{Wording.Count(_targets.Count, "table")} in {Database.Description}"
        : $"all tables of {string.Join(", ", _targets.Where(target => target.Name is null).Select(target => target.Source))} in {Database.Description}";
}
