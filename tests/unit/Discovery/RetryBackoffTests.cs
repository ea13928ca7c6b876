using EtlTools.Core.Discovery;

namespace EtlTools.Tests.Discovery;

public sealed class RetryBackoffTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 5)]
    [InlineData(3, 10)]
    [InlineData(4, 20)]
    [InlineData(10, 1280)]
    [InlineData(11, 1440)]
    [InlineData(12, 1440)]
    [InlineData(int.MaxValue, 1440)]
    public void First_retry_is_due_at_once_and_later_ones_wait_longer(int attempts, int minutes)
    {
        var last = new DateTimeOffset(2025, 8, 18, 12, 0, 0, TimeSpan.Zero);

        Assert.Equal(last.AddMinutes(minutes), RetryBackoff.NextTry(attempts, last));
    }
}
