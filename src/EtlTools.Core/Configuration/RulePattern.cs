using System.Text.RegularExpressions;

namespace EtlTools.Core.Configuration;

/// <summary>
/// Looks a regular expression over that PostgreSQL is going to use. Only PostgreSQL can tell for certain; what is wrong in
/// .NET too, or is known to be missing there, is told when the file is read instead of failing every file later.
/// </summary>
internal static class RulePattern
{
    // What PostgreSQL takes and .NET does not: options of its own in front, word boundaries, eight-digit characters.
    private static readonly Regex OwnDirector = new(@"^(\*\*\*|\(\?[a-z]*[beq])", RegexOptions.CultureInvariant);
    private static readonly Regex OwnOptions = new(@"^\(\?[a-z]+\)", RegexOptions.CultureInvariant);
    private static readonly Regex OwnEscapes = new(@"(?<=(^|[^\\])(\\\\)*)\\([mMyY]|U[0-9A-Fa-f]{8})", RegexOptions.CultureInvariant);

    // What .NET takes and PostgreSQL does not: named and atomic groups, Unicode categories.
    private static readonly Regex Foreign =
        new(@"(?<=(^|[^\\])(\\\\)*)(\(\?(<[A-Za-z_]|'|>)|\\[pPkG])", RegexOptions.CultureInvariant);

    /// <summary>What is wrong with it, in a word or two; null where nothing is known to be.</summary>
    public static string? FindFault(string pattern)
    {
        if (OwnDirector.IsMatch(pattern))
        {
            return null;
        }

        if (Foreign.Match(pattern) is { Success: true } foreign)
        {
            return $"PostgreSQL has no {foreign.Value}";
        }

        try
        {
            _ = new Regex(OwnEscapes.Replace(OwnOptions.Replace(pattern, ""), @"\b"), RegexOptions.CultureInvariant);
            return null;
        }
        catch (RegexParseException error)
        {
            return error.Error.ToString();
        }
    }
}
