using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using Npgsql;

namespace EtlTools.Core.Health.TableSyncs;

/// <summary>Copies of a source's tables. What is configured is what Sync-Table last read of each file.</summary>
/// <param name="dead">Syncs that say running and nobody is at; read before the transaction that sees one state.</param>
internal sealed class TableHealth(IReadOnlyCollection<long> dead) : IHealthFamily
{
    public PipelineFamily Family => PipelineFamily.Table;

    /// <param name="connection">In no transaction, for each statement needs a snapshot of its own.</param>
    /// <param name="leasesVisible">False on a standby server: nothing is known to be dead there.</param>
    /// <param name="cancellationToken">Stops the statements.</param>
    public static async Task<TableHealth> PrepareAsync(NpgsqlConnection connection, bool leasesVisible, CancellationToken cancellationToken)
    {
        if (!leasesVisible)
        {
            return new TableHealth([]);
        }

        // Locks are seen as they are, rows as they were: one that ended in between says so the second time.
        var suspects = await connection.ListAsync<long>(TableHealthSql.WithoutLease, null, cancellationToken).ConfigureAwait(false);
        return new TableHealth(suspects.Count == 0 ? [] : await connection.ListAsync<long>(
            TableHealthSql.StillRunning, new { suspects = suspects.ToArray() }, cancellationToken).ConfigureAwait(false));
    }

    public string? WhyLeftOut(HealthQuery query) =>
        query.UserId.Count + query.PracticeId.Count > 0 ? "left out: tables have no users and no practice" : null;

    public async Task<FamilyReading?> ReadAsync(
        NpgsqlConnection connection, HealthWindows windows, HealthQuery query, CancellationToken cancellationToken)
    {
        var parameters = new
        {
            bounds = windows.Bounds,
            current = windows.Current,
            oldest = windows.Bounds[0],
            from = windows.From,
            now = windows.Now,
            dead = dead.ToArray(),
            stuck_after = query.Thresholds.StuckAfter,
        };
        if (!(await QueryAsync<bool>(TableHealthSql.Exists).ConfigureAwait(false))[0])
        {
            return null;
        }

        List<Count> counts =
        [
            .. await QueryAsync<Count>(TableHealthSql.Completed).ConfigureAwait(false),
            .. await QueryAsync<Count>(TableHealthSql.NotCompleted).ConfigureAwait(false),
        ];
        var tables = await TablesAsync().ConfigureAwait(false);
        var errors = await QueryAsync<Error>(TableHealthSql.Errors).ConfigureAwait(false);
        var stuck = await QueryAsync<StuckSync>(TableHealthSql.Stuck).ConfigureAwait(false);
        var (completed, failed, read, changed) = (await QueryAsync<(long, long, long, long)>(TableHealthSql.Totals).ConfigureAwait(false))[0];
        var waiting = tables.Select(table => WaitsSince(table, windows.Now)).OfType<DateTime>().ToList();
        return new FamilyReading
        {
            Unit = "sync",
            RecordUnit = "row",
            SubjectUnit = "table",
            Arrival = "ran",
            HasOwnLimits = true,

            // A sync counts the rows it wrote before it commits them, so that every completed one is audited.
            Windows = counts.GroupBy(count => count.Window!.Value).ToDictionary(
                window => window.Key, WindowReading (window) => Sum(window.Select(count => count with { Audited = count.Processed }))),
            Subjects = tables.ConvertAll(ToSubject),
            ErrorPatterns = errors.ConvertAll(error => error.ToPattern()),
            Stuck = stuck.ConvertAll(sync => sync.ToWork(windows.Now)),
            BacklogCount = waiting.Count,
            BacklogOldestAt = waiting.Count > 0 ? waiting.Min() : null,
            LastSuccessAt = tables.Max(table => table.LastSuccessAt),
            Totals =
            [
                ("SyncsCompleted", completed),
                ("SyncsFailed", failed),
                ("TableRowsRead", read),
                ("TableRowsChanged", changed),
            ],
        };

        async Task<List<TableReading>> TablesAsync()
        {
            var byTable = counts.Where(count => count.Name is not null).GroupBy(count => (count.Schema, count.Name)).ToDictionary(table => table.Key, Sum);
            var drift = (await QueryAsync<(string Schema, string Name, string[] Drift)>(TableHealthSql.NewDrift).ConfigureAwait(false))
                .ToDictionary(row => (row.Schema, row.Name), row => row.Drift);
            var attempts = (await QueryAsync<Attempt>(TableHealthSql.Attempts).ConfigureAwait(false)).ToLookup(attempt => (attempt.Source, attempt.Name));
            return (await QueryAsync<Configured>(TableHealthSql.Tables).ConfigureAwait(false)).ConvertAll(table =>
            {
                var count = byTable.GetValueOrDefault((table.Schema, table.Name));
                return table.ToReading() with
                {
                    Recent = [.. attempts[(table.Source, table.Name)].Select(attempt => attempt.ToReading())],
                    NewDrift = drift.GetValueOrDefault((table.Schema, table.Name)) ?? [],
                    Window = count ?? new WindowReading(),
                    ValuesDiscarded = count?.ValuesDiscarded ?? 0,
                };
            });
        }

        Task<List<T>> QueryAsync<T>(string sql) => connection.ListAsync<T>(sql, parameters, cancellationToken);
    }

    public IReadOnlyList<HealthFinding> Judge(SubjectReading subject, HealthWindows windows, HealthThresholds limits) =>
        TableFindings.Of(subject.Table!, windows, limits);

