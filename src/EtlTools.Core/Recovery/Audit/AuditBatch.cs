using Dapper;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;
using Npgsql;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>Reads some payloads into one lane and reconciles them with each table at once.</summary>
internal sealed class AuditBatch(Lane lane, IReadOnlyList<IngestionRef> ingestions, bool records)
{
    private readonly List<StagedPayload> _payloads = [];
    private readonly Dictionary<(int Ingestion, int Table), TableAudit> _counts = [];

    /// <summary>One audit for each ingestion that is still there, in their order.</summary>
    /// <param name="onRead">Called after each payload with its metrics and bytes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<IReadOnlyList<IngestionAudit>> RunAsync(Action<long, long> onRead, CancellationToken cancellationToken)
    {
        lane.Stage.Reset();
        await using (var transaction = await lane.Working.BeginTransactionAsync(cancellationToken).ConfigureAwait(false))
        {
            // Temporary tables empty themselves at the commit, and stay for the next batch.
            await lane.Working.ExecuteAsync(new CommandDefinition(AuditSql.Settings, cancellationToken: cancellationToken)).ConfigureAwait(false);
            for (var i = 0; i < ingestions.Count; i++)
            {
                var payload = await lane.StageAsync(ingestions[i], i, hashes: false, cancellationToken).ConfigureAwait(false);
                _payloads.Add(payload);
                onRead(payload.Summary.Seen, ingestions[i].PayloadBytes);
            }

            await lane.Stage.FlushAsync(cancellationToken).ConfigureAwait(false);
            foreach (var staged in lane.Stage.Used)
            {
                await ReconcileAsync(staged, cancellationToken).ConfigureAwait(false);
            }

            foreach (var staged in lane.Stage.UsedTimes)
            {
                await ReconcileAsync(staged, cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }

        var refused = records ? await ReadRefusedAsync(cancellationToken).ConfigureAwait(false) : [];
        var audits = ingestions
            .Select((ingestion, i) => (Ingestion: ingestion, Number: i))
            .Where(pair => !_payloads[pair.Number].IsGone)
            .Select(pair => Judge(pair.Ingestion, pair.Number, refused.GetValueOrDefault(pair.Ingestion.Id)))
            .ToList();
        var complete = audits.Where(audit => audit.Unchecked == 0).ToList();
        if (records && complete.Count > 0)
        {
            // One that could not see everything must not take the place of one that could.
            await AuditStore.RecordAsync(lane.Working, complete, cancellationToken).ConfigureAwait(false);
        }

        return audits;
    }

    private async Task ReconcileAsync(StagedTable staged, CancellationToken cancellationToken)
    {
        await using var command = Command(AuditSql.Reconcile(staged), staged.Spans);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            Note(staged.Table, (int)reader.GetInt64(0), reader.GetInt64(1), missing: reader.GetInt64(3), duplicates: reader.GetInt64(2));
        }
    }

    private async Task ReconcileAsync(StagedTimes staged, CancellationToken cancellationToken)
    {
        var payloads = staged.Payloads();
        var owners = payloads.GroupBy(payload => payload.Owner).ToDictionary(owner => owner.Key, owner => owner.ToArray());
        var spans = owners.ToDictionary(
            owner => owner.Key,
            owner => (CellEncoder.TimeOf(owner.Value.Min(payload => payload.From)), CellEncoder.TimeOf(owner.Value.Max(payload => payload.To))));
        await using var command = Command(AuditSql.TimesPresent(staged.Table, spans.Count), spans);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            // As PostgreSQL has it: a DateTime does not know all of its times.
            var time = reader.GetFieldValue<long>(1);
            foreach (var payload in owners[reader.GetGuid(0)])
            {
                payload.NotePresent(time);
            }
        }

        foreach (var payload in payloads)
        {
            Note(staged.Table, payload.Item, payload.Count, missing: payload.Count - payload.Present, payload.Duplicates);
        }
    }

    private NpgsqlCommand Command(string sql, IReadOnlyDictionary<Guid, (DateTime From, DateTime To)> spans)
    {
        var command = new NpgsqlCommand(sql, lane.Working) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("users", spans.Keys.ToArray());
        command.Parameters.AddWithValue("froms", spans.Values.Select(span => span.From).ToArray());
        command.Parameters.AddWithValue("tos", spans.Values.Select(span => span.To).ToArray());
        command.Parameters.AddWithValue("from", spans.Values.Min(span => span.From));
        command.Parameters.AddWithValue("to", spans.Values.Max(span => span.To));
        return command;
    }

    private void Note(MetricTable table, int number, long expected, long missing, long duplicates) =>
        _counts.Add((number, table.Index), new TableAudit
        {
            RawIngestionId = ingestions[number].Id,
            Table = table.Name,
            Expected = expected,
            Present = expected - missing,
            Missing = missing,
            Duplicates = duplicates,
        });

    private IngestionAudit Judge(IngestionRef ingestion, int number, long refused)
    {
        var payload = _payloads[number];
        var tables = lane.Catalogue.Tables
            .Select(table => _counts.GetValueOrDefault((number, table.Index)))
            .OfType<TableAudit>()
            .ToList();
        var missing = tables.Sum(table => table.Missing);
        var problems = payload.Problems.ToList(ingestion.Id);
        var because = AuditVerdict.NotRecoverableBecause(payload, missing, refused);
        return new IngestionAudit
        {
            RawIngestionId = ingestion.Id,
            UserId = ingestion.UserId,
            CreatedAt = ingestion.CreatedAt is { } time ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)) : null,
            Status = ingestion.Status,
            Expected = tables.Sum(table => table.Expected),
            Present = tables.Sum(table => table.Present),
            Missing = missing,
            Duplicates = tables.Sum(table => table.Duplicates),
            Rejected = payload.Problems.RowsLost,
            Unchecked = problems.Where(IsUnchecked).Sum(problem => problem.Count),
            Cause = AuditVerdict.CauseOf(ingestion, payload, missing),
            IsRecoverable = missing > 0 && because is null,
            NotRecoverableBecause = because,
            Table = tables,
            Problem = problems,
            PayloadShape = payload.Summary.Shape,
            PayloadBytes = payload.Bytes,
            RecordedExpected = ingestion.RecordedExpected,
            RecordedActual = ingestion.RecordedActual,
        };
    }

    private static bool IsUnchecked(MetricProblem problem) => problem.Reason == nameof(RefusalReason.NoPermission);

    private async Task<Dictionary<Guid, long>> ReadRefusedAsync(CancellationToken cancellationToken) =>
        (await lane.Working.QueryAsync<(Guid Id, long Refused)>(new CommandDefinition(
            AuditSql.LastRefused, new { ids = ingestions.Select(ingestion => ingestion.Id).ToArray() }, cancellationToken: cancellationToken))
            .ConfigureAwait(false)).ToDictionary(row => row.Id, row => row.Refused);
}
