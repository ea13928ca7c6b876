namespace EtlTools.Core.Tables.Comparison;

/// <summary>
/// Compares two tables: first digests of chunks, which each database computes in one pass; then the rows of the chunks that
/// differ, by key and digest.
/// </summary>
/// <param name="source">What is right.</param>
/// <param name="copy">What should be the same.</param>
/// <param name="key">Columns of the key; empty: rows are told apart by all that they hold.</param>
/// <param name="summed">Columns whose sums are compared, in the order of both sides.</param>
internal sealed class TableComparer(IComparisonSide source, IComparisonSide copy, IReadOnlyList<string> key, IReadOnlyList<string> summed)
{
    // So many rows are held of each side at a time.
    private const long RowsAtATime = 100_000;

    /// <param name="comparison">What is known already.</param>
    /// <param name="numberKey">The only column of the key, where it is a whole number on both sides.</param>
    /// <param name="estimatedRows">Of the source.</param>
    /// <param name="maxDifference">So many differences are looked for.</param>
    /// <param name="keepsVanished">Rows that only the copy has are no difference: it keeps what the source deletes.</param>
    /// <param name="cancellationToken">Ends both sessions.</param>
    public async Task<TableComparison> RunAsync(
        TableComparison comparison, string? numberKey, long estimatedRows, int maxDifference, bool keepsVanished, CancellationToken cancellationToken)
    {
        var chunking = await ChunkAsync(numberKey, estimatedRows, cancellationToken).ConfigureAwait(false);
        var (here, there) = await BothAsync(side => side.ReadChunksAsync(chunking, cancellationToken)).ConfigureAwait(false);
        var names = here.Keys.Union(there.Keys, StringComparer.Ordinal).ToList();
        var differing = names.Where(name => here.GetValueOrDefault(name) != there.GetValueOrDefault(name)).Order(StringComparer.Ordinal).ToList();
        comparison = comparison with
        {
            SourceRows = here.Values.Sum(chunk => chunk.Rows),
            CopyRows = there.Values.Sum(chunk => chunk.Rows),
            Chunks = names.Count,
            ChunksDifferent = differing.Count,
        };
        var found = new Findings(comparison.Name, key, maxDifference, keepsVanished);
        var at = 0;
        while (at < differing.Count && !found.IsFull)
        {
            var batch = new List<string>();
            for (var rows = 0L; at < differing.Count && (batch.Count == 0 || rows < RowsAtATime); at++)
            {
                batch.Add(differing[at]);
                rows += Math.Max(here.GetValueOrDefault(differing[at]).Rows, there.GetValueOrDefault(differing[at]).Rows);
            }

            var (sourceRows, copyRows) = await BothAsync(side => side.ReadRowsAsync(chunking, batch, cancellationToken)).ConfigureAwait(false);
            found.Add(sourceRows, copyRows);
        }

        return comparison with
        {
            Missing = found.Missing,
            Extra = found.Extra,
            Different = found.Different,
            Kept = found.Kept,
            Difference = found.Differences,
            Sum = await ReadSumsAsync(comparison.Name, cancellationToken).ConfigureAwait(false),
            IsComplete = at == differing.Count && !found.IsCut,
        };
    }

    private async Task<IReadOnlyList<ColumnSum>> ReadSumsAsync(string name, CancellationToken cancellationToken)
    {
        if (summed.Count == 0)
        {
            return [];
        }

        var (here, there) = await BothAsync(side => side.ReadSumsAsync(cancellationToken)).ConfigureAwait(false);
        return [.. summed.Select((column, i) => ColumnSum.Of(name, column, here[i], there[i]))];
    }

    private async Task<Chunking> ChunkAsync(string? numberKey, long estimatedRows, CancellationToken cancellationToken)
    {
        if (numberKey is null)
        {
            return Chunking.ByDigest(estimatedRows);
        }

        var (here, there) = await BothAsync(side => side.ReadRangeAsync(numberKey, cancellationToken)).ConfigureAwait(false);
        var ranges = new[] { here, there }.OfType<(long Lowest, long Highest)>().ToList();
        var isNarrow = ranges.Count == 0 || (decimal)ranges.Max(range => range.Highest) - ranges.Min(range => range.Lowest) < long.MaxValue / 2;
        return isNarrow ? Chunking.ByRange(numberKey, ranges, estimatedRows) : Chunking.ByDigest(estimatedRows);
    }

    private async Task<(T Source, T Copy)> BothAsync<T>(Func<IComparisonSide, Task<T>> read)
    {
        var (one, other) = (read(source), read(copy));
        await Task.WhenAll(one, other).ConfigureAwait(false);
        return (await one.ConfigureAwait(false), await other.ConfigureAwait(false));
    }

    /// <summary>What differs in one table, up to so many rows.</summary>
    private sealed class Findings(string table, IReadOnlyList<string> key, int most, bool keepsVanished)
    {
        private readonly List<TableDifference> _differences = [];

        public IReadOnlyList<TableDifference> Differences => _differences;

        public long Missing { get; private set; }

        public long Extra { get; private set; }

        public long Different { get; private set; }

        public long Kept { get; private set; }

        public bool IsFull => _differences.Count >= most;

        /// <summary>Some that were found are not listed.</summary>
        public bool IsCut { get; private set; }

        public void Add(IReadOnlyDictionary<string, RowDigest> source, IReadOnlyDictionary<string, RowDigest> copy)
        {
            foreach (var name in source.Keys.Union(copy.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                var (here, there) = (source.GetValueOrDefault(name), copy.GetValueOrDefault(name));
                if (here == there)
                {
                    continue;
                }

                var more = here.Count - there.Count;
                var isByContent = key.Count == 0;
                var (kind, rows) = (isByContent, more) switch
                {
                    _ when there.Count == 0 => (DifferenceKind.Missing, here.Count),
                    _ when here.Count == 0 => (DifferenceKind.Extra, there.Count),
                    (true, > 0) => (DifferenceKind.Missing, more),
                    (true, _) => (DifferenceKind.Extra, -more),
                    _ => (DifferenceKind.Different, 1),
                };
                Note(kind, rows, name);
            }
        }

        private void Note(DifferenceKind kind, int rows, string name)
        {
            if (kind == DifferenceKind.Extra && keepsVanished)
            {
                Kept += rows;
                return;
            }

            Missing += kind == DifferenceKind.Missing ? rows : 0;
            Extra += kind == DifferenceKind.Extra ? rows : 0;
            Different += kind == DifferenceKind.Different ? rows : 0;
            if (IsFull)
            {
                IsCut = true;
                return;
            }

            _differences.Add(new TableDifference { Name = table, Kind = kind, Key = KeyOf(name), Rows = rows });
        }

        private Dictionary<string, string?> KeyOf(string name) => name.Split(IComparisonSide.KeySeparator)
            .Zip(key)
            .ToDictionary(pair => pair.Second, pair => pair.First == IComparisonSide.KeyNull ? null : pair.First, StringComparer.Ordinal);
    }
}
