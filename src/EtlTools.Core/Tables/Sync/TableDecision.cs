using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>How a table is going to be synced, and why. A plan shows it, and a sync does it.</summary>
internal sealed record TableDecision
{
    public required SourceConnection Source { get; init; }

    public required TablePlan Plan { get; init; }

    public required TableState State { get; init; }

    public required SyncMode Mode { get; init; }

    public required string Reason { get; init; }

    public bool IsChunked { get; init; }

    /// <summary>The copy is empty.</summary>
    public bool IsInitial { get; init; }

    /// <summary>What an admin should know of the table; it is so at every sync.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Columns of the copy that this sync makes texts.</summary>
    public IReadOnlyList<string> BecomesText { get; init; } = [];

    /// <summary>The source's table knows no snapshots: its writers wait while it is read.</summary>
    public bool LocksWriters { get; init; }

    /// <exception cref="EtlException">TableConfigColumnMissing, TableConfigColumnUnfit, TableConfigPrimaryKeyDiffers, TargetTableTaken, SchemaDrift, SchemaDriftUnsafe.</exception>
    public static async Task<TableDecision> MakeAsync(
        NpgsqlConnection connection,
        SourceConnection source,
        TableSyncSettings settings,
        TableConfig config,
        SourceTable table,
        bool isFull,
        CancellationToken cancellationToken)
    {
        ConfiguredTable.Require(config, table);
        var key = ConfiguredTable.KeyOf(config, table);
        var mappings = table.Columns.Select(column => ColumnMapping.Of(
            column, key.Contains(column.Name), config.BooleanColumns.Contains(column.Name, StringComparer.OrdinalIgnoreCase))).ToList();
        var target = await TargetTable.ReadAsync(connection, settings.Schema, config.Name, cancellationToken).ConfigureAwait(false);
        var state = await TrackingStore.ReadStateAsync(connection, settings.Schema, config.Name, source.Name, cancellationToken).ConfigureAwait(false);
        var isEmpty = !(target.Exists && await HasRowsAsync(connection, target, cancellationToken).ConfigureAwait(false));
        var isEmptied = isEmpty && target.Exists && state.HasRead;
        if (!target.Exists || (state.Database is { } database && database != source.Database))
        {
            // Somebody has dropped the copy, or the source is another database by now: what was known of its rows holds no more.
            state = new TableState { HasOddDates = state.HasOddDates };
        }

        var plan = SchemaDrift.Plan(mappings, target, key, config.Contract, state.Columns);
        if (state.Pass is { } pass && (isEmptied || !GoesOn(pass, config, plan, state, isFull)))
        {
            state = state with { Pass = null };
        }

        var (mode, reason) = ModeOf(config, table, plan, state, isFull, isEmptied);
        var isChunked = config.Strategy == SyncStrategy.IncrementalChunked && CanChunk(table, key) && table.IsUniqueBy(key);
        return new TableDecision
        {
            Source = source,
            Plan = plan,
            State = isChunked ? state : state with { Pass = null },
            Mode = mode,
            Reason = mode == SyncMode.Full && target.Exists && config.KeepsVanished ? $"{reason}; rows that the source no longer has stay" : reason,
            IsChunked = isChunked,
            IsInitial = state.Pass?.IsInitial ?? isEmpty,
            Warnings = [.. WarningsOf(config, table, key, isChunked, isFull && target.Exists)],
            BecomesText = [.. plan.Drift.Where(drift => drift.BecomesText).Select(drift => drift.Column)],
            LocksWriters = table.LocksWriters,
        };
    }

    /// <summary>Nothing has come since the pass was begun that asks for rows which it has gone by.</summary>
    private static bool GoesOn(ChunkedPass pass, TableConfig config, TablePlan plan, TableState state, bool isFull) =>
        !plan.NeedsEveryRow
        && (pass.IsFull || (!isFull && WhyTakenBack(config, state) is null))

