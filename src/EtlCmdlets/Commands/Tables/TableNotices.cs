namespace EtlTools.Cmdlets.Commands.Tables;

/// <summary>What an admin should know about the tables of a source, that is no error. Said once for all tables.</summary>
internal static class TableNotices
{
    // So many tables are named in a warning.
    private const int MostNames = 5;

    /// <param name="table">The table.</param>
    /// <param name="columns">Those of its columns that are made texts.</param>
    public static IEnumerable<string> OfTexts(string table, IReadOnlyCollection<string> columns)
    {
        if (columns.Count > 0)
        {
            yield return $"{table}: {string.Join(", ", columns)} becomes text, for no other type holds what the copy has and what the source has now. "
                + "Whatever adds it up or sorts by it sees texts from then on.";
        }
    }

    /// <param name="names">Tables that know no snapshots.</param>
    public static IEnumerable<string> OfLocking(IReadOnlyCollection<string> names)
    {
        if (names.Count > 0)
        {
            yield return $"{Wording.Count(names.Count, "table")} of MyISAM or its like, which know no snapshots ({Wording.First(names, MostNames)}): whoever writes to one at "
                + "the source waits while it is read. Sync from a replica, or by ranges of the key (strategy: incremental_chunked).";
        }
    }
}
