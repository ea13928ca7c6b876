using EtlTools.Core.Health;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Tests.Health;

/// <summary>A health with something in every part, made up.</summary>
internal static class Example
{
    public static readonly Guid User = new("550e8400-e29b-41d4-a716-446655440000");

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.FromHours(13));

    public static readonly ProcessingHealth Health = new()
    {
        Status = HealthStatus.Critical,
        Window = TimeSpan.FromHours(24),
        From = Now.AddDays(-1),
        To = Now,
        TimeZone = "Pacific/Auckland",
        GeneratedAt = Now,
        Database = "etl@db1:5432/ingest",
        Family =
        [
            new FamilyHealth { Family = PipelineFamily.Load, IsIncluded = true, Status = HealthStatus.Healthy, Detail = "no file came in", LastSuccessAt = Now.AddHours(-1) },
            new FamilyHealth { Family = PipelineFamily.Ingestion, IsIncluded = true, Status = HealthStatus.Critical, LastSuccessAt = Now.AddMinutes(-5) },
            new FamilyHealth { Family = PipelineFamily.Table, Title = "Table syncs", IsIncluded = true, Status = HealthStatus.Critical, LastSuccessAt = Now.AddHours(-2) },
        ],
        Overall =
        [
            new HealthOverall { Family = PipelineFamily.Load, Unit = "file" },
            new HealthOverall
            {
                Family = PipelineFamily.Table, Unit = "sync", Total = 432, Processed = 430, Failed = 2, Recovered = 1, SuccessRate = 430 / 432.0, FailureRate = 2 / 432.0,
            },
            new HealthOverall
            {
                Family = PipelineFamily.Ingestion, Unit = "payload", Total = 1234, Processed = 1100, Partial = 20, Failed = 89, Waiting = 25, Recovered = 3,
                SuccessRate = 1100 / 1234.0, FailureRate = 89 / 1234.0,
            },
        ],
        DataLoss =
        [
            new HealthDataLoss { Family = PipelineFamily.Table, Unit = "sync", RecordUnit = "row", Expected = 900_000, Present = 900_000, Rate = 0, Audited = 430 },
            new HealthDataLoss { Family = PipelineFamily.Load, Unit = "file", RecordUnit = "row" },
            new HealthDataLoss
            {
                Family = PipelineFamily.Ingestion, Unit = "payload", RecordUnit = "metric", Items = 45, Expected = 2_673_096, Present = 1_258_905,
                Missing = 1_414_191, Rate = 1_414_191 / 2_673_096.0, Rejected = 5346, RejectedItems = 7, RejectedRate = 0.002, Unreadable = 2, BeyondRecovery = 2,
                Audited = 1200,
            },
        ],
        ErrorPattern =
        [
            new ErrorPattern
            {
                Family = PipelineFamily.Ingestion, Category = "PostgreSQL Parameter Limit", ErrorCode = "ParameterLimit", Unit = "payload", Count = 23,
                FirstSeen = Now.AddHours(-20), LastSeen = Now.AddHours(-1),
            },
            new ErrorPattern { Family = PipelineFamily.Load, Category = "Odd <b>\"name\"</b>\\", Unit = "file", Count = 1, FirstSeen = Now, LastSeen = Now },
        ],
        Impact =
        [
            new HealthImpact
            {
                Family = PipelineFamily.Ingestion, SubjectUnit = "user", Subject = User.ToString(), UserId = User, Total = 35, Failed = 3, SuccessRate = 0.9, DataLossRate = 0.529, LastSuccessAt = Now.AddDays(-2),
                DaysSinceSuccess = 2, Urgency = ImpactUrgency.Urgent, RecommendedAction = "URGENT: Recover this user's data now", Command = "Find-LostData",
            },
            new HealthImpact
            {
                Family = PipelineFamily.Table, SubjectUnit = "table", Subject = "procedure log", TableName = "procedure log", Source = "practice", Importance = TableImportance.Critical,
                Finding = [FindingKind.Failing, FindingKind.Overdue], Total = 2, Failed = 2, SuccessRate = 0, LastSuccessAt = Now.AddDays(-3), DaysSinceSuccess = 3,
                Urgency = ImpactUrgency.Urgent, RecommendedAction = "URGENT: Look at the error and sync this table now", Command = "Get-TableStatus",
            },
            new HealthImpact
            {
                Family = PipelineFamily.Load, SubjectUnit = "practice", Subject = "<script>alert(1)</script>", PracticeId = "<script>alert(1)</script>", Total = 2, Failed = 2, SuccessRate = 0, Urgency = ImpactUrgency.Low,
                RecommendedAction = "LOW: Watch this practice", Command = "Get-ProcessingHealth",
            },
        ],
        Table =
        [
            new HealthTable
            {
                Name = "procedure log", Source = "practice", Schema = "raw", Importance = TableImportance.Critical, LastSuccessAt = Now.AddDays(-3), Lag = TimeSpan.FromDays(3),
                OverdueAfter = TimeSpan.FromDays(1), Failures = 2, ErrorCode = "SourceUnreachable", LastDuration = TimeSpan.FromMinutes(12), UsualDuration = TimeSpan.FromMinutes(11),
                TimeLimit = TimeSpan.FromMinutes(70), Verified = 1, Threshold = 0.99, Total = 2, Failed = 2,
                Finding =
                [
                    new HealthFinding
                    {
                        Name = "procedure log", Source = "practice", Importance = TableImportance.Critical, Kind = FindingKind.Failing, Severity = HealthSeverity.Critical,
                        Tier = AlertTier.Immediate, Metric = "failures since the last success", Value = 2, Message = "2 failures since the last success, the last with SourceUnreachable",
                    },
                    new HealthFinding
                    {
                        Name = "procedure log", Source = "practice", Importance = TableImportance.Critical, Kind = FindingKind.Overdue, Severity = HealthSeverity.Critical,
                        Tier = AlertTier.Immediate, Metric = "hours since the last success", Value = 72, Limit = 24, Message = "last synced 3 days ago; the limit is 24h",
                    },
                ],
            },
            new HealthTable
            {
                Name = "definition", Source = "practice", Schema = "raw", Importance = TableImportance.Reference, LastSuccessAt = Now.AddHours(-2), Lag = TimeSpan.FromHours(2),
                OverdueAfter = TimeSpan.FromDays(7), LastDuration = TimeSpan.FromSeconds(1.5), Verified = 1, Threshold = 0.95, Total = 1, RowsRead = 900,
            },
            new HealthTable
            {
                Name = "never \"synced\"", Source = "practice", Schema = "raw", Importance = TableImportance.Standard, Lag = TimeSpan.FromHours(2),
                OverdueAfter = TimeSpan.FromDays(1), Threshold = 0.95,
            },
        ],
        Stuck = [new StuckWork { Family = PipelineFamily.Load, LoadRunId = User, What = $"Run {User}", State = "running", Count = 1, Since = Now.AddHours(-3), Age = TimeSpan.FromHours(3), Reason = "its session is gone" }],
        Backlog =
        [
            new HealthBacklog { Family = PipelineFamily.Load, Unit = "file" },
            new HealthBacklog { Family = PipelineFamily.Table, Unit = "sync", Count = 2, OldestAt = Now.AddDays(-2), OldestAge = TimeSpan.FromDays(2) },
            new HealthBacklog { Family = PipelineFamily.Ingestion, Unit = "payload", Count = 25, OldestAt = Now.AddHours(-30), OldestAge = TimeSpan.FromHours(30) },
        ],
        Trend = Enumerable.Range(1, 8).SelectMany(window => new[] { PipelineFamily.Load, PipelineFamily.Ingestion }.Select(family => new HealthTrend
        {
            Family = family,
            From = Now.AddDays(window - 9),
            To = Now.AddDays(window - 8),
            IsCurrent = window == 8,
            Total = family == PipelineFamily.Load ? 0 : 150 * window,
            Failed = family == PipelineFamily.Load ? 0 : 11 * window,
            FailureRate = family == PipelineFamily.Load ? null : 0.073,
            Recovered = family == PipelineFamily.Load ? null : window,
            RecoveriesFailed = family == PipelineFamily.Load ? null : 0,
            RecordsRecovered = family == PipelineFamily.Load ? null : 100 * window,
            Expected = family == PipelineFamily.Load ? 0 : 1000 * window,
            Missing = family == PipelineFamily.Load ? 0 : 60 * window,
            DataLossRate = family == PipelineFamily.Load ? null : 0.06,
        })).OrderBy(trend => trend.Family).ToList(),
        Alert =
        [
            new HealthAlert
            {
                Severity = HealthSeverity.Critical, Tier = AlertTier.Immediate, Id = "DataLoss", Family = PipelineFamily.Ingestion, Metric = "share of metrics missing", Value = 0.529, Threshold = 0.1,
                Message = "Raw ingestions: 52.9% of the metrics expected are missing, in 45 payloads.",
            },
            new HealthAlert
            {
                Severity = HealthSeverity.Critical, Tier = AlertTier.Immediate, Id = "TableOverdue", Family = PipelineFamily.Table, Metric = "critical tables overdue", Value = 1,
                Message = "Table syncs: 1 critical table overdue: procedure log (last synced 3 days ago; the limit is 24h).",
            },
            new HealthAlert { Severity = HealthSeverity.Warning, Tier = AlertTier.Within15Minutes, Id = "StuckWork", Family = PipelineFamily.Load, Metric = "stuck work", Value = 1, Message = "CSV loads: 1 stuck." },
        ],
        Recommendation =
        [
            new HealthRecommendation
            {
                Family = PipelineFamily.Ingestion, Text = "Data loss detected in 45 payloads. Run the data recovery.",
                Command = "Find-LostData -Window 24h | Invoke-DataRecovery -WhatIf",
            },
        ],
        Total =
        [
            new HealthTotal { Family = PipelineFamily.Load, Name = "FilesLoaded", Value = 518 },
            new HealthTotal { Family = PipelineFamily.Load, Name = "FilesFailed", Value = 26 },
            new HealthTotal { Family = PipelineFamily.Load, Name = "RowsIngested", Value = 3_300_806 },
            new HealthTotal { Family = PipelineFamily.Load, Name = "RowsRejected", Value = 53_088 },
            new HealthTotal { Family = PipelineFamily.Table, Name = "SyncsCompleted", Value = 43_200 },
            new HealthTotal { Family = PipelineFamily.Table, Name = "SyncsFailed", Value = 12 },
            new HealthTotal { Family = PipelineFamily.Table, Name = "TableRowsRead", Value = 17_800_000 },
            new HealthTotal { Family = PipelineFamily.Table, Name = "TableRowsChanged", Value = 180_000 },
            new HealthTotal { Family = PipelineFamily.Ingestion, Name = "PayloadsRecovered", Value = 1234 },
            new HealthTotal { Family = PipelineFamily.Ingestion, Name = "RecoveriesFailed", Value = 56 },
            new HealthTotal { Family = PipelineFamily.Ingestion, Name = "PayloadsWithLoss", Value = 45 },
            new HealthTotal { Family = PipelineFamily.Ingestion, Name = "MetricsRecovered", Value = 1_414_191 },
        ],
    };
}
