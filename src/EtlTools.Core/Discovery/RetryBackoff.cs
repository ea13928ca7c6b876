namespace EtlTools.Core.Discovery;

/// <summary>When a file that failed is tried again, so that a poison file cannot starve new work.</summary>
internal static class RetryBackoff
{
    private static readonly TimeSpan Base = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <summary>
    /// After the first failure at once, for an admin who has just put the cause right must not wait; from the second on
    /// after 5 minutes, doubled with every failure up to a day.
    /// </summary>
    public static DateTimeOffset NextTry(int attempts, DateTimeOffset lastAttempt)
    {
        if (attempts < 2)
        {
            return lastAttempt;
        }

        // 5 minutes doubled nine times are more than a day.
        var wait = Base * Math.Pow(2, Math.Min(attempts - 2, 9));
        return lastAttempt + (wait < Longest ? wait : Longest);
    }
}
