using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;
using EtlTools.Core.Configuration;

namespace EtlTools.Cmdlets;

/// <summary>A command that needs to know the files and tables: the pipeline given, the connection's, or $env:ETL_PIPELINE.</summary>
public abstract class EtlPipelineCmdlet : EtlDatabaseCmdlet
{
    private PipelineConfig? _config;

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PipelineCompleter))]
    public string? Pipeline { get; set; }

    protected PipelineConfig Config => _config ??= PipelineReader.Read(
        PipelinePath.Resolve(this, Pipeline)
        ?? ConnectionPipeline
        ?? PipelinePath.FromEnvironment
        ?? throw new EtlException(
            EtlErrorKind.Configuration,
            "PipelineMissing",
            $"{MyInvocation.MyCommand.Name} needs to know the pipeline.",
            MyInvocation.MyCommand.Name,
            "Pass -Pipeline a built-in name or the path of a pipeline file, or give it to Connect-EtlDatabase once."));

    /// <summary>A date as the pipeline's files have it: wall-clock time in its zone. One without a zone is that already.</summary>
    protected DateTime? WallClock(DateTime? date) =>
        date is { Kind: not DateTimeKind.Unspecified } instant
            ? TimeZoneInfo.ConvertTimeBySystemTimeZoneId(instant, Config.TimeZone)
            : date;
}
