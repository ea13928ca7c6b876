using System.Diagnostics;
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
/// Syncs one table, whose lease the lane holds. What is read goes into a temporary table first; the copy is changed in one
/// transaction, together with the watermark, or in one for each range of the key.
/// </summary>
internal sealed class TableSyncer
{
    private readonly SyncLane _lane;
    private readonly TableSyncSettings _settings;
    private readonly TableConfig _config;
    private readonly SourceTable _table;
    private readonly TableDecision _decision;
    private readonly SourceColumn? _numberKey;
    private readonly IncrementalFilter _filter;
    private readonly bool _deletes;
    private readonly SourceRows _source;
    private TableState _state;
    private TablePlan _plan;
    private SyncProgressCounts _counts = new(0, 0, new MergeCounts(), 0);
    private long _id;

    public TableSyncer(SyncLane lane, TableSyncSettings settings, TableConfig config, SourceTable table, TableDecision decision, Action<long> onRows)
    {
        _lane = lane;
        _settings = settings;
        _config = config;
        _table = table;
        _decision = decision;
        _plan = decision.Plan;
        _state = decision.State;
        _numberKey = IncrementalFilter.NumberKey(table, _plan.Key);
        _source = new SourceRows(lane, table, _plan, onRows) { HasOddDates = _state.HasOddDates };
        _filter = new IncrementalFilter(config, table, lane.Source.Info, settings.Overlap);

        _deletes = config.Deletes ?? (decision.Mode == SyncMode.Full && !config.KeepsVanished);
    }

    private NpgsqlConnection Connection => _lane.Connection;

    private string Name => _plan.Target.Name;

    private string Schema => _plan.Target.Schema;

    /// <summary>The id of the sync, once there is one.</summary>
    public long? TableSyncId => _id > 0 ? _id : null;

    /// <summary>The share of the rows read that was found in the copy, where that was too little to commit.</summary>
    public double? VerifiedTooLittle { get; private set; }

