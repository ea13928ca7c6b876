using System.Management.Automation;
using EtlTools.Core;
using EtlTools.Core.Health;
using EtlTools.Core.Health.Export;

namespace EtlTools.Cmdlets.Commands.Health;

[Cmdlet(VerbsData.Export, "ProcessingHealth", SupportsShouldProcess = true, DefaultParameterSetName = "Path")]
[OutputType(typeof(HealthExport))]
public sealed class ExportProcessingHealthCommand : EtlHealthCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path")]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    // Not the enum itself: a field of an engine's value type needs the engine before the module can find it.
    [Parameter]
    [ValidateSet(nameof(HealthFormat.Prometheus), nameof(HealthFormat.Json), nameof(HealthFormat.Html))]
    public string? Format { get; set; }

    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    public ProcessingHealth? InputObject { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void Process()
    {
        if (InputObject is not null)
        {
            RequireUnasked();
            Write(InputObject);
        }
    }

    protected override void End()
    {
        if (InputObject is null && !ReadsPipeline)
        {
            Write(ReadHealth());
        }
    }

    private void Write(ProcessingHealth health)
    {
        // Names of files to be: a wildcard in them would find nothing.
        foreach (var file in Path.Concat(LiteralPath).Select(GetUnresolvedProviderPathFromPSPath))
        {
            var format = FormatOf(file);
            if (Confirmed($"Write as {format}", file, out _))
            {
                var written = Await(token => HealthExporter.WriteAsync(health, format, file, token));
                if (PassThru)
                {
                    WriteObject(written);
                }
            }
        }
    }

    private HealthFormat FormatOf(string file) => Format is not null
        ? Enum.Parse<HealthFormat>(Format, ignoreCase: true)
        : HealthExporter.FormatOf(file) ?? throw new EtlException(
            EtlErrorKind.InvalidInput,
            "HealthFormatUnknown",
            $"The name of {file} does not say in which format to write it.",
            file,
            "Pass -Format Prometheus, Json or Html, or a name that ends in .prom, .json or .html.");
}
