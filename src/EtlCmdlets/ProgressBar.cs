using System.Globalization;
using System.Management.Automation;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets;

/// <summary>The bar of a long command: files, rows, rows a second, time left. Used on the pipeline thread.</summary>
internal sealed class ProgressBar(Cmdlet cmdlet, string activity) : IDisposable
{
    private const int ActivityId = 1;

    private bool _isShown;

    public void Show(LoadProgress report) => Show(
        (report.FilesDone, report.FilesTotal, report.FilesFailed),
        (report.RowsDone, report.RowsPerSecond),
        Share(report.BytesDone, report.BytesTotal) ?? Share(report.FilesDone, report.FilesTotal),
        report.TimeLeft,
        report.Activity);

    public void Show(ReprocessProgress report) => Show(
        (report.FilesDone, report.FilesTotal, report.FilesFailed),
        (report.RowsDone, report.RowsPerSecond),
        Share(report.FilesDone, report.FilesTotal),
        report.TimeLeft,
        report.Activity);

    public void Dispose()
    {
        if (_isShown)
        {
            _isShown = false;
            cmdlet.WriteProgress(new ProgressRecord(ActivityId, activity, "Done") { RecordType = ProgressRecordType.Completed });
        }
    }

    private static double? Share(long done, long total) => total > 0 ? Math.Clamp((double)done / total, 0, 1) : null;

    private void Show(
        (int Done, int Total, int Failed) files, (long Done, double PerSecond) rows, double? share, TimeSpan? timeLeft, string operation)
    {
        _isShown = true;
        var failed = files.Failed > 0 ? $" ({files.Failed} failed)" : "";
        var status = string.Create(
            CultureInfo.CurrentCulture,
            $"{files.Done} of {Wording.Count(files.Total, "file")}{failed}, {rows.Done:N0} rows, {rows.PerSecond:N0} rows/s");
        cmdlet.WriteProgress(new ProgressRecord(ActivityId, activity, status)
        {
            CurrentOperation = operation,
            PercentComplete = share is { } part ? (int)(part * 100) : -1,
            SecondsRemaining = timeLeft is { } left ? (int)Math.Ceiling(left.TotalSeconds) : -1,
        });
    }
}
