using System.Globalization;
using System.Management.Automation;
using EtlTools.Core.Loading;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Comparison;
using EtlTools.Core.Tables.Sync;

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
        report.PartDone,
        report.TimeLeft,
        report.Activity);

    public void Show(AuditProgress report) => Show(
        string.Create(
            CultureInfo.CurrentCulture,
            $"{report.Audited:N0} of {report.Total:N0} ingestions, {report.Lost:N0} with losses, {report.MetricsRead:N0} metrics, {report.MetricsPerSecond:N0} metrics/s"),
        Share(report.BytesDone, report.BytesTotal) ?? Share(report.Audited, report.Total),
        report.TimeLeft,
        "");

    public void Show(RecoveryProgress report) => Show(
        string.Create(
            CultureInfo.CurrentCulture,
            $"{report.RecordsDone:N0} of {report.RecordsTotal:N0} ingestions{Failed(report.RecordsFailed)}, {report.MetricsRecovered:N0} metrics recovered, {report.MetricsPerSecond:N0} metrics/s"),
        Share(report.BytesDone, report.BytesTotal) ?? Share(report.RecordsDone, report.RecordsTotal),
        report.TimeLeft,
        "");

    public void Show(TableSyncProgress report) => Show(
        string.Create(
            CultureInfo.CurrentCulture,
            $"{report.TablesDone} of {Wording.Count(report.TablesTotal, "table")}{Failed(report.TablesFailed)}, {report.RowsRead:N0} rows, {report.RowsPerSecond:N0} rows/s"),
        Share(report.TablesDone, report.TablesTotal),
        report.TimeLeft,
        report.Activity);

    public void Show(TableComparisonProgress report) => Show(
        string.Create(
            CultureInfo.CurrentCulture,
            $"{report.TablesDone} of {Wording.Count(report.TablesTotal, "table")}, {report.RowsCompared:N0} rows, {report.RowsPerSecond:N0} rows/s"),
        Share(report.TablesDone, report.TablesTotal),
        report.TimeLeft,
        "");

    public void Show(AnalysisProgress report) => Show(
        string.Create(CultureInfo.CurrentCulture, $"{report.TablesDone} of {Wording.Count(report.TablesTotal, "table")}"),
        Share(report.TablesDone, report.TablesTotal),
        report.TimeLeft,
        "");

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
        (int Done, int Total, int Failed) files, (long Done, double PerSecond) rows, double? share, TimeSpan? timeLeft, string operation) => Show(
        string.Create(
            CultureInfo.CurrentCulture,
            $"{files.Done} of {Wording.Count(files.Total, "file")}{Failed(files.Failed)}, {rows.Done:N0} rows, {rows.PerSecond:N0} rows/s"),
        share,
        timeLeft,
        operation);

    private static string Failed(long count) => count > 0 ? $" ({count} failed)" : "";

    private void Show(string status, double? share, TimeSpan? timeLeft, string operation)
    {
        _isShown = true;
        cmdlet.WriteProgress(new ProgressRecord(ActivityId, activity, status)
        {
            CurrentOperation = operation,
            PercentComplete = share is { } part ? (int)(part * 100) : -1,
            SecondsRemaining = timeLeft is { } left ? (int)Math.Ceiling(left.TotalSeconds) : -1,
        });
    }
}
