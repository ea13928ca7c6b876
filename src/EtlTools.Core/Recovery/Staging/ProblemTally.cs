namespace EtlTools.Core.Recovery.Staging;

/// <summary>Counts problems by what they are about, in bounded memory.</summary>
internal sealed class ProblemTally
{
    // A payload can make up names without end.
    private const int MaxKinds = 500;
    private const string Others = "(others)";

    private readonly Dictionary<Kind, (long Count, long? First)> _counts = [];

    /// <summary>Rows that are not taken.</summary>
    public long RowsLost { get; private set; }

    public void Add(string type, string table, string reason, string name, bool isRowLost, long count = 1, long? ordinal = null)
    {
        var kind = new Kind(type, table, reason, name, isRowLost);
        if (_counts.Count >= MaxKinds && !_counts.ContainsKey(kind))
        {
            kind = new Kind(Others, "", reason, "", isRowLost);
        }

        _counts[kind] = _counts.TryGetValue(kind, out var known)
            ? (known.Count + count, known.First ?? ordinal)
            : (count, ordinal);
        RowsLost += isRowLost ? count : 0;
    }

    /// <summary>Lost rows first, then the most frequent.</summary>
    /// <param name="ingestion">Whose payload it is.</param>
    public IReadOnlyList<MetricProblem> ToList(Guid ingestion) => _counts
        .Select(entry => new MetricProblem
        {
            RawIngestionId = ingestion,
            Type = entry.Key.Type,
            Table = entry.Key.Table,
            Reason = entry.Key.Reason,
            Name = entry.Key.Name,
            Count = entry.Value.Count,
            FirstOrdinal = entry.Value.First,
            IsRowLost = entry.Key.IsRowLost,
        })
        .OrderByDescending(problem => problem.IsRowLost)
        .ThenByDescending(problem => problem.Count)
        .ToList();

    public void Clear()
    {
        _counts.Clear();
        RowsLost = 0;
    }

    private sealed record Kind(string Type, string Table, string Reason, string Name, bool IsRowLost);
}
