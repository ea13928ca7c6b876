using System.Globalization;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>
/// One table on its way from source to copy: what was settled when its sync began, how far it has come, and the one way in which
/// a piece of it is committed.
/// </summary>
internal sealed class TableTransfer
{
    private readonly TableSyncSettings _settings;

    public TableTransfer(SyncLane lane, TableSyncSettings settings, TableConfig config, SourceTable table, TableDecision decision, Action<long> onRows)
    {
        _settings = settings;
        Lane = lane;
        Config = config;
        Table = table;
        Decision = decision;
        Plan = decision.Plan;
        State = decision.State;
        NumberKey = IncrementalFilter.NumberKey(table, Plan.Key);
        Rows = new SourceRows(lane, table, Plan, onRows) { HasOddDates = State.HasOddDates };
        Filter = new IncrementalFilter(config, table, lane.Source.Info, settings.Overlap);
        Deletes = config.Deletes ?? (decision.Mode == SyncMode.Full && !config.KeepsVanished);
    }

    public SyncLane Lane { get; }

    public TableConfig Config { get; }

    public SourceTable Table { get; }

    public TableDecision Decision { get; }

    /// <summary>The key, where it is one whole number.</summary>
    public SourceColumn? NumberKey { get; }

    public SourceRows Rows { get; }

    public IncrementalFilter Filter { get; }

    /// <summary>Rows that the source no longer has are to go.</summary>
    public bool Deletes { get; }

    /// <summary>What a first sync writes was nothing before.</summary>
    public bool KeepsHistory => !Decision.IsInitial && _settings.HistoryRetention > TimeSpan.Zero;

    /// <summary>Over the copy as it is by now.</summary>
    public TablePlan Plan { get; set; }

    /// <summary>As it was last committed.</summary>
    public TableState State { get; private set; }

    /// <summary>What has been committed.</summary>
    public SyncProgressCounts Counts { get; private set; } = new(0, 0, new MergeCounts(), 0);

    /// <summary>Of the sync in the ledger; zero: it has not begun.</summary>
    public long Id { get; private set; }

    /// <summary>The share of the rows read that was found in the copy, where that was too little to commit.</summary>
    public double? VerifiedTooLittle { get; private set; }

    private NpgsqlConnection Connection => Lane.Connection;

