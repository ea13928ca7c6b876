using System.Collections;
using System.Globalization;
using System.Management.Automation;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets.Commands.Reprocessing;

[Cmdlet(VerbsDiagnostic.Repair, "RejectedRow", SupportsShouldProcess = true, DefaultParameterSetName = "Value")]
[OutputType(typeof(ReprocessReceipt))]
public sealed class RepairRejectedRowCommand : EtlReprocessCmdlet
{
    private readonly List<RowCorrection> _corrections = [];

    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Value", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public long[] RejectedRowId { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "Value")]
    public Hashtable Value { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "Path")]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath")]
    public string[] LiteralPath { get; set; } = [];

    [Parameter(Mandatory = true)]
    [AllowEmptyString]
    public string Reason { get; set; } = "";

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void Begin() => Reasons.Require(Reason);

    protected override void Process()
    {
        _corrections.AddRange(RejectedRowId.Select(id => new RowCorrection { RejectedRowId = id, Values = Values() }));
        foreach (var path in Path.SelectMany(path => GetResolvedProviderPathFromPSPath(path, out _)))
        {
            _corrections.AddRange(CorrectionFile.Read(path));
        }

        foreach (var path in LiteralPath)
        {
            _corrections.AddRange(CorrectionFile.Read(GetUnresolvedProviderPathFromPSPath(path)));
        }
    }

    protected override void End()
    {
        if (_corrections.Count == 0)
        {
            return;
        }

        var repair = new RowRepair(Database, Config);
        if (Confirmed("Repair", Wording.Count(_corrections.Count, "rejected row"), out var isPreview))
        {
            WriteReceipts(Await(token => repair.RepairAsync(_corrections, Reason, preview: false, token)), PassThru, "Repaired");
        }
        else if (isPreview)
        {
            WriteReceipts(Await(token => repair.RepairAsync(_corrections, Reason, preview: true, token)), passThru: true, "Would be repaired");
        }
    }

    private Dictionary<string, string?> Values() => Value.Cast<DictionaryEntry>().ToDictionary(
        entry => Text(entry.Key) ?? "",
        entry => Text(entry.Value),
        StringComparer.Ordinal);

    private static string? Text(object? value) =>
        Convert.ToString(value is PSObject wrapped ? wrapped.BaseObject : value, CultureInfo.InvariantCulture) is { Length: > 0 } text
            ? text
            : null;
}
