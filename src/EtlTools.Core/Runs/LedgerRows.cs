using EtlTools.Core.Sources;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>From a row of <see cref="LedgerSql"/> to what an admin sees.</summary>
internal static class LedgerRows
{
    public static LoadRun ToRun(NpgsqlDataReader row) => new()
    {
        LoadRunId = row.Value<Guid>("load_run_id"),
        ParentRunId = row.Optional<Guid>("parent_run_id"),
        Kind = row.Word("kind", LoadRunKind.Load),
        Status = row.Word("status", LoadRunStatus.Unknown),
        Pipeline = row.Text("pipeline"),
        TriggeredBy = row.Text("triggered_by") ?? "",
        RequestedBy = row.Text("requested_by"),
        Reason = row.Text("reason"),
        StartedAt = row.Value<DateTimeOffset>("started_at"),
        CompletedAt = row.Optional<DateTimeOffset>("completed_at"),
        HeartbeatAt = row.Optional<DateTimeOffset>("heartbeat_at"),
        IsAlive = row.Optional<bool>("is_alive"),
        Duration = row.Optional<TimeSpan>("duration"),
        FilesProcessed = row.Value<int>("files_processed"),
        FilesFailed = row.Value<int>("files_failed"),
        FilesOpen = row.Value<int>("files_open"),
        RowsRead = row.Value<long>("rows_read"),
        RowsIngested = row.Value<long>("rows_ingested"),
        RowsRejected = row.Value<long>("rows_rejected"),
        ErrorRate = row.Optional<double>("error_rate"),
        OpenErrorRate = row.Optional<double>("open_error_rate"),
        Problem = Problems(row),
        ErrorCode = row.Text("error_code"),
        Error = row.Text("error"),
        Notes = row.Text("notes"),
        ExtractType = row.Texts("extract_types"),
    };

    public static LoadFile ToFile(NpgsqlDataReader row)
    {
        var key = row.Text("s3_key") ?? "";
        var read = row.Value<long>("rows_read");
        var rejected = row.Value<long>("rows_rejected");
        return new LoadFile
        {
            LoadRunFileId = row.Value<int>("load_run_file_id"),
            LoadRunId = row.Value<Guid>("load_run_id"),
            Pipeline = row.Text("pipeline"),
            ExtractType = row.Text("extract_type") ?? "",
            Container = row.Text("s3_bucket") ?? "",
            Key = key,
            FileName = FileNameConvention.BaseName(key),
            FileHash = row.Text("file_hash") ?? "",
            PerOrgId = row.Text("per_org_id") ?? "",
            PracticeId = row.Text("practice_id") ?? "",
            DateExtracted = row.Text("date_extracted") ?? "",
            ExtractedAt = row.Optional<DateTime>("extracted_at"),
            DateFrom = row.Optional<DateTime>("date_from"),
            DateTo = row.Optional<DateTime>("date_to"),
            SizeBytes = row.Optional<long>("size_bytes"),
            Attempt = row.Value<int>("attempt"),
            Status = row.Word("status", LoadFileStatus.Unknown),
            RowsRead = read,
            RowsIngested = row.Value<long>("rows_ingested"),
            RowsRejected = rejected,
            ErrorRate = read == 0 ? null : (double)rejected / read,
            StartedAt = row.Optional<DateTimeOffset>("started_at"),
            FinishedAt = row.Optional<DateTimeOffset>("finished_at"),
            StagedAt = row.Optional<DateTimeOffset>("staged_at"),
            IsSuperseded = row.Optional<DateTimeOffset>("superseded_at") is not null,
            SupersededAt = row.Optional<DateTimeOffset>("superseded_at"),
            SupersededByLoadRunFileId = row.Optional<int>("superseded_by_load_run_file_id"),
            ErrorCode = row.Text("error_code"),
            Error = row.Text("error"),
        };
    }

    public static RejectedRow ToRejectedRow(NpgsqlDataReader row) => new()
    {
        RejectedRowId = row.Value<long>("rejected_row_id"),
        LoadRunId = row.Value<Guid>("load_run_id"),
        LoadRunFileId = row.Value<int>("load_run_file_id"),
        ExtractType = row.Text("extract_type") ?? "",
        Key = row.Text("s3_key") ?? "",
        Stage = row.Text("stage") ?? "",
        RowNumber = row.Optional<long>("row_number"),
        LineNumber = row.Optional<long>("line_number"),
        ByteOffset = row.Optional<long>("byte_offset"),
        Reason = row.Texts("reasons"),
        Status = row.Text("status") ?? "",
        RejectedAt = row.Value<DateTimeOffset>("rejected_at"),
    };

    private static List<LoadRunProblem> Problems(NpgsqlDataReader row)
    {
        var problems = new List<LoadRunProblem>();
        if (row.Value<bool>("is_failed"))
        {
            problems.Add(LoadRunProblem.Failed);
        }

        if (row.Value<bool>("is_stuck"))
        {
            problems.Add(LoadRunProblem.Stuck);
        }

        if (row.Value<bool>("is_low_quality"))
        {
            problems.Add(LoadRunProblem.LowQuality);
        }

        return problems;
    }

    private static T Value<T>(this NpgsqlDataReader row, string column) => row.GetFieldValue<T>(row.GetOrdinal(column));

    private static T? Optional<T>(this NpgsqlDataReader row, string column)
        where T : struct
    {
        var ordinal = row.GetOrdinal(column);
        return row.IsDBNull(ordinal) ? null : row.GetFieldValue<T>(ordinal);
    }

    private static string? Text(this NpgsqlDataReader row, string column)
    {
        var ordinal = row.GetOrdinal(column);
        return row.IsDBNull(ordinal) ? null : row.GetString(ordinal);
    }

    private static string[] Texts(this NpgsqlDataReader row, string column)
    {
        var ordinal = row.GetOrdinal(column);
        return row.IsDBNull(ordinal) ? [] : row.GetFieldValue<string[]>(ordinal);
    }

    // Not Enum.TryParse alone: it takes numbers too.
    private static T Word<T>(this NpgsqlDataReader row, string column, T otherwise)
        where T : struct, Enum =>
        row.Text(column) is [>= 'a' and <= 'z', ..] word && Enum.TryParse<T>(word, ignoreCase: true, out var value) ? value : otherwise;
}