        // Ranges of another key say nothing about which rows are done.
        && state.Key.SequenceEqual(plan.Key);

    private static IEnumerable<string> WarningsOf(TableConfig config, SourceTable table, IReadOnlyList<string> key, bool isChunked, bool isAskedAnew)
    {
        if (isAskedAnew && config.KeepsVanished)
        {
            yield return $"{config.Name} keeps the rows that the source no longer has{(config.Deletes is null ? ", as audit tables do" : "")}: deletes: yes in its configuration takes them out.";
        }

        if (key.Count == 0)
        {
            yield return $"{config.Name} has no key: its rows are told apart by all that they hold, and all of them are read.";
        }
        else if (!table.IsUniqueBy(key))
        {
            yield return $"The source does not keep {string.Join(", ", key)} of {config.Name} unique: all rows are read, and a sync stops where two have the same, or one has none.";
        }
        else if (config.Strategy == SyncStrategy.IncrementalChunked && !isChunked)
        {
            yield return $"The key of {config.Name} is not made of numbers and dates: the table is not read by ranges.";
        }
    }

    private static (SyncMode Mode, string Reason) ModeOf(
        TableConfig config, SourceTable table, TablePlan plan, TableState state, bool isFull, bool isEmptied)
    {
        if (state.Pass is { } pass)
        {
            return (pass.IsFull || !table.IsUniqueBy(plan.Key) ? SyncMode.Full : SyncMode.Incremental, "goes on where the last sync was interrupted");
        }

        return (config.Strategy, plan) switch
        {
            _ when !plan.Target.Exists => (SyncMode.Full, "there is no copy yet"),
            (SyncStrategy.FullTable, _) => (SyncMode.Full, "strategy full_table"),
            _ when isFull => (SyncMode.Full, "asked for"),
            _ when !plan.HasKey => (SyncMode.Full, "the table has no key"),

            // A row that is not read could have the key of one that is.
            _ when !table.IsUniqueBy(plan.Key) => (SyncMode.Full, "the source does not keep the key unique"),
            _ when !state.IsComplete => (SyncMode.Full, "the copy was not made of this source by EtlTools, or not to the end"),
            _ when isEmptied => (SyncMode.Full, "the copy is empty, and rows had been read"),
            _ when WhyTakenBack(config, state) is { } why => (SyncMode.Full, why),
            _ when plan.NeedsEveryRow => (SyncMode.Full, plan.Drift.Any(drift => drift.Kind == DriftKind.Added)
                ? "the source has new columns" : "columns of the source have other types"),
            _ when !state.Key.SequenceEqual(plan.Key) => (SyncMode.Full, "the copy was made by another key"),
            _ when config.IncrementalColumns.Any(name => !state.Columns.Contains(table.Find(name)!.Name)) => (SyncMode.Full, "an incremental column is not in the copy"),
            _ when state.Watermarks.Count == 0 => (SyncMode.Incremental, "there is no watermark yet"),
            _ => (SyncMode.Incremental, $"since {string.Join(", ", state.Watermarks.Select(pair => $"{pair.Key} {pair.Value}"))}"),
        };
    }

    /// <summary>Why every row has to be read after an undo; null where the watermark, which went back too, leads to all that it took.</summary>
    private static string? WhyTakenBack(TableConfig config, TableState state) => state.TakenBack switch
    {
        TakenBack.Full => "an undo took back what a full sync had read",

        // The window has moved on since.
        TakenBack.Incremental when config.Lookback is not null => "an undo took back what the look-back window had led to",
        _ => null,
    };

    // The order of numbers and dates is the same everywhere; that of texts is not.
    public static bool CanChunk(SourceTable table, IReadOnlyList<string> key) =>
        key.Count > 0 && key.All(name => table.Find(name) is { } column && (column.IsInteger || column.DataType is "decimal" or "date" or "datetime"));

    private static async Task<bool> HasRowsAsync(NpgsqlConnection connection, TargetTable target, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM {target.Qualified})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
