using System.Diagnostics;
using EtlTools.Core.Discovery;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Loading;

/// <summary>Adds up what several workers do into one progress, a few times a second.</summary>
internal sealed class LoadReporter(Guid loadRunId, IReadOnlyList<LoadPlanItem> plan, IProgress<LoadProgress>? progress)
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    private readonly object _gate = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<LoadPlanItem, (long Rows, long Bytes)> _running = [];
    private readonly long _bytesTotal = plan.Sum(item => item.SizeBytes);
    private TimeSpan _reported = TimeSpan.MinValue;
    private long _rows;
    private long _bytes;
    private int _done;
    private int _failed;

    public void Start(LoadPlanItem item)
    {
        lock (_gate)
        {
            _running[item] = (0, 0);
            Report(null, always: true);
        }
    }

    public void Advance(LoadPlanItem item, long rows, long bytes)
    {
        lock (_gate)
        {
            _running[item] = (rows, bytes);
            Report(null, always: false);
        }
    }

    public void Finish(LoadPlanItem item, FileOutcome outcome)
    {
        lock (_gate)
        {
            _running.Remove(item);
            _done++;
            _bytes += item.SizeBytes;
            _rows += outcome.Loaded?.Counts.RowsIngested ?? 0;
            _failed += outcome.Status == LoadFileStatus.Failed ? 1 : 0;
            Report(Describe(item, outcome), always: true, outcome.Error?.NextStep, outcome.Loaded?.Staging);
        }
    }

    /// <summary>A file that an earlier run had loaded without staging.</summary>
    public void Staged(StagedFile file)
    {
        lock (_gate)
        {
            Report(null, always: true, staged: file);
        }
    }

    private void Report(
        LoadFile? finished, bool always, string? nextStep = null, StagingChange? staging = null, StagedFile? staged = null)
    {
        if (progress is null || (!always && _clock.Elapsed - _reported < Every))
        {
            return;
        }

        _reported = _clock.Elapsed;
        var rows = _rows + _running.Values.Sum(running => running.Rows);
        var bytes = _bytes + _running.Values.Sum(running => running.Bytes);
        var seconds = _clock.Elapsed.TotalSeconds;
        progress.Report(new LoadProgress
        {
            LoadRunId = loadRunId,
            FilesDone = _done,
            FilesTotal = plan.Count,
            FilesFailed = _failed,
            RowsDone = rows,
            BytesDone = bytes,
            BytesTotal = _bytesTotal,
            RowsPerSecond = seconds > 0 ? rows / seconds : 0,
            TimeLeft = Pace.TimeLeft(seconds, bytes, _bytesTotal),
            Activity = string.Join(", ", _running.Keys.Select(item => item.FileName)),
            FinishedFile = finished,
            NextStep = nextStep,
            FinishedStaging = staging,
            StagedFile = staged,
        });
    }

    private LoadFile Describe(LoadPlanItem item, FileOutcome outcome) => new()
    {
        LoadRunFileId = outcome.Claim?.LoadRunFileId ?? 0,
        LoadRunId = loadRunId,
        ExtractType = item.ExtractType,
        Container = item.Container,
        Key = item.Key,
        FileName = item.FileName,
        FileHash = item.Source.FileHash,
        PerOrgId = item.Source.PerOrgId,
        PracticeId = item.Source.PracticeId,
        DateExtracted = item.Source.DateExtracted,
        ExtractedAt = item.ExtractedAt,
        SizeBytes = item.SizeBytes,
        Attempt = outcome.Claim?.Attempt ?? 0,
        Status = outcome.Status,
        RowsRead = (outcome.Loaded?.Counts ?? outcome.Seen).RowsRead,
        RowsIngested = outcome.Loaded?.Counts.RowsIngested ?? 0,
        RowsRejected = (outcome.Loaded?.Counts ?? outcome.Seen).RowsRejected,
        ErrorCode = outcome.Error?.ErrorId,
        Error = outcome.Error?.Message,
    };
}
