using System.Diagnostics;
using System.Text.Json;
using Dapper;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;
using Npgsql;

namespace EtlTools.Core.Recovery.Engine;

/// <summary>The recovery of one ingestion in a transaction that is the caller's: committed, or in a preview rolled back.</summary>
internal sealed class IngestionRecovery(RecoverySession session, Lane lane, Guid runId)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly DateTime _startedAt = DateTime.UtcNow;

    private NpgsqlConnection Connection => lane.Working;

    /// <summary>Recovers it; the ingestion stays locked until the transaction ends.</summary>
    public async Task<DataRecovery> RunAsync(Guid id, CancellationToken cancellationToken)
    {
        await ExecuteAsync(RecoverySql.Settings, null, cancellationToken).ConfigureAwait(false);
        if (await LockAsync(id, cancellationToken).ConfigureAwait(false) is not { } locked)
        {
            return new DataRecovery { RawIngestionId = id, Outcome = RecoveryOutcome.Skipped };
        }

        CrashPoint.Pass("recovery.after-lock");
        lane.Stage.Reset();
        var ingestion = new IngestionRef
        {
            Id = id,
            UserId = locked.UserId,
            CreatedAt = locked.CreatedAt,
            Status = locked.Status,
            PayloadBytes = 0,
            RecordedCause = locked.Cause is { } cause ? Enum.Parse<LossCause>(cause) : null,
        };
        var payload = await lane.StageAsync(ingestion, number: 0, hashes: true, cancellationToken).ConfigureAwait(false);
        await lane.Stage.FlushAsync(cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("recovery.after-staging");

        var tables = await RecoverTablesAsync(ingestion, payload.Problems, cancellationToken).ConfigureAwait(false);
        var missing = tables.Sum(table => table.Expected - table.PresentBefore);
        var recovery = new DataRecovery
        {
            RawIngestionId = id,
            UserId = ingestion.UserId,
            Outcome = OutcomeOf(payload, tables),
            Cause = AuditVerdict.CauseOf(ingestion, payload, missing),
            Expected = tables.Sum(table => table.Expected),
            PresentBefore = tables.Sum(table => table.PresentBefore),
            Recovered = tables.Sum(table => table.Recovered),
            Completed = tables.Sum(table => table.Completed),
            Failed = payload.Problems.RowsLost,
            Duplicates = tables.Sum(table => table.Duplicates),
            Table = tables,
            Problem = payload.Problems.ToList(id),
            OriginalStatus = locked.Status,
            Status = locked.Status,
            Sha256Before = payload.Sha256 ?? await HashAsync(id, cancellationToken).ConfigureAwait(false),
            PayloadBytes = payload.Bytes,
        };
        var refused = tables.Sum(table => table.Refused);
        var because = AuditVerdict.NotRecoverableBecause(payload, refused, refused + payload.Problems.RowsLost);
        recovery = await FinishAsync(recovery, locked, because, cancellationToken).ConfigureAwait(false);
        return recovery with { Duration = _clock.Elapsed };
    }

    /// <summary>
    /// Keeps that it failed, in a transaction of its own: the ingestion's status, and why. A fault that passes says nothing
    /// about the ingestion, whose status then stays.
    /// </summary>
    public async Task<DataRecovery> RecordFailureAsync(Guid id, EtlException failure, CancellationToken cancellationToken)
    {
        if (await LockAsync(id, cancellationToken).ConfigureAwait(false) is not { } locked)
        {
            return new DataRecovery { RawIngestionId = id, Outcome = RecoveryOutcome.Skipped };
        }

        var recovery = new DataRecovery
        {
            RawIngestionId = id,
            UserId = locked.UserId,
            Outcome = RecoveryOutcome.Failed,
            Cause = locked.Cause is { } cause ? Enum.Parse<LossCause>(cause) : LossCause.None,
            OriginalStatus = locked.Status,
            Status = locked.Status,
            ErrorCode = failure.ErrorId,
            Error = failure.Message,
        };
        recovery = failure.IsTransient ? recovery : await SetStatusAsync(recovery, cancellationToken).ConfigureAwait(false);
        recovery = recovery with { DataRecoveryId = Guid.NewGuid() };
        await RecordAsync(recovery, locked, cancellationToken).ConfigureAwait(false);
        return recovery with { Duration = _clock.Elapsed };
    }

    private async Task<IReadOnlyList<TableRecovery>> RecoverTablesAsync(
        IngestionRef ingestion, ProblemTally problems, CancellationToken cancellationToken)
    {
        var tables = new List<TableRecovery>();
        var used = lane.Stage.Used.ToList();
        if (used.Count > 0)
        {
            await ExecuteAsync(RecoverySql.LockUser, new { user = ingestion.UserId }, cancellationToken).ConfigureAwait(false);
        }

        foreach (var staged in used)
        {
            tables.Add(await new TableRecoverer(Connection, staged, ingestion, session.Options.Verifies, problems)
                .RunAsync(cancellationToken).ConfigureAwait(false));
        }

        return tables;
    }

    /// <summary>Sets the status, verifies and keeps the record, also of a recovery that found nothing to do.</summary>
    private async Task<DataRecovery> FinishAsync(
        DataRecovery recovery, LockedIngestion locked, string? notRecoverableBecause, CancellationToken cancellationToken)
    {
        if (recovery.Outcome == RecoveryOutcome.Skipped)
        {
            return recovery;
        }

        recovery = await SetStatusAsync(recovery, cancellationToken).ConfigureAwait(false);
        if (session.Options.Verifies)
        {
            // The ingestion is locked: where nothing was written, nothing can have changed its payload.
            var isUntouched = recovery.Recovered + recovery.Completed == 0 && recovery.Status == recovery.OriginalStatus;
            recovery = recovery with
            {
                Sha256After = isUntouched
                    ? recovery.Sha256Before
                    : await HashAsync(recovery.RawIngestionId, cancellationToken).ConfigureAwait(false),
                IsVerified = true,
            };
            if (recovery.Sha256After != recovery.Sha256Before)
            {
                throw new EtlException(
                    EtlErrorKind.Conflict,
                    "PayloadChanged",
                    "The stored payload is not the one that was read.",
                    recovery.RawIngestionId.ToString(),
                    "A trigger changes the payload, or what stores it is damaged. Nothing of this ingestion was kept.");
            }
        }

        recovery = recovery with { DataRecoveryId = Guid.NewGuid() };
        await RecordAsync(recovery, locked, cancellationToken).ConfigureAwait(false);
        if (!recovery.Problem.Any(IsUnseen))
        {
            await AuditStore.RecordAsync(Connection, [AuditOf(recovery, locked, notRecoverableBecause)], cancellationToken).ConfigureAwait(false);
        }

        return recovery;
    }

    // Somebody who has the right may find more, and bring it back.
    private static bool LacksRight(MetricProblem problem) => problem is { IsRowLost: true, Reason: nameof(RefusalReason.NoPermission) };

    // Nobody knows whether it is there: such a reading must not take the place of one that saw everything.
    private static bool IsUnseen(MetricProblem problem) => LacksRight(problem) && problem.Name == "SELECT";

    private static RecoveryOutcome OutcomeOf(StagedPayload payload, IReadOnlyList<TableRecovery> tables)
    {
        if (payload.IsGone)
        {
            return RecoveryOutcome.Skipped;
        }

        if (payload.Summary.Unrecoverable != UnrecoverableReason.None)
        {
            return RecoveryOutcome.Unrecoverable;
        }

        // A text that breaks off has lost something that nobody can count.
        var isLacking = payload.Problems.RowsLost > 0 || payload.Summary.TruncatedAt is not null;
        var written = tables.Sum(table => table.Recovered + table.Completed);
        return (isLacking, written) switch
        {
            (false, 0) => RecoveryOutcome.NothingMissing,
            (false, _) => RecoveryOutcome.Recovered,
            (true, 0) when tables.Sum(table => table.PresentBefore) == 0 => RecoveryOutcome.Failed,
            _ => RecoveryOutcome.PartiallyRecovered,
        };
    }

    private async Task<DataRecovery> SetStatusAsync(DataRecovery recovery, CancellationToken cancellationToken)
    {
        var status = StatusOf(recovery) ?? recovery.OriginalStatus;
        if (session.Options.IsLegacy && recovery.Outcome is not (RecoveryOutcome.Recovered or RecoveryOutcome.NothingMissing))
        {
            await AddErrorAsync(recovery, cancellationToken).ConfigureAwait(false);
        }

        if (status is null || status == recovery.OriginalStatus)
        {
            return recovery;
        }

        await ExecuteAsync(
            RecoverySql.SetStatus(session.Ingestions),
            new { id = recovery.RawIngestionId, status, processed = recovery.Recovered + recovery.Completed > 0 },
            cancellationToken).ConfigureAwait(false);
        return recovery with { Status = status };
    }

    /// <summary>Null: it stays as it is.</summary>
    private string? StatusOf(DataRecovery recovery)
    {
        var isWritten = recovery.Recovered + recovery.Completed > 0;

        // Nothing to do makes neither worse nor better what the service has yet to finish, nor does a right that this user lacks,
        // nor what was well; except where none of its metrics is there or can be: then it was not.
        if (!isWritten
            && (StatusWords.IsUnfinished(recovery.OriginalStatus)
                || recovery.Problem.Any(LacksRight)
                || (StatusWords.IsGood(recovery.OriginalStatus) && recovery.Outcome != RecoveryOutcome.Failed)))
        {
            return null;
        }

        return (session.Options.IsLegacy, recovery.Outcome) switch
        {
            (_, RecoveryOutcome.Skipped) => null,
            (true, RecoveryOutcome.Recovered or RecoveryOutcome.NothingMissing) => session.Words.Processed,
            (true, _) => null,
            (_, RecoveryOutcome.Recovered or RecoveryOutcome.NothingMissing) => session.Words.Recovered,
            (_, RecoveryOutcome.PartiallyRecovered) => session.Words.PartiallyRecovered,
            _ => session.Words.Failed,
        };
    }

    private async Task AddErrorAsync(DataRecovery recovery, CancellationToken cancellationToken)
    {
        if (session.Ingestions.Columns.GetValueOrDefault("processing_errors") != "jsonb")
        {
            return;
        }

        var error = new Dictionary<string, string>
        {
            ["error_type"] = "recovery",
            ["error_message"] = recovery.ErrorCode ?? $"{recovery.Outcome}: {recovery.Failed} metrics could not be taken",
            ["severity"] = "error",
        };
        var same = JsonSerializer.Serialize(error);
        error["timestamp"] = _startedAt.ToString("O");
        await ExecuteAsync(
            RecoverySql.AddError(session.Ingestions),
            new { id = recovery.RawIngestionId, error = JsonSerializer.Serialize(error), same },
            cancellationToken).ConfigureAwait(false);
    }

    private Task<LockedIngestion?> LockAsync(Guid id, CancellationToken cancellationToken) =>
        Connection.QuerySingleOrDefaultAsync<LockedIngestion>(new CommandDefinition(
            RecoverySql.LockIngestion(session.Ingestions),
            new { id, status = session.Status.Count > 0 ? session.Status.ToArray() : null },
            cancellationToken: cancellationToken));

    private Task<string?> HashAsync(Guid id, CancellationToken cancellationToken) =>
        Connection.ExecuteScalarAsync<string>(new CommandDefinition(
            RecoverySql.Sha256(session.Ingestions), new { id }, commandTimeout: 0, cancellationToken: cancellationToken));

    private Task ExecuteAsync(string sql, object? parameters, CancellationToken cancellationToken) =>
        Connection.ExecuteAsync(new CommandDefinition(sql, parameters, commandTimeout: 0, cancellationToken: cancellationToken));

    private Task RecordAsync(DataRecovery recovery, LockedIngestion locked, CancellationToken cancellationToken) => ExecuteAsync(
        RecoverySql.RecordRecovery,
        new
        {
            id = recovery.DataRecoveryId,
            run = runId,
            ingestion = recovery.RawIngestionId,
            user = recovery.UserId,
            outcome = recovery.Outcome.ToString(),
            cause = recovery.Cause.ToString(),
            expected = recovery.Expected,
            present = recovery.PresentBefore,
            recovered = recovery.Recovered,
            completed = recovery.Completed,
            failed = recovery.Failed,
            tables = JsonSerializer.Serialize(recovery.Table.ToDictionary(
                table => table.Table,
                table => new Dictionary<string, long>
                {
                    ["expected"] = table.Expected,
                    ["present"] = table.PresentBefore,
                    ["recovered"] = table.Recovered,
                    ["completed"] = table.Completed,
                    ["refused"] = table.Refused,
                })),
            faults = JsonSerializer.Serialize(recovery.Problem.Select(problem => new Dictionary<string, object>
            {
                ["type"] = problem.Type,
                ["table"] = problem.Table,
                ["reason"] = problem.Reason,
                ["name"] = problem.Name,
                ["count"] = problem.Count,
                ["row_lost"] = problem.IsRowLost,
            })),
            before = recovery.Sha256Before,
            after = recovery.Sha256After,
            bytes = recovery.PayloadBytes,
            verified = recovery.IsVerified,
            errorCode = recovery.ErrorCode,
            error = recovery.Error,
            originalStatus = recovery.OriginalStatus,
            newStatus = recovery.Status,
            originalErrors = locked.Errors,
            reason = session.Options.Reason,
            startedAt = _startedAt,
        },
        cancellationToken);

    /// <summary>How the ingestion stands now, for those who read the last audits.</summary>
    private static IngestionAudit AuditOf(DataRecovery recovery, LockedIngestion locked, string? notRecoverableBecause)
    {
        var refused = recovery.Table.Sum(table => table.Refused);

        // Once the right is granted, the next recovery brings it back.
        var lacksRight = recovery.Problem.Any(LacksRight);
        return new IngestionAudit
        {
            RawIngestionId = recovery.RawIngestionId,
            UserId = locked.UserId,
            Status = recovery.Status,
            Expected = recovery.Expected,
            Present = recovery.PresentBefore + recovery.Recovered,
            Missing = refused,
            Duplicates = recovery.Duplicates,
            Rejected = recovery.Failed - refused,
            Cause = recovery.Failed == 0 && recovery.Outcome is RecoveryOutcome.Recovered or RecoveryOutcome.NothingMissing ? LossCause.None : recovery.Cause,
            IsRecoverable = lacksRight,
            NotRecoverableBecause = lacksRight ? null : notRecoverableBecause,
            Table = recovery.Table.Select(table => new TableAudit
            {
                RawIngestionId = recovery.RawIngestionId,
                Table = table.Table,
                Expected = table.Expected,
                Present = table.PresentBefore + table.Recovered,
                Missing = table.Refused,
                Duplicates = table.Duplicates,
            }).ToList(),
            Problem = [],
        };
    }

    private sealed record LockedIngestion
    {
        public Guid UserId { get; init; }
        public DateTime? CreatedAt { get; init; }
        public string? Status { get; init; }
        public string? Cause { get; init; }
        public string? Errors { get; init; }
    }
}
