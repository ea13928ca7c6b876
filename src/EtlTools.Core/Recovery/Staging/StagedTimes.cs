using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>
/// Metrics of an audit whose key is a user and a moment, as most are: nothing of them is kept but the moment, eight bytes. To bring
/// those that the table has to where these are takes a fraction of what it costs to send all of them to the server.
/// </summary>
internal sealed class StagedTimes(MetricTable table)
{
    private readonly List<(int Item, Guid Owner, int Start)> _payloads = [];
    private long[] _times = [];
    private int _count;

    public MetricTable Table => table;

    public bool IsEmpty => _count == 0;

    /// <summary>Where every metric of the table has a time, and the column keeps it as it is.</summary>
    public static bool Suits(MetricTable table, IEnumerable<TableBinding> bindings) =>
        table.Key is [{ IsNotNull: true, Format: ColumnFormat.Instant, IsRounded: false }]
        && bindings.All(binding => SourceOf(binding) is >= 0 and var source && binding.Type.Columns[source].IsRequired);

    /// <param name="binding">Of the row.</param>
    /// <param name="row">The metric.</param>
    /// <param name="item">The payload's number in its batch; payloads come one after the other.</param>
    /// <param name="owner">Whose it is.</param>
    public void Add(TableBinding binding, MetricRow row, int item, Guid owner)
    {
        if (_payloads.Count == 0 || _payloads[^1].Item != item)
        {
            _payloads.Add((item, owner, _count));
        }

        if (_count == _times.Length)
        {
            Array.Resize(ref _times, Math.Max(1024, 2 * _times.Length));
        }

        _times[_count++] = CellEncoder.Microseconds(row.Time(SourceOf(binding)));
    }

    /// <summary>By payload; nothing may be added before the next <see cref="Reset"/>.</summary>
    public IReadOnlyList<PayloadTimes> Payloads() => _payloads
        .Select((payload, i) => new PayloadTimes(
            payload.Item, payload.Owner, _times.AsMemory(payload.Start..(i + 1 < _payloads.Count ? _payloads[i + 1].Start : _count))))
        .ToList();

    public void Reset()
    {
        _payloads.Clear();
        _count = 0;
    }

    private static int SourceOf(TableBinding binding) => binding.Sources[binding.Table.TimeIndex];
}