    public (string Action, string Command) Advise(SubjectReading subject, ImpactUrgency urgency, HealthQuery query) =>
        TableAdvice.ForTable(subject, urgency, query.Window);

    public IEnumerable<(string Text, string Command)> Recommend(FamilyReading reading, HealthQuery query) => TableAdvice.For(reading, query.Window);

    /// <summary>Since when it ought to have been synced: overdue, never, or failing since the last success.</summary>
    private static DateTime? WaitsSince(TableReading table, DateTime now)
    {
        DateTime?[] since =
        [
            table.Failures.Count > 0 ? table.Failures[^1].StartedAt : null,
            table.LastSuccessAt is null ? table.ConfiguredAt : null,
            TableFindings.Lag(table, now) > table.OverdueAfter ? (table.LastSuccessAt ?? table.ConfiguredAt) + table.OverdueAfter : null,
        ];
        return since.Min();
    }

    internal static SubjectReading ToSubject(TableReading table) => new()
    {
        Table = table,
        Total = table.Window.Total,
        Processed = table.Window.Processed,
        Failed = table.Window.Failed,
        Expected = table.Window.Expected,
        Missing = table.Window.Missing,
        LastSuccessAt = table.LastSuccessAt,
        FirstSeenAt = table.ConfiguredAt,
    };

    private static Count Sum(IEnumerable<Count> counts) => counts.Aggregate((one, other) => one with
    {
        Total = one.Total + other.Total,
        Processed = one.Processed + other.Processed,
        Audited = one.Audited + other.Audited,
        Failed = one.Failed + other.Failed,
        Waiting = one.Waiting + other.Waiting,
        Recovered = one.Recovered + other.Recovered,
        Expected = one.Expected + other.Expected,
        Missing = one.Missing + other.Missing,
        ItemsWithLoss = one.ItemsWithLoss + other.ItemsWithLoss,
        ValuesDiscarded = one.ValuesDiscarded + other.ValuesDiscarded,
    });

    private sealed record Count : FamilyCount
    {
        public string? Schema { get; init; }
        public string? Name { get; init; }
        public long ValuesDiscarded { get; init; }
    }

    private sealed record Configured
    {
        public string Source { get; init; } = "";
        public string Name { get; init; } = "";
        public string Schema { get; init; } = "";
        public string Importance { get; init; } = "";
        public string Contract { get; init; } = "";
        public bool AlertsOnFailure { get; init; }
        public TimeSpan? TimeLimit { get; init; }
        public double Threshold { get; init; }
        public TimeSpan OverdueAfter { get; init; }
        public DateTime ConfiguredAt { get; init; }
        public DateTime? LastSuccessAt { get; init; }
        public bool IsUndone { get; init; }

        public TableReading ToReading() => new()
        {
            Source = Source,
            Name = Name,
            Schema = Schema,
            Importance = Tables.Tracking.Words.Parse<TableImportance>(Importance),
            Contract = Tables.Tracking.Words.Parse<SchemaContract>(Contract),
            AlertsOnFailure = AlertsOnFailure,
            TimeLimit = TimeLimit,
            Threshold = Threshold,
            OverdueAfter = OverdueAfter,
            ConfiguredAt = ConfiguredAt,
            LastSuccessAt = LastSuccessAt,
            IsUndone = IsUndone,
        };
    }

    private sealed record Attempt
    {
        public string Source { get; init; } = "";
        public string Name { get; init; } = "";
        public long Id { get; init; }
        public Guid Run { get; init; }
        public string Mode { get; init; } = "";
        public string Status { get; init; } = "";
        public DateTime StartedAt { get; init; }
        public DateTime? FinishedAt { get; init; }
        public double? Verified { get; init; }
        public string? ErrorCode { get; init; }
        public string[] Drift { get; init; } = [];
        public bool IsDead { get; init; }

        public SyncReading ToReading() => new()
        {
            Id = Id,
            Run = Run,
            Mode = Tables.Tracking.Words.Parse<SyncMode>(Mode),
            State = IsDead ? TableSyncStatus.Interrupted : Tables.Tracking.Words.Parse<TableSyncStatus>(Status),
            StartedAt = StartedAt,
            FinishedAt = FinishedAt,
            Verified = Verified,
            ErrorCode = ErrorCode,
            Drift = Drift,
        };
    }

    private sealed record Error
    {
        public string? ErrorCode { get; init; }
        public long Count { get; init; }
        public DateTime FirstSeenAt { get; init; }
        public DateTime LastSeenAt { get; init; }

        public ErrorPattern ToPattern() => new()
        {
            Category = ErrorCategory.Of(ErrorCode),
            ErrorCode = ErrorCode,
            Unit = "sync",
            Count = Count,
            FirstSeen = FirstSeenAt,
            LastSeen = LastSeenAt,
        };
    }

    private sealed record StuckSync
    {
        public long Id { get; init; }
        public string Source { get; init; } = "";
        public string Name { get; init; } = "";
        public string Mode { get; init; } = "";
        public DateTime StartedAt { get; init; }
        public bool IsDead { get; init; }
        public TimeSpan Limit { get; init; }

        public StuckWork ToWork(DateTime now) => new()
        {
            TableSyncId = Id,
            TableName = Name,
            Source = Source,
            What = $"{(Mode == "undo" ? "Undo" : "Sync")} {Id} of table {Name}",
            State = "running",
            Count = 1,
            Since = StartedAt,
            Age = now - StartedAt,
            Reason = IsDead ? "its session is gone" : $"it runs longer than its limit of {Duration.Write(Limit)}",
        };
    }
}
