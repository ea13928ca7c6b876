namespace EtlTools.Tests.Infrastructure;

public sealed class HostProcessTests
{
    [Fact]
    public async Task The_host_beside_the_tests_starts_and_ends()
    {
        await using var host = await HostProcess.RunAsync(["--help"]);

        Assert.Equal(0, host.ExitCode);
    }
}
