using EtlTools.Core.Recovery.Ingestions;
using Npgsql;

namespace EtlTools.Core.Health.Ingestions;

/// <summary>Payloads of raw_ingestions, where the database has that table.</summary>
internal sealed class IngestionHealth : IHealthFamily
{
    public PipelineFamily Family => PipelineFamily.Ingestion;

    public string? WhyLeftOut(HealthQuery query) =>
        query.PracticeId.Count > 0 && query.UserId.Count == 0 ? "left out: payloads have no practice" : null;

    public async Task<FamilyReading?> ReadAsync(
        NpgsqlConnection connection, HealthWindows windows, HealthQuery query, CancellationToken cancellationToken)
    {
        if (await IngestionTableReader.FindAsync(connection, query.Schema, cancellationToken).ConfigureAwait(false) is not { } table)
        {
            return null;
        }

        var sql = new IngestionHealthSql(table);
        var users = query.UserId.Count == 0 ? null : query.UserId.ToArray();
        var parameters = new
        {
            bounds = windows.Bounds,
            current = windows.Current,
            oldest = windows.Bounds[0],
            from = windows.From,
            now = windows.Now,
            stuck_after = query.Thresholds.StuckAfter,
            users,
        };
        var earlier = await QueryAsync<Count>(sql.Earlier, parameters).ConfigureAwait(false);
        var current = await QueryAsync<Count>(sql.Current, parameters).ConfigureAwait(false);
        var all = current.Single(count => count.UserId is null && count.Cause is null);
        var putRight = (await QueryAsync<long>(sql.PutRight, parameters).ConfigureAwait(false))[0];
        var waiting = await QueryAsync<Waiting>(sql.Waiting, parameters).ConfigureAwait(false);
        var (recovered, failed, metrics, lossy) =
            (await QueryAsync<(long, long, long, long)>(IngestionHealthSql.Totals, null).ConfigureAwait(false))[0];
        return new FamilyReading
        {
            Unit = "payload",
            RecordUnit = "metric",
            SubjectUnit = "user",
            Windows = earlier.ToDictionary(count => count.Window!.Value, WindowReading (count) => count)
                .Append(new(windows.Current, all with { Recovered = all.Recovered + putRight })).ToDictionary(),
            Subjects = await SubjectsAsync().ConfigureAwait(false),
            ErrorPatterns = current.Where(count => count.Cause is not null).Select(count => count.ToPattern()).ToList(),
            Stuck = waiting.Where(state => state.Stuck > 0).Select(state => state.ToWork(windows.Now)).ToList(),
            CountsRejected = true,
            Recoveries = (await QueryAsync<RecoveryReading>(IngestionHealthSql.Recoveries, parameters).ConfigureAwait(false))
                .ToDictionary(recoveries => recoveries.Window),
            OpenParameterLimits = current.Where(count => count.Cause == nameof(LossCause.ParameterLimit)).Sum(count => count.ToRecover),
            BacklogCount = waiting.Sum(state => state.Count),
            BacklogOldestAt = waiting.Min(state => (DateTime?)state.OldestAt),
            LastSuccessAt = all.LastSuccessAt
                ?? (await QueryAsync<DateTime?>(sql.LastSuccess, parameters).ConfigureAwait(false))[0],
            Totals =
            [
                ("PayloadsRecovered", recovered),
                ("RecoveriesFailed", failed),
                ("PayloadsWithLoss", lossy),
                ("MetricsRecovered", metrics),
            ],
        };

        async Task<List<SubjectReading>> SubjectsAsync()
        {
            var subjects = current.Where(count => count.UserId is not null).Select(count => count.ToSubject()).ToList();
            var silent = subjects.Where(subject => subject.LastSuccessAt is null).Select(subject => subject.UserId!.Value).ToArray();
            if (silent.Length == 0)
            {
                return subjects;
            }

            var before = (await QueryAsync<(Guid UserId, DateTime? LastSuccessAt)>(
                sql.EarlierSuccess, new { silent, from = windows.From }).ConfigureAwait(false)).ToDictionary(row => row.UserId, row => row.LastSuccessAt);
            return subjects
                .Select(subject => subject with { LastSuccessAt = subject.LastSuccessAt ?? before.GetValueOrDefault(subject.UserId!.Value) })
                .ToList();
        }

        Task<List<T>> QueryAsync<T>(string statement, object? values) => connection.ListAsync<T>(statement, values, cancellationToken);
    }

    public (string Action, string Command) Advise(SubjectReading subject, ImpactUrgency urgency, HealthQuery query) =>
        IngestionAdvice.ForUser(subject, urgency, query);

    public IEnumerable<(string Text, string Command)> Recommend(FamilyReading reading, HealthQuery query) =>
        IngestionAdvice.For(reading, query);

    private static string CategoryOf(string? cause) =>
        LossCategory.Of(Enum.TryParse<LossCause>(cause, out var known) && known != LossCause.None ? known : LossCause.Other);

    private sealed record Count : FamilyCount
    {
        public string? Cause { get; init; }
        public DateTime? LastSeenAt { get; init; }

        public ErrorPattern ToPattern() => new()
        {
            Category = CategoryOf(Cause),
            ErrorCode = Cause,
            Unit = "payload",
            Count = Total,
            FirstSeen = FirstSeenAt!.Value,
            LastSeen = LastSeenAt!.Value,
        };
    }

    private sealed record Waiting
    {
        public string Status { get; init; } = "";
        public long Count { get; init; }
        public DateTime OldestAt { get; init; }
        public long Stuck { get; init; }

        public StuckWork ToWork(DateTime now) => new()
        {
            What = Words.Count(Stuck, $"{(Status.Length == 0 ? "no status" : Status)} payload"),
            State = Status.Length == 0 ? "no status" : Status,
            Count = Stuck,
            Since = OldestAt,
            Age = now - OldestAt,
            Reason = "its status has not changed for too long",
        };
    }
}
