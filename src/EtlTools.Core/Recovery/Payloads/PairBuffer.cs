using System.Runtime.InteropServices;
using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// Keeps the halves of the metrics of one type until the payload ends, two dozen bytes each, and puts together what is of the
/// same time; several of the same time go together in their order.
/// </summary>
internal sealed class PairBuffer
{
    private readonly MetricType _type;
    private readonly int _timeColumn;
    private readonly int _textColumn;
    private readonly List<Half>[] _halves;
    private readonly Utf8Names<int> _textPlaces = new();
    private readonly List<byte[]> _texts = [];
    private readonly int[] _next;

    public PairBuffer(MetricType type)
    {
        _type = type;
        _timeColumn = type.Key.First(column => column.Kind == MetricKind.Time).Ordinal;
        _textColumn = type.Columns.FirstOrDefault(column => column.Kind == MetricKind.Text)?.Ordinal ?? -1;
        _halves = [.. type.Paired.Select(_ => new List<Half>())];
        _next = new int[type.Paired.Count];
    }

    public void Add(MetricRow row, MetricColumn column)
    {
        var value = column.Kind == MetricKind.Integer ? row.Integer(column.Ordinal) : row.Number(column.Ordinal);
        for (var part = 0; part < _halves.Length; part++)
        {
            if (_type.Paired[part] == column)
            {
                _halves[part].Add(new Half(row.Time(_timeColumn).Ticks, value, (int)row.Ordinal, TextPlace(row)));
            }
        }
    }

    /// <summary>To be called before the first <see cref="TryTake"/>.</summary>
    public void Sort()
    {
        foreach (var halves in _halves)
        {
            CollectionsMarshal.AsSpan(halves).Sort((a, b) => a.Ticks != b.Ticks ? a.Ticks.CompareTo(b.Ticks) : a.Ordinal.CompareTo(b.Ordinal));
        }
    }

    /// <summary>Puts the next metric into the row, with its ordinal.</summary>
    /// <param name="row">Takes it.</param>
    /// <param name="missing">What the metric lacks; null: nothing.</param>
    /// <returns>False where there is none left.</returns>
    public bool TryTake(MetricRow row, out MetricColumn? missing)
    {
        missing = null;
        var first = long.MaxValue;
        for (var part = 0; part < _halves.Length; part++)
        {
            first = Math.Min(first, _next[part] < _halves[part].Count ? _halves[part][_next[part]].Ticks : long.MaxValue);
        }

        if (first == long.MaxValue)
        {
            return false;
        }

        row.Begin(_type);
        row.Ordinal = 0;
        row.SetTime(_timeColumn, first);
        for (var part = 0; part < _halves.Length; part++)
        {
            var column = _type.Paired[part];
            if (_next[part] == _halves[part].Count || _halves[part][_next[part]].Ticks != first)
            {
                missing ??= column;
                continue;
            }

            var half = _halves[part][_next[part]++];
            row.Ordinal = Math.Max(row.Ordinal, half.Ordinal);
            if (column.Kind == MetricKind.Integer)
            {
                row.SetInteger(column.Ordinal, (long)half.Value);
            }
            else
            {
                row.SetNumber(column.Ordinal, half.Value);
            }

            if (half.Text >= 0 && !row.HasValue(_textColumn))
            {
                row.SetText(_textColumn, MetricValueKind.Text, _texts[half.Text]);
            }
        }

        return true;
    }

    // A payload names few devices.
    private int TextPlace(MetricRow row)
    {
        if (_textColumn < 0 || !row.HasValue(_textColumn))
        {
            return -1;
        }

        var text = row.Utf8(_textColumn);
        if (!_textPlaces.TryFind(text, out var place))
        {
            place = _texts.Count;
            _texts.Add(text.ToArray());
            _textPlaces.Add(text, place);
        }

        return place;
    }

    private readonly record struct Half(long Ticks, double Value, int Ordinal, int Text);
}
