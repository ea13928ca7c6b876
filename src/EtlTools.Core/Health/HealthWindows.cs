namespace EtlTools.Core.Health;

/// <summary>The window asked about and those before it, as the database's clock has them.</summary>
/// <param name="Now">The end of the last window.</param>
/// <param name="Length">Of each window.</param>
/// <param name="Previous">How many come before.</param>
internal sealed record HealthWindows(DateTime Now, TimeSpan Length, int Previous)
{
    /// <summary>The number that width_bucket gives the window asked about; those before have 1 and up.</summary>
    public int Current => Previous + 1;

    public DateTime From => Now - Length;

    /// <summary>The beginnings of the windows, and the end of the last, for width_bucket.</summary>
    public DateTime[] Bounds { get; } = Enumerable.Range(0, Previous + 2).Select(i => Now - (Length * (Previous + 1 - i))).ToArray();

    public (DateTime From, DateTime To) Span(int window) => (Bounds[window - 1], Bounds[window]);
}
