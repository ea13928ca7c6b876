using System.Diagnostics;

namespace EtlTools.Core.Tables.Sync;

/// <summary>What is done, in the order in which it was.</summary>
internal sealed class SyncTally(int total, long bytesTotal, IProgress<TableSyncProgress>? progress)
{
    private const int ReportEveryMilliseconds = 200;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private readonly List<TableSync> _done = [];
    private readonly List<string> _active = [];
    private long _rows;
    private long _bytes;
    private long _reportedAt;

    public IReadOnlyList<TableSync> Done => _done;

    public void Begin(string table)
    {
        lock (_lock)
        {
            _active.Add(table);
        }
    }

    /// <summary>Rows that have come.</summary>
    public void Add(long rows)
    {
        lock (_lock)
        {
            _rows += rows;
            if (progress is not null && _clock.ElapsedMilliseconds - _reportedAt > ReportEveryMilliseconds)
            {
                Report(null);
            }
        }
    }

    public void Note(TableSync sync, long bytes)
    {
        lock (_lock)
        {
            _active.Remove(sync.Name);
            _done.Add(sync);
            _bytes += bytes;
            Report(sync);
        }
    }

    private void Report(TableSync? finished)
    {
        _reportedAt = _clock.ElapsedMilliseconds;
        var seconds = Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
        progress?.Report(new TableSyncProgress
        {
            TablesDone = _done.Count,
            TablesTotal = total,
            TablesFailed = _done.Count(done => done.Status == TableSyncStatus.Failed),
            RowsRead = _rows,
            RowsPerSecond = _rows / seconds,
            TimeLeft = Pace.TimeLeft(seconds, _bytes, bytesTotal),
            Activity = string.Join(", ", _active),
            Finished = finished,
        });
    }
}
