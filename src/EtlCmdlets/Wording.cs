using System.Globalization;

namespace EtlTools.Cmdlets;

internal static class Wording
{
    /// <summary>1 file, 1,200 files.</summary>
    public static string Count(long number, string noun) =>
        number.ToString("N0", CultureInfo.CurrentCulture) + " " + noun + (number == 1 ? "" : "s");
}
