namespace EtlTools.Core.Recovery.Staging;

/// <summary>The times that a payload's metrics of one table have, in microseconds since 2000, and which of them the table has too.</summary>
internal sealed class PayloadTimes
{
    private readonly Memory<long> _distinct;
    private readonly bool[] _isPresent;

    /// <param name="item">The payload's number in its batch.</param>
    /// <param name="owner">Whose it is.</param>
    /// <param name="times">One for each metric, at least one; they are put in order.</param>
    public PayloadTimes(int item, Guid owner, Memory<long> times)
    {
        Item = item;
        Owner = owner;
        var all = times.Span;
        all.Sort();
        var count = 1;
        foreach (var time in all)
        {
            if (time != all[count - 1])
            {
                all[count++] = time;
            }
        }

        _distinct = times[..count];
        _isPresent = new bool[count];
        Duplicates = all.Length - count;
    }

    public int Item { get; }

    public Guid Owner { get; }

    /// <summary>Metrics with a time that another one has.</summary>
    public int Duplicates { get; }

    public int Count => _distinct.Length;

    public int Present { get; private set; }

    public long From => _distinct.Span[0];

    public long To => _distinct.Span[^1];

    /// <summary>The table has a metric of the owner at this time; it may be told more than once.</summary>
    public void NotePresent(long time)
    {
        // A user's other payloads can be of other times.
        var place = time < From || time > To ? -1 : _distinct.Span.BinarySearch(time);
        if (place >= 0 && !_isPresent[place])
        {
            _isPresent[place] = true;
            Present++;
        }
    }
}