    public async Task<TableSync> RunAsync(TableSync sync, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        _id = await TrackingStore.StartSyncAsync(
            Connection, sync, _decision.IsInitial, Words.Of(_config.Strategy), _state, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-start");
        try
        {
            await ReadAndWriteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OddDatesException)
        {
            await _lane.RenewSourceAsync(cancellationToken).ConfigureAwait(false);
            _state = _state with { HasOddDates = true };
            _source.HasOddDates = true;
            await ReadAndWriteAsync(cancellationToken).ConfigureAwait(false);
        }

        await HistoryTable.ClearAsync(Connection, _plan.Target, _settings.HistoryRetention, cancellationToken).ConfigureAwait(false);
        return sync with
        {
            TableSyncId = _id,
            Status = TableSyncStatus.Completed,
            Duration = clock.Elapsed,
            RowsRead = _counts.Read,
            RowsInserted = _counts.Merge.Inserted,
            RowsUpdated = _counts.Merge.Updated,
            RowsDeleted = _counts.Merge.Deleted,
            RowsDiscarded = _counts.Merge.RowsDiscarded,
            ValuesDiscarded = _counts.Merge.ValuesDiscarded,
            ZeroDates = _counts.ZeroDates,
            Verified = _counts.Verified,
        };
    }

    private async Task ReadAndWriteAsync(CancellationToken cancellationToken)
    {
        await _lane.Source.BeginSnapshotAsync(cancellationToken).ConfigureAwait(false);
        var now = await _source.ReadNowAsync(cancellationToken).ConfigureAwait(false);
        if (_decision.IsChunked)
        {
            await RunChunksAsync(now, cancellationToken).ConfigureAwait(false);
        }
        else if (!_plan.Target.Exists)
        {
            await CreateAsync(now, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await RunOnceAsync(now, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A table that is not there yet: nobody can read it before the transaction ends, so rows go where they belong at once.</summary>
    private async Task CreateAsync(string now, CancellationToken cancellationToken)
    {
        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await TargetShape.CreateAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
        var end = await _source.FillAsync("", isNew: true, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-copy");
        _plan = await TargetShape.AddKeyAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
        var (counts, watermarks) = await LookAtFilledAsync(end, _plan.Target.Qualified, now, Before, cancellationToken).ConfigureAwait(false);
        counts = counts with { ZeroDates = counts.ZeroDates + await _source.AskZeroDatesAsync("", cancellationToken).ConfigureAwait(false) };
        var state = await AdvanceAsync(_plan.Target.Qualified, watermarks, cancellationToken).ConfigureAwait(false);
        await CommitAsync(transaction, counts, state, isLast: true, cancellationToken).ConfigureAwait(false);

        // Building the key's index told the planner how large the table is; without one, whoever reads it next would have to guess.
        // What else there is to know the server's autovacuum finds out: of a wide table it takes an eighth of the load.
        if (!_plan.HasKey)
        {
            await ExecuteAsync($"ANALYZE {_plan.Target.Qualified}", cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Rows that went straight into the copy: one pass over them tells how many they are, and their watermarks.</summary>
    private async Task<(SyncProgressCounts Counts, IReadOnlyDictionary<string, string> Watermarks)> LookAtFilledAsync(
        SourceStreamEnd end, string rows, string now, IReadOnlyDictionary<string, string> before, CancellationToken cancellationToken)
    {
        var (watermarks, counts) = await Watermarks.ReadWithCountsAsync(
            Connection, rows, ["count(*)", _source.ZeroDatesSql], Written(_filter.Columns), _config, now, before, cancellationToken).ConfigureAwait(false);
        var merge = new MergeCounts { Inserted = counts[0], NotFound = Math.Abs(end.Rows - counts[0]) };
        return (new SyncProgressCounts(end.Rows, end.Bytes, merge, counts[1]), watermarks);
    }

    private async Task RunOnceAsync(string now, CancellationToken cancellationToken)
    {
        var where = _decision.Mode == SyncMode.Full ? "" : $" WHERE {_filter.Condition(_state, _numberKey)}";
        var end = await _source.StageAsync(where, cancellationToken).ConfigureAwait(false);
        var byKeys = _deletes && _decision.Mode == SyncMode.Incremental;
        if (byKeys)
        {
            await _source.StageKeysAsync(cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.after-copy");
        if (_plan.HasKey && !_table.IsUniqueBy(_plan.Key))
        {
            await TargetShape.RequireKeyInStageAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
        }

        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        _plan = await TargetShape.AlterAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
        var zeroDates = await _source.CountStagedZeroDatesAsync(where, cancellationToken).ConfigureAwait(false);
        var merge = await new TableMerge(Connection, _plan, _id)
        {
            KeepsHistory = KeepsHistory,
            Deletes = _deletes && !byKeys,
            DeletesByKeys = byKeys,
        }.RunAsync(cancellationToken).ConfigureAwait(false);
        var watermarks = await Watermarks.ReadAsync(
            Connection, MergeSql.Stage, Written(_filter.Columns), _config, now, Before, cancellationToken).ConfigureAwait(false);
        var state = await AdvanceAsync(MergeSql.Stage, watermarks, cancellationToken).ConfigureAwait(false);
        await CommitAsync(transaction, new SyncProgressCounts(end.Rows, end.Bytes, merge, zeroDates), state, isLast: true, cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(MergeSql.DropStage, cancellationToken).ConfigureAwait(false);
    }

    private bool KeepsHistory => !_decision.IsInitial && _settings.HistoryRetention > TimeSpan.Zero;

    /// <summary>By ranges of the key, each committed with how far it came: after a kill the next sync goes on from there.</summary>
    private async Task RunChunksAsync(string now, CancellationToken cancellationToken)
    {
        if (!_plan.Target.Exists)
        {
            await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await TargetShape.CreateAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
            _plan = await TargetShape.AddKeyAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }

        var pass = _state.Pass ?? new ChunkedPass { IsFull = _decision.Mode == SyncMode.Full, IsInitial = _decision.IsInitial, StartedAt = now };
        for (var isLast = false; !isLast;)
        {
            (pass, isLast) = await RunChunkAsync(pass, cancellationToken).ConfigureAwait(false);
            if (!isLast)
            {
                await _lane.Source.BeginSnapshotAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<(ChunkedPass Pass, bool IsLast)> RunChunkAsync(ChunkedPass pass, CancellationToken cancellationToken)
    {
        List<string> conditions = [];
        if (!pass.IsFull)
        {
            conditions.Add($"({_filter.Condition(_state, _numberKey)})");
        }

        if (pass.After is { } after)
        {
            conditions.Add(IncrementalFilter.After(_plan.Key, after));
        }

        var where = conditions.Count > 0 ? $" WHERE {string.Join(" AND ", conditions)}" : "";
        var rest = $"{where} ORDER BY {SourceSql.List(_plan.Key)} LIMIT {SourceSql.Number(_config.BatchSize)}";
        return pass.IsInitial && pass.IsFull && await FillChunkAsync(pass, rest, cancellationToken).ConfigureAwait(false) is { } filled
            ? filled : await MergeChunkAsync(pass, rest, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A copy that ends where the pass has come to has none of the next rows: they go where they belong at once.</summary>
    /// <returns>Null where the copy goes on, or does not fit as it is: the rows have to be merged.</returns>
    private async Task<(ChunkedPass Pass, bool IsLast)?> FillChunkAsync(ChunkedPass pass, string rest, CancellationToken cancellationToken)
    {
        if (_plan.Alterations.Count > 0 || _plan.Columns.Any(column => column.IsChecked))
        {
            return null;
        }

        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        var filled = $"(SELECT * FROM {_plan.Target.Qualified} t{(TargetRange(pass.After, null) is { } range ? $" WHERE {range}" : "")}) r";
        await ExecuteAsync(MergeSql.LockForFilling(_plan), cancellationToken).ConfigureAwait(false);
        if (await Connection.ExecuteScalarAsync<bool>(new CommandDefinition($"SELECT EXISTS (SELECT FROM {filled})", cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            return null;
        }

        var end = await _source.FillAsync(rest, isNew: false, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-copy");
        var (counts, watermarks) = await LookAtFilledAsync(end, filled, pass.StartedAt, pass.Watermarks, cancellationToken).ConfigureAwait(false);
        var last = await ReadLastAsync(filled, end.Rows, pass, cancellationToken).ConfigureAwait(false);
        pass = await GoOnAsync(pass, last, filled, watermarks, cancellationToken).ConfigureAwait(false);
        return (pass, await CommitChunkAsync(transaction, pass, counts, cancellationToken).ConfigureAwait(false));
    }

    private async Task<(ChunkedPass Pass, bool IsLast)> MergeChunkAsync(ChunkedPass pass, string rest, CancellationToken cancellationToken)
    {
        var end = await _source.StageAsync(rest, cancellationToken).ConfigureAwait(false);
        var isLast = IsLast(end.Rows);
        var last = await ReadLastAsync(MergeSql.Stage, end.Rows, pass, cancellationToken).ConfigureAwait(false);
        var byKeys = isLast && _deletes && !pass.IsFull;
        if (byKeys)
        {
            await _source.StageKeysAsync(cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.after-copy");
        await using var transaction = await Connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        _plan = await TargetShape.AlterAsync(Connection, _plan, cancellationToken).ConfigureAwait(false);
        var zeroDates = await _source.CountStagedZeroDatesAsync(rest: null, cancellationToken).ConfigureAwait(false);
        var merge = await new TableMerge(Connection, _plan, _id)
        {
            KeepsHistory = KeepsHistory && !pass.IsInitial,
            Deletes = _deletes && pass.IsFull,
            DeletesByKeys = byKeys,
            Range = pass.IsFull ? TargetRange(pass.After, isLast ? null : last) : null,
        }.RunAsync(cancellationToken).ConfigureAwait(false);
        var watermarks = await Watermarks.ReadAsync(
            Connection, MergeSql.Stage, _filter.Columns, _config, pass.StartedAt, pass.Watermarks, cancellationToken).ConfigureAwait(false);
        pass = await GoOnAsync(pass, last, MergeSql.Stage, watermarks, cancellationToken).ConfigureAwait(false);
        await CommitChunkAsync(transaction, pass, new SyncProgressCounts(end.Rows, end.Bytes, merge, zeroDates), cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(MergeSql.DropStage, cancellationToken).ConfigureAwait(false);
        return (pass, isLast);
    }

    private bool IsLast(long rows) => rows < _config.BatchSize;

    /// <summary>How far a pass has come with the rows of a chunk.</summary>
    private async Task<ChunkedPass> GoOnAsync(
        ChunkedPass pass, IReadOnlyList<string>? last, string rows, IReadOnlyDictionary<string, string> watermarks, CancellationToken cancellationToken) => pass with
    {
        After = last,
        Watermarks = watermarks,
        LastKey = await Watermarks.ReadLastKeyAsync(Connection, rows, _numberKey, pass.LastKey, cancellationToken).ConfigureAwait(false),
    };

    /// <returns>Whether it was the last.</returns>
    private async Task<bool> CommitChunkAsync(NpgsqlTransaction transaction, ChunkedPass pass, SyncProgressCounts counts, CancellationToken cancellationToken)
    {
        var isLast = IsLast(counts.Read);
        var state = isLast
            ? Advance(pass)
            : _state with { Pass = pass, Columns = SyncedColumns, Key = _plan.Key };
        await CommitAsync(transaction, counts, state, isLast, cancellationToken).ConfigureAwait(false);
        return isLast;
    }

    private async Task<IReadOnlyList<string>?> ReadLastAsync(string rows, long count, ChunkedPass pass, CancellationToken cancellationToken)
    {
        if (count == 0)
        {
            return pass.After;
        }

        var key = _plan.Key.Select(SqlIdentifier.Quote).ToList();
        return await Connection.QuerySingleAsync<string[]>(new CommandDefinition(
            $"SELECT ARRAY[{string.Join(", ", key.Select(column => $"{column}::text"))}] FROM {rows} ORDER BY {string.Join(", ", key.Select(column => $"{column} DESC"))} LIMIT 1",
            cancellationToken: cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>A condition on t for the rows of the copy that a chunk of a full pass stands for.</summary>
    private string? TargetRange(IReadOnlyList<string>? after, IReadOnlyList<string>? upTo)
    {
        var key = string.Join(", ", _plan.Key.Select(column => $"t.{SqlIdentifier.Quote(column)}"));
        List<string> conditions = [];
        if (after is not null)
        {
            conditions.Add($"({key}) > ({Values(after)})");
        }

        if (upTo is not null)
        {
            conditions.Add($"({key}) <= ({Values(upTo)})");
        }

        return conditions.Count > 0 ? string.Join(" AND ", conditions) : null;

        // Numbers and dates of ours, as PostgreSQL itself wrote them.
        string Values(IReadOnlyList<string> values) => string.Join(", ", values.Select((value, i) =>
            $"'{value.Replace("'", "''", StringComparison.Ordinal)}'::{MergeSql.KeyColumns(_plan).ElementAt(i).StageType}"));
    }

    private IReadOnlyList<string> SyncedColumns =>
        [.. _plan.Written.Select(column => column.Name), .. _state.Columns.Where(name => _plan.Target.Find(name) is not null && !_plan.Written.Any(column => column.Name == name))];

    private async Task<TableState> AdvanceAsync(string rows, IReadOnlyDictionary<string, string> watermarks, CancellationToken cancellationToken) => _state with
    {
        IsComplete = true,
        Columns = SyncedColumns,
        Key = _plan.Key,
        Watermarks = watermarks,
        LastKey = await Watermarks.ReadLastKeyAsync(Connection, rows, _numberKey, _decision.Mode == SyncMode.Full ? null : _state.LastKey, cancellationToken).ConfigureAwait(false),
        Pass = null,
        TakenBack = TakenBack.Nothing,
    };

    // What the pass knows is of all its chunks; what was known before it is in the state.
    private TableState Advance(ChunkedPass pass) => _state with
    {
        IsComplete = true,
        Columns = SyncedColumns,
        Key = _plan.Key,
        Watermarks = pass.IsFull ? pass.Watermarks : Watermarks.Highest(_filter.Columns, _state.Watermarks, pass.Watermarks),
        LastKey = pass.IsFull || _numberKey is null ? pass.LastKey : Watermarks.Higher(_numberKey, pass.LastKey, _state.LastKey),
        Pass = null,
        TakenBack = TakenBack.Nothing,
    };

    /// <summary>A full sync sees everything: what was known before may have been undone or deleted.</summary>
    private IReadOnlyDictionary<string, string> Before =>
        _decision.Mode == SyncMode.Full ? new Dictionary<string, string>(StringComparer.Ordinal) : _state.Watermarks;

    private List<SourceColumn> Written(IReadOnlyList<SourceColumn> columns) =>
        [.. columns.Where(column => _plan.Written.Any(written => written.Name == column.Name))];

    private async Task CommitAsync(
        NpgsqlTransaction transaction, SyncProgressCounts counts, TableState state, bool isLast, CancellationToken cancellationToken)
    {
        RequireVerified(counts);
        await TrackingStore.WriteStateAsync(
            Connection, Schema, Name, _decision.Source, state, _id, isLast, cancellationToken).ConfigureAwait(false);
        var commits = await TrackingStore.AddAsync(Connection, _id, Name, counts, isLast, cancellationToken).ConfigureAwait(false);
        if (isLast)
        {
            var newest = state.Watermarks.Where(pair => _table.Find(pair.Key)?.IsDate == true).Select(pair => pair.Value).Order(StringComparer.Ordinal).LastOrDefault();
            await TrackingStore.SucceedAsync(
                Connection, Schema, Name, newest, state.LastKey, _numberKey?.Name, _counts.Plus(counts).Read, cancellationToken).ConfigureAwait(false);
        }

        CrashPoint.Pass("table.before-commit");
        cancellationToken.ThrowIfCancellationRequested();
        await ConfirmedCommit.CommitAsync(
            _lane.Database,
            transaction,
            Name,
            "Once the database answers, the next Sync-Table goes on from where it did.",
            (connection, token) => connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                TrackingSql.IsCommitted, new { id = _id, commits }, cancellationToken: token)),
            cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("table.after-commit");
        _counts = _counts.Plus(counts);
        _state = state;
    }

    /// <summary>A row that was written and is not there is always too much; of those that do not fit, the threshold says how many are.</summary>
    private void RequireVerified(SyncProgressCounts counts)
    {
        if (counts.Merge.NotFound > 0 || counts.Verified < _config.Monitoring.Threshold)
        {
            VerifiedTooLittle = counts.Verified;
            throw new EtlException(
                EtlErrorKind.Data,
                "TableVerificationFailed",
                string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"Of {counts.Read} rows of {Name} that were read, {counts.Merge.NotFound} did not arrive in the copy and {counts.Merge.RowsDiscarded} do not fit it; the table's threshold is {_config.Monitoring.Threshold:0.####}. The copy is as it was before."),
                Name,
                "Look for triggers and rules on the copy; for rows that do not fit, see its contract.");
        }
    }

    private Task ExecuteAsync(string sql, CancellationToken cancellationToken) =>
        Connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));
}
