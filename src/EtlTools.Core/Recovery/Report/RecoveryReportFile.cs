using System.Globalization;
using System.Text.Json;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Ingestions;

namespace EtlTools.Core.Recovery.Report;

/// <summary>A <see cref="DataRecoveryReport"/> as JSON, by the names that the service's own tool used, and more.</summary>
public static class RecoveryReportFile
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    /// <summary>Where a report goes: the file itself, or a file data_recovery_report_YYYYMMDD_HHMMSS.json (UTC) in the folder.</summary>
    /// <param name="path">A folder, or a file that ends in .json.</param>
    /// <param name="at">When the recovery began.</param>
    /// <exception cref="EtlException">ReportPathInvalid: found out before anything is recovered.</exception>
    public static string Locate(string path, DateTimeOffset at)
    {
        var isFile = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path);
        var folder = isFile ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        if (!isFile && File.Exists(path))
        {
            throw Invalid($"{path} is a file whose name does not end in .json.", path, "Name a folder or a .json file with -ReportPath.", null);
        }

        if (!Directory.Exists(folder))
        {
            throw Invalid($"There is no folder {folder} for the report.", folder, "Create it, or name another folder or .json file with -ReportPath.", null);
        }

        // An attempt tells more than the rights do.
        try
        {
            using var probe = new FileStream(
                Path.Combine(folder, $".etl-report-{Guid.NewGuid():n}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Invalid(
                $"The report cannot be written to the folder {folder}: {WhyNot(error)}.",
                folder,
                "Name a folder or .json file with -ReportPath where this user may create files.",
                error);
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"data_recovery_report_{at.UtcDateTime:yyyyMMdd_HHmmss}");
        return isFile ? Path.GetFullPath(path) : Unused(folder, name);
    }

    /// <summary>Writes it beside and moves it there: nobody reads half a report.</summary>
    public static async Task<DataRecoveryReport> WriteAsync(DataRecoveryReport report, string file, CancellationToken cancellationToken)
    {
        try
        {
            await AtomicFile.WriteAsync(file, async stream =>
            {
                var json = new Utf8JsonWriter(stream, Indented);
                await using (json.ConfigureAwait(false))
                {
                    Write(json, report);
                    await json.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
            return report with { Path = file };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Invalid(
                $"The recovery is done and kept in etl.data_recoveries (run {report.RecoveryRunId}), but its report could not be written to {file}: {WhyNot(error)}.",
                file,
                "Running the recovery again changes nothing that is done; name another folder or .json file with -ReportPath.",
                error);
        }
    }

    // Two recoveries can begin in the same second.
    private static string Unused(string folder, string name)
    {
        for (var number = 1; ; number++)
        {
            var file = Path.Combine(folder, number == 1 ? $"{name}.json" : $"{name}_{number}.json");
            if (!File.Exists(file))
            {
                return file;
            }
        }
    }

    private static EtlException Invalid(string message, string target, string nextStep, Exception? inner) =>
        new(EtlErrorKind.InvalidInput, "ReportPathInvalid", message, target, nextStep, inner: inner);

    private static string WhyNot(Exception error) => error is UnauthorizedAccessException ? "access is denied" : "the system takes no file there (is the disk full?)";

    private static void Write(Utf8JsonWriter json, DataRecoveryReport report)
    {
        json.WriteStartObject();
        json.WriteString("recovery_run_id", report.RecoveryRunId?.ToString());
        json.WriteString("started_at", report.StartedAt);
        json.WriteString("reason", report.Reason);
        json.WriteNumber("total_records", report.TotalRecords);
        json.WriteNumber("processed_records", report.ProcessedRecords);
        json.WriteNumber("failed_records", report.FailedRecords);
        json.WriteNumber("skipped_records", report.SkippedRecords);
        json.WriteNumber("total_metrics_recovered", report.TotalMetricsRecovered);
        json.WriteNumber("total_metrics_completed", report.TotalMetricsCompleted);
        json.WriteNumber("total_metrics_failed", report.TotalMetricsFailed);
        json.WriteNumber("total_metrics_missing", report.TotalMetricsMissing);
        json.WriteNumber("processing_time_seconds", Math.Round(report.Duration.TotalSeconds, 3));
        json.WriteStartObject("verification_checksums");
        foreach (var record in report.Record.Where(record => record.Sha256Before is not null))
        {
            json.WriteString(record.RawIngestionId.ToString(), record.Sha256Before);
        }

        json.WriteEndObject();
        json.WriteStartObject("error_breakdown");
        foreach (var (cause, count) in report.ErrorBreakdown)
        {
            json.WriteNumber(LossCategory.Of(cause), count);
        }

        json.WriteEndObject();
        json.WriteStartObject("user_recovery_stats");
        foreach (var user in report.User)
        {
            Write(json, user);
        }

        json.WriteEndObject();
        json.WriteStartArray("tables");
        foreach (var table in report.Table)
        {
            Write(json, table);
        }

        json.WriteEndArray();
        json.WriteStartArray("records");
        foreach (var record in report.Record)
        {
            Write(json, record);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, UserRecovery user)
    {
        json.WriteStartObject(user.UserId.ToString());
        json.WriteNumber("records_processed", user.RecordsProcessed);
        json.WriteNumber("metrics_recovered", user.MetricsRecovered);
        json.WriteNumber("metrics_failed", user.MetricsFailed);
        json.WriteNumber("data_loss_percentage", Math.Round(100 * user.DataLossRate, 2));
        json.WriteNumber("remaining_loss_percentage", Math.Round(100 * user.RemainingLossRate, 2));
        json.WriteNumber("largest_payload_mb", user.LargestPayloadMb);
        json.WriteStartArray("processing_errors");
        foreach (var error in user.ProcessingError)
        {
            json.WriteStringValue(error);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, TableRecovery table)
    {
        json.WriteStartObject();
        json.WriteString("table", table.Table);
        json.WriteNumber("expected", table.Expected);
        json.WriteNumber("present_before", table.PresentBefore);
        json.WriteNumber("recovered", table.Recovered);
        json.WriteNumber("completed", table.Completed);
        json.WriteNumber("refused", table.Refused);
        json.WriteNumber("duplicates", table.Duplicates);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, DataRecovery record)
    {
        json.WriteStartObject();
        json.WriteString("data_recovery_id", record.DataRecoveryId?.ToString());
        json.WriteString("raw_ingestion_id", record.RawIngestionId);
        json.WriteString("user_id", record.UserId);
        json.WriteString("outcome", record.Outcome.ToString());
        json.WriteString("cause", LossCategory.Of(record.Cause));
        json.WriteString("original_status", record.OriginalStatus);
        json.WriteString("status", record.Status);
        json.WriteNumber("expected", record.Expected);
        json.WriteNumber("present_before", record.PresentBefore);
        json.WriteNumber("metrics_recovered", record.Recovered);
        json.WriteNumber("metrics_completed", record.Completed);
        json.WriteNumber("metrics_failed", record.Failed);
        json.WriteNumber("duplicates", record.Duplicates);
        json.WriteString("sha256_before", record.Sha256Before);
        json.WriteString("sha256_after", record.Sha256After);
        json.WriteBoolean("verified", record.IsVerified);
        json.WriteNumber("payload_bytes", record.PayloadBytes);
        json.WriteNumber("seconds", Math.Round(record.Duration.TotalSeconds, 3));
        json.WriteString("error_code", record.ErrorCode);
        json.WriteString("error", record.Error);
        json.WriteStartArray("tables");
        foreach (var table in record.Table)
        {
            Write(json, table);
        }

        json.WriteEndArray();
        json.WriteStartArray("problems");
        foreach (var problem in record.Problem)
        {
            json.WriteStartObject();
            json.WriteString("type", problem.Type);
            json.WriteString("table", problem.Table);
            json.WriteString("reason", problem.Reason);
            json.WriteString("name", problem.Name);
            json.WriteNumber("count", problem.Count);
            json.WriteBoolean("row_lost", problem.IsRowLost);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
