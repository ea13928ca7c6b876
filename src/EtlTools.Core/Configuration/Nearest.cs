namespace EtlTools.Core.Configuration;

/// <summary>Guesses what was meant by a name that is not known.</summary>
internal static class Nearest
{
    /// <summary>The candidate that is fewest edits away, if it is near enough to be meant; null otherwise.</summary>
    public static string? Find(string name, IEnumerable<string> candidates) => candidates
        .Select(candidate => (Candidate: candidate, Distance: Distance(name.ToLowerInvariant(), candidate.ToLowerInvariant())))
        .Where(pair => pair.Distance <= Tolerance(Math.Min(name.Length, pair.Candidate.Length)))
        .OrderBy(pair => pair.Distance)
        .Select(pair => pair.Candidate)
        .FirstOrDefault();

    // Two swapped letters are two edits, and may be met from four letters on.
    private static int Tolerance(int length) => length < 4 ? 1 : Math.Max(2, length / 3);

    /// <summary>Levenshtein distance.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
