namespace EtlTools.Host;

internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command ran, and what it reports is not good: a file failed, a table is not what raw says.</summary>
    public const int NotGood = 1;

    public const int Error = 2;

    /// <summary>As a shell has it for a program that Ctrl+C ended.</summary>
    public const int Cancelled = 130;
}
