using System.Management.Automation;

namespace EtlTools.Cmdlets.Connections;

/// <summary>A pipeline is named by a built-in name or by a path, which is relative to PowerShell's location.</summary>
internal static class PipelinePath
{
    public static string? FromEnvironment =>
        Environment.GetEnvironmentVariable("ETL_PIPELINE") is { Length: > 0 } pipeline ? pipeline : null;

    public static string? Resolve(PSCmdlet cmdlet, string? pipeline) =>
        pipeline is not null && IsPath(pipeline) ? cmdlet.GetUnresolvedProviderPathFromPSPath(pipeline) : pipeline;

    private static bool IsPath(string pipeline) =>
        pipeline.AsSpan().ContainsAny('/', '\\')
        || pipeline.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase)
        || pipeline.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);
}