    public async Task StartAsync(TableSync sync, CancellationToken cancellationToken)
    {
        Id = await TrackingStore.StartSyncAsync(
            Connection, sync, Decision.IsInitial, Decision.IsInitial || KeepsHistory, Words.Of(Config.Strategy), State, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-start");
    }

    /// <summary>The source has dates that are none: from now on it is read without them.</summary>
    public async Task ExpectOddDatesAsync(CancellationToken cancellationToken)
    {
        await Lane.RenewSourceAsync(cancellationToken).ConfigureAwait(false);
        State = State with { HasOddDates = true };
        Rows.HasOddDates = true;
    }

    public Task ClearHistoryAsync(CancellationToken cancellationToken) =>
        HistoryTable.ClearAsync(Connection, Plan.Target, _settings.HistoryRetention, cancellationToken);

    /// <summary>Rows that went straight into the copy: one pass over them tells how many they are, and their watermarks.</summary>
    /// <param name="end">Of the stream that they came in.</param>
    /// <param name="rows">The copy, or the part of it where they are.</param>
    /// <param name="rest">What followed the table in the SELECT.</param>
    /// <param name="now">The source's clock before they were read.</param>
    /// <param name="before">The watermarks that were known before.</param>
    /// <param name="cancellationToken">Stops both sessions.</param>
    public async Task<(SyncProgressCounts Counts, IReadOnlyDictionary<string, string> Watermarks)> LookAtFilledAsync(
        SourceStreamEnd end, string rows, string rest, string now, IReadOnlyDictionary<string, string> before, CancellationToken cancellationToken)
    {
        var (watermarks, counts) = await Watermarks.ReadWithCountsAsync(
            Connection, rows, ["count(*)", Rows.ZeroDatesSql], WatermarkColumns, Config, now, before, cancellationToken).ConfigureAwait(false);
        var merge = new MergeCounts { Inserted = counts[0], NotFound = Math.Abs(end.Rows - counts[0]) };
        var zeroDates = counts[1] + await Rows.AskZeroDatesAsync(rest, cancellationToken).ConfigureAwait(false);
        return (new SyncProgressCounts(end.Rows, end.Bytes, merge, zeroDates), watermarks);
    }

    /// <summary>The incremental columns that the copy has.</summary>
    public IReadOnlyList<SourceColumn> WatermarkColumns =>
        [.. Filter.Columns.Where(column => Plan.Written.Any(written => written.Name == column.Name))];

    /// <summary>Before the whole of the table has been read.</summary>
    public TableState Unfinished(ChunkedPass pass) => State with { Database = Decision.Source.Database, Pass = pass, Columns = SyncedColumns, Key = Plan.Key };

    /// <summary>Once every row that was asked for is in the copy.</summary>
    public TableState Finished(IReadOnlyDictionary<string, string> watermarks, string? lastKey) => State with
    {
        Database = Decision.Source.Database,
        IsComplete = true,
        Columns = SyncedColumns,
        Key = Plan.Key,
        Watermarks = watermarks,
        LastKey = lastKey,
        Pass = null,
        TakenBack = TakenBack.Nothing,
    };

    private IReadOnlyList<string> SyncedColumns =>
        [.. Plan.Written.Select(column => column.Name), .. State.Columns.Where(name => Plan.Target.Find(name) is not null && !Plan.Written.Any(column => column.Name == name))];

    /// <summary>Commits what has been written to the copy, together with where the next sync begins.</summary>
    /// <exception cref="EtlException">TableVerificationFailed, CommitUnknown.</exception>
    public async Task CommitAsync(
        NpgsqlTransaction transaction, SyncProgressCounts counts, TableState state, bool isLast, CancellationToken cancellationToken)
    {
        RequireVerified(counts);
        await TrackingStore.WriteStateAsync(
            Connection, Plan.Target.Schema, Plan.Target.Name, Decision.Source.Name, state, Id, isLast, cancellationToken).ConfigureAwait(false);
        var commits = await TrackingStore.AddAsync(Connection, Id, Plan.Target.Name, counts, isLast, cancellationToken).ConfigureAwait(false);
        if (isLast)
        {
            var newest = state.Watermarks.Where(pair => Table.Find(pair.Key)?.IsDate == true).Select(pair => pair.Value).Order(StringComparer.Ordinal).LastOrDefault();
            await TrackingStore.SucceedAsync(
                Connection, Plan.Target.Schema, Plan.Target.Name, newest, state.LastKey, NumberKey?.Name, Counts.Plus(counts).Read, cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.before-commit");
        cancellationToken.ThrowIfCancellationRequested();
        await ConfirmedCommit.CommitAsync(
            Lane.Database,
            transaction,
            Plan.Target.Name,
            "Once the database answers, the next Sync-Table goes on from where it did.",
            (connection, token) => connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                TrackingSql.IsCommitted, new { id = Id, commits }, cancellationToken: token)),
            cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-commit");
        Counts = Counts.Plus(counts);
        State = state;
    }

    /// <summary>A row that was written and is not there is always too much; of those that do not fit, the threshold says how many are.</summary>
    private void RequireVerified(SyncProgressCounts counts)
    {
        if (counts.Merge.NotFound > 0 || counts.Verified < Config.Monitoring.Threshold)
        {
            VerifiedTooLittle = counts.Verified;
            var rule = counts.Merge.NotFound > 0
                ? "one that does not arrive is too much, whatever the table's threshold"
                : string.Create(CultureInfo.InvariantCulture, $"the table's threshold is {Config.Monitoring.Threshold:0.####}");
            throw new EtlException(
                EtlErrorKind.Data,
                "TableVerificationFailed",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Of {counts.Read} rows of {Plan.Target.Name} that were read, {counts.Merge.NotFound} did not arrive in the copy and {counts.Merge.RowsDiscarded} do not fit it; {rule}. The copy is as it was before."),
                Plan.Target.Name,
                "Look for triggers and rules on the copy; for rows that do not fit, see its contract.");
        }
    }
}
