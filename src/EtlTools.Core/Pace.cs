namespace EtlTools.Core;

/// <summary>What work done so far says of the rest.</summary>
internal static class Pace
{
    /// <summary>At the rate so far; null where that is not known, or more was done than was foreseen.</summary>
    /// <param name="seconds">Since the work began.</param>
    /// <param name="done">Bytes, files or the like.</param>
    /// <param name="total">Of the same.</param>
    public static TimeSpan? TimeLeft(double seconds, long done, long total) =>
        done > 0 && done <= total ? TimeSpan.FromSeconds(seconds / done * (total - done)) : null;
}
