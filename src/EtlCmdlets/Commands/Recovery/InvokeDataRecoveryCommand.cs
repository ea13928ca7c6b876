using System.Management.Automation;
using EtlTools.Core;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Report;
using EtlTools.Core.Reprocessing;

namespace EtlTools.Cmdlets.Commands.Recovery;

[Cmdlet(VerbsLifecycle.Invoke, "DataRecovery", SupportsShouldProcess = true)]
[OutputType(typeof(DataRecoveryReport), typeof(DataRecovery))]
public sealed class InvokeDataRecoveryCommand : EtlRecoveryCmdlet
{
    [Parameter]
    [ValidateRange(1, 100_000)]
    public int BatchSize { get; set; } = RecoveryOptions.DefaultBatchSize;

    [Parameter]
    [ValidateRange(1, 64)]
    public int MaxConcurrency { get; set; } = RecoveryOptions.DefaultMaxConcurrency;

    [Parameter]
    public SwitchParameter NoVerify { get; set; }

    [Parameter]
    public SwitchParameter Legacy { get; set; }

    [Parameter]
    public string? Reason { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ReportPath { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void Begin()
    {
        if (Reason is not null)
        {
            Reasons.Require(Reason);
        }
    }

    protected override void End()
    {
        var ids = RawIngestionIds;
        if (ReadsPipeline && ids.Count == 0)
        {
            return;
        }

        var options = Options(ids);
        var engine = new RecoveryEngine(Database, Map);
        if (Confirmed("Recover lost metrics", Describe(ids), out var isPreview))
        {
            var file = RecoveryReportFile.Locate(
                ReportPath is null ? SessionState.Path.CurrentFileSystemLocation.ProviderPath : GetUnresolvedProviderPathFromPSPath(ReportPath),
                DateTimeOffset.UtcNow);
            Report(ids, WithProgress(PassThru, async (progress, token) =>
            {
                var report = await engine.ExecuteAsync(options, progress, token).ConfigureAwait(false);

                // Not given up at Ctrl+C any more: what is done is to be told.
                return await RecoveryReportFile.WriteAsync(report, file, CancellationToken.None).ConfigureAwait(false);
            }));
        }
        else if (isPreview)
        {
            var plan = WithProgress(false, (progress, token) => engine.PreviewAsync(options, progress, token));
            WarnOf(plan, ids);
            WriteObject(plan);
        }
    }

    /// <summary>A parameter counts before the environment, and that before the default.</summary>
    private RecoveryOptions Options(IReadOnlyList<Guid> ids)
    {
        var given = MyInvocation.BoundParameters;
        return new RecoveryOptions
        {
            RawIngestionIds = ids,
            UserIds = UserId,
            Status = StatusWords,
            BatchSize = given.ContainsKey(nameof(BatchSize)) ? BatchSize : BatchEnvironment.BatchSize(Environment.GetEnvironmentVariable) ?? BatchSize,
            MaxConcurrency = given.ContainsKey(nameof(MaxConcurrency))
                ? MaxConcurrency
                : BatchEnvironment.MaxConcurrency(Environment.GetEnvironmentVariable) ?? MaxConcurrency,
            Verifies = given.ContainsKey(nameof(NoVerify)) ? !NoVerify : BatchEnvironment.Verifies(Environment.GetEnvironmentVariable) ?? true,
            IsLegacy = Legacy,
            Reason = Reason,
            Schema = Schema,
        };
    }

    private DataRecoveryReport WithProgress(
        bool writesRecords, Func<IProgress<RecoveryProgress>, CancellationToken, Task<DataRecoveryReport>> work)
    {
        using var bar = new ProgressBar(this, "Recovering lost metrics");
        var progress = new PostedProgress<RecoveryProgress>(report => OnPipeline(() =>
        {
            bar.Show(report);
            if (writesRecords && report.FinishedRecord is { } record)
            {
                WriteObject(record);
            }
        }));
        return Await(token => work(progress, token));
    }

    private void Report(IReadOnlyList<Guid> ids, DataRecoveryReport report)
    {
        foreach (var record in report.Record.Where(record => record.Outcome == RecoveryOutcome.Failed))
        {
            WriteFailure(new EtlException(
                EtlErrorKind.Data,
                record.ErrorCode ?? "RecoveryFailed",
                record.Error ?? $"No metric of ingestion {record.RawIngestionId} could be taken. Nothing was changed in the metric tables.",
                record.RawIngestionId.ToString(),
                "The record's Problem names columns and constraints; so does the report."));
        }

        WarnOf(report, ids);
        Tell($"The report is {report.Path}");
        if (!PassThru)
        {
            WriteObject(report);
        }
    }

    private void WarnOf(DataRecoveryReport report, IReadOnlyList<Guid> ids)
    {
        foreach (var notice in RecoveryNotices.Of(report, ids.Count, Legacy))
        {
            WriteWarning(notice);
        }
    }

    private string Describe(IReadOnlyList<Guid> ids) => ids.Count switch
    {
        0 when UserId.Length > 0 => $"ingestions of {Wording.Count(UserId.Length, "user")} in {Database.Description}",
        0 => $"ingestions in {Database.Description}",
        1 => $"ingestion {ids[0]}",
        _ => Wording.Count(ids.Count, "ingestion"),
    };
}
