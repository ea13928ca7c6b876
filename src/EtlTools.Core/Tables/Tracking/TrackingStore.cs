using Dapper;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using Npgsql;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>Writes what is known of syncs: etl.table_syncs, etl.table_states, and the deployment's own etl_load_status.</summary>
internal static class TrackingStore
{
    public static Task<Guid> StartRunAsync(
        NpgsqlConnection connection, string kind, string source, string? reason, int tables, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<Guid>(new CommandDefinition(
            TrackingSql.StartRun, new { kind, source, reason, tables }, cancellationToken: cancellationToken));

    public static Task FinishRunAsync(NpgsqlConnection connection, Guid run, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(TrackingSql.FinishRun, new { run }, cancellationToken: cancellationToken));

    /// <param name="connection">Where the copy is.</param>
    /// <param name="schema">Of the copy.</param>
    /// <param name="table">Its name.</param>
    /// <param name="source">What is known of another source's rows says nothing about those of this one. Null: whose they are does not matter.</param>
    /// <param name="cancellationToken">Stops the statement.</param>
    public static async Task<TableState> ReadStateAsync(
        NpgsqlConnection connection, string schema, string table, string? source, CancellationToken cancellationToken) =>
        TableState.Parse(await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
            TrackingSql.ReadState, new { schema, table, source }, cancellationToken: cancellationToken)).ConfigureAwait(false));

    /// <summary>Two sources that write one copy would take each other's rows out of it, one after the other.</summary>
    /// <exception cref="EtlException">TargetTableTaken.</exception>
    public static async Task RequireOwnAsync(
        NpgsqlConnection connection, string schema, string source, IReadOnlyCollection<string> tables, CancellationToken cancellationToken)
    {
        var taken = (await connection.QueryAsync<(string Name, string Source)>(new CommandDefinition(
            TrackingSql.FindTaken, new { schema, source, tables = tables.ToArray() }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
        if (taken.Count == 0)
        {
            return;
        }

        var (name, other) = taken[0];
        var more = taken.Count > 1 ? $", and {taken.Count - 1} more tables of {schema} belong to other sources too" : "";
        throw new EtlException(
            EtlErrorKind.Conflict,
            "TargetTableTaken",
            $"{schema}.{name} is the copy of a table of {other}{more}. A sync of {source} would replace its rows.",
            $"{schema}.{name}",
            $"Give {source} a schema of its own in etl.yaml. Where {other} is retired, or is {source} under an earlier name, "
                + $"Unregister-TableSync -Source {other} sets its copies free: each is then read anew, in every row.");
    }

    public static Task<long> StartSyncAsync(
        NpgsqlConnection connection, TableSync sync, bool isInitial, bool hasWayBack, string strategy, TableState before, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<long>(new CommandDefinition(
            TrackingSql.StartSync,
            new
            {
                run = sync.TableSyncRunId,
                source = sync.Source,
                schema = sync.Schema,
                table = sync.Name,
                importance = Words.Of(sync.Importance),
                strategy,
                mode = Words.Of(sync.Mode),
                isInitial,
                hasWayBack,
                drift = sync.Drift.ToArray(),
                state = before.ToJson(),
            },
            cancellationToken: cancellationToken));

    /// <summary>In the transaction of the rows. Returns how many commits the sync then has.</summary>
    /// <exception cref="EtlException">SyncTakenOver.</exception>
    public static async Task<int> AddAsync(
        NpgsqlConnection connection, long id, string table, SyncProgressCounts counts, bool isLast, CancellationToken cancellationToken) =>
        await connection.QuerySingleOrDefaultAsync<int?>(new CommandDefinition(
            TrackingSql.AddToSync,
            new
            {
                id,
                read = counts.Read,
                inserted = counts.Merge.Inserted,
                updated = counts.Merge.Updated,
                deleted = counts.Merge.Deleted,
                rowsDiscarded = counts.Merge.RowsDiscarded,
                valuesDiscarded = counts.Merge.ValuesDiscarded,
                zeroDates = counts.ZeroDates,
                bytes = counts.Bytes,
                verified = counts.Verified,
                isLast,
            },
            cancellationToken: cancellationToken)).ConfigureAwait(false)
        ?? throw new EtlException(
            EtlErrorKind.Conflict, "SyncTakenOver", "The sync was taken for dead, and another one has begun.", table, "Run the command again.");

    public static Task WriteStateAsync(
        NpgsqlConnection connection, string schema, string table, string source, TableState state, long id, bool isLast, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            TrackingSql.WriteState, new { schema, table, source, state = state.ToJson(), id, isLast }, cancellationToken: cancellationToken));

    /// <summary>
    /// Has the schemas of the copies and of their history, and records for every configured table: in the deployment's tracking
    /// table, and what health has to know of the configuration.
    /// One after the other: two sessions that make the same thing at once get in each other's way.
    /// </summary>
    public static async Task EnsureRecordsAsync(
        NpgsqlConnection connection, string schema, string source, TableSyncConfig config, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(TrackingSql.LockSetup, cancellationToken: cancellationToken)).ConfigureAwait(false);
        foreach (var name in new[] { schema, History.HistorySql.SchemaOf(schema) })
        {
            if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                Mapping.TargetSql.SchemaExists, new { schema = name }, cancellationToken: cancellationToken)).ConfigureAwait(false))
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    Mapping.TargetSql.CreateSchema(name), cancellationToken: cancellationToken)).ConfigureAwait(false);
            }
        }

        await EnsureRowsAsync(connection, schema, [.. config.Tables.Select(table => table.Name)], cancellationToken).ConfigureAwait(false);
        await WriteConfiguredAsync(connection, schema, source, config, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task EnsureRowsAsync(
        NpgsqlConnection connection, string schema, IReadOnlyCollection<string> tables, CancellationToken cancellationToken)
    {
        // What is there already need not be ours: a user who may only write rows can still sync.
        var name = Database.SqlIdentifier.Qualify(schema, LoadStatusSql.Table);
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            History.HistorySql.Exists, new { name }, cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            await connection.ExecuteAsync(new CommandDefinition(LoadStatusSql.Ensure(schema), cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
        else if (await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            LoadStatusSql.CountColumns, new { name }, cancellationToken: cancellationToken)).ConfigureAwait(false) < LoadStatusSql.AddedColumns)
        {
            await connection.ExecuteAsync(new CommandDefinition(LoadStatusSql.AddMissing(schema), cancellationToken: cancellationToken)).ConfigureAwait(false);
        }

        await connection.ExecuteAsync(new CommandDefinition(
            LoadStatusSql.EnsureRows(schema), new { tables = tables.ToArray() }, cancellationToken: cancellationToken)).ConfigureAwait(false);
    }

    private static Task WriteConfiguredAsync(
        NpgsqlConnection connection, string schema, string source, TableSyncConfig config, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            TrackingSql.WriteConfigured,
            new
            {
                source,
                schema,
                file = config.Path ?? "",
                tables = config.Tables.Select(table => table.Name).ToArray(),
                importances = config.Tables.Select(table => Words.Of(table.Importance)).ToArray(),
                contracts = config.Tables.Select(table => Words.Of(table.Contract)).ToArray(),
                alertsOnFailure = config.Tables.Select(table => table.Monitoring.AlertsOnFailure).ToArray(),
                timeLimits = config.Tables.Select(table => table.Monitoring.TimeLimit).ToArray(),
                thresholds = config.Tables.Select(table => table.Monitoring.Threshold).ToArray(),
                overdueAfter = config.Tables.Select(table => table.Monitoring.OverdueAfter ?? TableMonitoring.DefaultOverdueAfter).ToArray(),
            },
            cancellationToken: cancellationToken));

    public static Task SucceedAsync(
        NpgsqlConnection connection, string schema, string table, string? lastLoaded, string? lastKey, string? keyColumn, long rows, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            LoadStatusSql.Succeed(schema), new { table, lastLoaded, lastKey, keyColumn, rows }, cancellationToken: cancellationToken));

    /// <param name="connection">In no transaction.</param>
    /// <param name="sync">What failed.</param>
    /// <param name="id">Of the sync; null where it failed before it began.</param>
    /// <param name="failure">Why.</param>
    /// <param name="verified">The share of the rows read that was found in the copy, where too few were; null otherwise.</param>
    /// <param name="cancellationToken">Stops the statements.</param>
    public static async Task FailAsync(
        NpgsqlConnection connection, TableSync sync, long? id, EtlException failure, double? verified, CancellationToken cancellationToken)
    {
        id ??= await StartSyncAsync(connection, sync, isInitial: false, hasWayBack: true, Words.Of(sync.Strategy), new TableState(), cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            TrackingSql.FailSync, new { id, errorCode = failure.ErrorId, error = failure.Message, verified }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            LoadStatusSql.Fail(sync.Schema), new { table = sync.Name }, cancellationToken: cancellationToken)).ConfigureAwait(false);
    }
}

/// <summary>What one committed part of a sync adds to its counts.</summary>
internal sealed record SyncProgressCounts(long Read, long Bytes, MergeCounts Merge, long ZeroDates)
{
    /// <summary>The share of the rows read that is in the copy.</summary>
    public double Verified => Read == 0 ? Merge.NotFound == 0 ? 1 : 0 : Math.Clamp(1 - (double)(Merge.NotFound + Merge.RowsDiscarded) / Read, 0, 1);

    public SyncProgressCounts Plus(SyncProgressCounts other) => new(
        Read + other.Read,
        Bytes + other.Bytes,
        new MergeCounts
        {
            Inserted = Merge.Inserted + other.Merge.Inserted,
            Updated = Merge.Updated + other.Merge.Updated,
            Deleted = Merge.Deleted + other.Merge.Deleted,
            RowsDiscarded = Merge.RowsDiscarded + other.Merge.RowsDiscarded,
            ValuesDiscarded = Merge.ValuesDiscarded + other.Merge.ValuesDiscarded,
            NotFound = Merge.NotFound + other.Merge.NotFound,
        },
        ZeroDates + other.ZeroDates);
}
