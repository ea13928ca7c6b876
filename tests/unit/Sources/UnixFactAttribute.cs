namespace EtlTools.Tests.Sources;

/// <summary>Needs links that any user may make.</summary>
public sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute() => Skip = OperatingSystem.IsWindows() ? "Links need a privilege on Windows." : null;
}
