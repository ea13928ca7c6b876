namespace EtlTools.Core.Configuration;

internal static class ExtractTypeUnknown
{
    /// <param name="where">Who has no such type, as the beginning of a sentence.</param>
    /// <param name="name">What was asked for.</param>
    /// <param name="known">What could have been.</param>
    public static EtlException Error(string where, string name, IEnumerable<string> known)
    {
        var names = known.ToList();
        var meant = Nearest.Find(name, names) is { } near ? $"Did you mean '{near}'? " : "";
        return new EtlException(
            EtlErrorKind.InvalidInput,
            "ExtractTypeUnknown",
            $"{where} has no extract type '{name}'.",
            name,
            $"{meant}Use one of: {string.Join(", ", names)}.");
    }
}
