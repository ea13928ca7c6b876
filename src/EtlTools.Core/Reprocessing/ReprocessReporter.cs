using System.Diagnostics;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Reprocessing;

/// <summary>Tells how far a reprocess is, a few times a second while a file is read and at its end. Files come one after the other.</summary>
internal sealed class ReprocessReporter(int filesTotal, IProgress<ReprocessProgress>? progress)
{
    // Files are told apart finely enough for a single large one to have a time left.
    private const int PartsPerFile = 1000;

    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _reported = TimeSpan.MinValue;
    private string _activity = "";
    private int _done;
    private int _failed;
    private long _rows;

    public void Start(string key)
    {
        _activity = FileNameConvention.BaseName(key);
        Report(rowsNow: 0, part: 0, finished: null);
    }

    /// <param name="rows">Of the file under way.</param>
    /// <param name="part">The same as a share of the file, 0 to 1.</param>
    public void Advance(long rows, double part)
    {
        if (_clock.Elapsed - _reported >= Every)
        {
            Report(rows, part, finished: null);
        }
    }

    public void Finish(ReprocessReceipt receipt)
    {
        _activity = "";
        _done++;
        _failed += receipt.Status == "Failed" ? 1 : 0;
        _rows += receipt.RowsRead;
        Report(rowsNow: 0, part: 0, receipt);
    }

    private void Report(long rowsNow, double part, ReprocessReceipt? finished)
    {
        _reported = _clock.Elapsed;
        var seconds = Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
        var parts = (_done * PartsPerFile) + (long)(Math.Clamp(part, 0, 1) * PartsPerFile);
        progress?.Report(new ReprocessProgress
        {
            FilesDone = _done,
            FilesTotal = filesTotal,
            FilesFailed = _failed,
            RowsDone = _rows + rowsNow,
            RowsPerSecond = (_rows + rowsNow) / seconds,
            PartDone = filesTotal == 0 ? 0 : (double)parts / (filesTotal * PartsPerFile),
            TimeLeft = Pace.TimeLeft(seconds, parts, (long)filesTotal * PartsPerFile),
            Activity = _activity,
            FinishedFile = finished,
        });
    }
}
