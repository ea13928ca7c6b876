using System.Management.Automation;
using EtlTools.Cmdlets.Connections;
using EtlTools.Cmdlets.Parameters;
using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Comparison;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsData.Compare, "Table")]
[OutputType(typeof(TableComparison))]
public sealed class CompareTableCommand : EtlTableCmdlet
{
    [Parameter]
    [ArgumentCompleter(typeof(Completion.ProfileCompleter))]
    public ConnectionArgument? Against { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(Completion.SchemaCompleter))]
    public string? AgainstSchema { get; set; }

    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int MaxDifference { get; set; } = TableComparisonOptions.DefaultMaxDifference;

    [Parameter]
    [Rate]
    public double Tolerance { get; set; }

    [Parameter]
    public SwitchParameter IncludeSum { get; set; }

    [Parameter]
    [ValidateRange(1, 64)]
    public int MaxConcurrency { get; set; } = TableComparisonOptions.DefaultMaxConcurrency;

    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    protected override void End()
    {
        if (ReadsPipeline && Names.Count == 0)
        {
            return;
        }

        var engine = new TableComparisonEngine(Database, Tables, TableSource.Settings);
        var options = new TableComparisonOptions
        {
            Tables = Options,
            MaxConcurrency = MaxConcurrency,
            MaxDifference = MaxDifference,
            Tolerance = Tolerance,
            IncludeSum = IncludeSum,
        };
        using var bar = new ProgressBar(this, "Comparing tables");
        var progress = new PostedProgress<TableComparisonProgress>(report => OnPipeline(() =>
        {
            bar.Show(report);
            if (report.Finished is { } comparison)
            {
                Report(comparison);
            }
        }));
        if (Against is null && AgainstSchema is null)
        {
            var source = TableSource.Open(Credential?.UserName, Credential?.GetNetworkCredential().Password);
            Await(token => engine.CompareAsync(source, options, progress, token));
        }
        else
        {
            CompareCopies(engine, options, progress);
        }
    }

    private void CompareCopies(TableComparisonEngine engine, TableComparisonOptions options, IProgress<TableComparisonProgress> progress)
    {
        var schema = AgainstSchema ?? TableSource.Settings.Schema;
        var ours = Database;
        var given = Against?.Connection?.Core;
        var own = Against is null || given is not null ? null : EtlDatabase.Connect(DefaultConnection.RequestFor(Against, Folder));
        try
        {
            var other = given ?? own ?? ours;
            Await(token => engine.CompareWithCopyAsync(other, schema, options, progress, token));
        }
        finally
        {
            own?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private void Report(TableComparison comparison)
    {
        WriteObject(comparison);
        if (comparison.GetFailure() is { } failure)
        {
            WriteFailure(failure);
        }

        if (comparison.MissingColumn.Count > 0)
        {
            WriteWarning($"{comparison.Name}: the copy lacks {string.Join(", ", comparison.MissingColumn)}.");
        }

        if (comparison.UncomparedColumn.Count > 0)
        {
            WriteWarning($"{comparison.Name}: of {string.Join(", ", comparison.UncomparedColumn)} only the presence of a value was compared.");
        }
    }
}
