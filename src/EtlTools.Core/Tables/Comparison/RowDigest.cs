namespace EtlTools.Core.Tables.Comparison;

/// <param name="Digest">Of all rows with the key.</param>
/// <param name="Count">1, unless the key does not tell rows apart.</param>
internal readonly record struct RowDigest(string Digest, int Count)
{
    public RowDigest And(string digest) => new(string.CompareOrdinal(Digest, digest) <= 0 ? Digest + digest : digest + Digest, Count + 1);
}

internal static class RowDigests
{
    /// <param name="found">By key.</param>
    /// <param name="row">The key's texts, and the digest of the row; without a key, the digest is the key.</param>
    public static void Add(this Dictionary<string, RowDigest> found, string[] row)
    {
        var name = row.Length == 1 ? row[0] : string.Join(IComparisonSide.KeySeparator, row[..^1]);
        found[name] = found.TryGetValue(name, out var known) ? known.And(row[^1]) : new RowDigest(row[^1], 1);
    }
}
