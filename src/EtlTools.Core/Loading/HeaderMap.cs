using EtlTools.Core.Staging;

namespace EtlTools.Core.Loading;

/// <summary>Brings a file's header and a raw table's columns together: every one of each must have its match.</summary>
internal static class HeaderMap
{
    /// <returns>For each raw column the index of its field.</returns>
    /// <exception cref="EtlException">HeaderMismatch; it names columns, never values.</exception>
    public static IReadOnlyList<int> Match(IReadOnlyList<string> header, ExtractTable table, string key)
    {
        var names = header.Select(Normalize).ToList();
        var faults = new List<string>();
        var empty = names.Count(name => name.Length == 0);
        if (empty > 0)
        {
            faults.Add($"{empty} column(s) without a name");
        }

        // A name that is no column may be a data value, if the file has no header at all; so it is counted, not shown.
        var known = table.RawColumns.Select(Normalize).ToHashSet(StringComparer.Ordinal);
        Report(faults, "named twice", names.Where(known.Contains).GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key).ToList());
        Report(faults, "missing", known.Except(names).ToList());
        var unknown = names.Count(name => name.Length > 0 && !known.Contains(name));
        if (unknown > 0)
        {
            faults.Add($"{unknown} that {table.RawName} does not have");
        }

        if (faults.Count > 0)
        {
            throw new EtlException(
                EtlErrorKind.Data,
                "HeaderMismatch",
                $"The header does not fit {table.RawName}: {string.Join("; ", faults)}.",
                key,
                "Correct the file, or describe its columns under the extract type and run Initialize-EtlDatabase.");
        }

        return table.RawColumns.Select(column => names.IndexOf(Normalize(column))).ToList();
    }

    private static string Normalize(string name) => name.Trim().Replace(' ', '_').ToLowerInvariant();

    private static void Report(List<string> faults, string what, List<string> names)
    {
        if (names.Count > 0)
        {
            faults.Add($"{what}: {string.Join(", ", names.Take(10))}{(names.Count > 10 ? ", ..." : "")}");
        }
    }
}
