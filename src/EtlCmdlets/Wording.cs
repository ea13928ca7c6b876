using System.Globalization;

namespace EtlTools.Cmdlets;

internal static class Wording
{
    /// <summary>1 file, 1,200 files.</summary>
    public static string Count(long number, string noun) =>
        number.ToString("N0", CultureInfo.CurrentCulture) + " " + noun + (number == 1 ? "" : "s");

    /// <summary>1, 2, 3, ...</summary>
    public static string First<T>(IReadOnlyCollection<T> items, int shown) =>
        string.Join(", ", items.Take(shown)) + (items.Count > shown ? ", ..." : "");
}
