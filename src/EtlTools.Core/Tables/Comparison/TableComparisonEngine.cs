using System.Data;
using System.Diagnostics;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>Proves that copies are what their sources are, or finds the rows in which they are not. Nothing is changed.</summary>
/// <param name="database">Where the copies are.</param>
/// <param name="config">Tables and their keys.</param>
/// <param name="settings">The schema of the copies.</param>
public sealed class TableComparisonEngine(EtlDatabase database, TableSyncConfig config, TableSyncSettings settings)
{
    /// <summary>
    /// Compares the tables that are meant with a source. While others write to it, rows that are on their way differ.
    /// </summary>
    /// <exception cref="EtlException">TableNotConfigured, SourceUnreachable, ... A table that cannot be compared is in the result with its failure.</exception>
    public async Task<IReadOnlyList<TableComparison>> CompareAsync(
        SourceConnection source, TableComparisonOptions options, IProgress<TableComparisonProgress>? progress, CancellationToken cancellationToken)
    {
        var tables = SyncOrder.Select(config, options.Tables);
        var reader = new ClientDatabase(source);
        IReadOnlyDictionary<string, SourceTable> catalogue;
        await using (var session = await reader.OpenAsync(cancellationToken).ConfigureAwait(false))
        {
            catalogue = await SourceCatalogue.ReadByNameAsync(session, [.. tables.Select(table => table.Name)], cancellationToken).ConfigureAwait(false);
        }

        await using var lanes = new Pool<ComparisonLane>(token => ComparisonLane.OpenAsync(reader, database, token));
        return await RunAsync(
            tables,
            source.Name,
            settings.Schema,
            options,
            progress,
            (table, known, token) =>
            {
                var found = catalogue.GetValueOrDefault(table.Name) ?? throw SourceErrors.TableMissing(source, table);
                return lanes.UseAsync(lane => WithSourceAsync(lane, found, table, known, options, token), token);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Compares the tables that are meant with those of another database, or another schema: an old pipeline's beside a new one's.</summary>
    /// <param name="other">Where the others are. What it has is taken for what is to be compared with ours, which count.</param>
    /// <param name="otherSchema">Their schema.</param>
    /// <param name="options">What to compare.</param>
    /// <param name="progress">Told after each table.</param>
    /// <param name="cancellationToken">Ends the sessions.</param>
    /// <exception cref="EtlException">TableNotConfigured, ComparedWithItself, those of connecting. A table that cannot be compared is in the result with its failure.</exception>
    public async Task<IReadOnlyList<TableComparison>> CompareWithCopyAsync(
        EtlDatabase other, string otherSchema, TableComparisonOptions options, IProgress<TableComparisonProgress>? progress, CancellationToken cancellationToken)
    {
        if (await IsSameAsync(other, cancellationToken).ConfigureAwait(false) && otherSchema == settings.Schema)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "ComparedWithItself", $"The copies in {otherSchema} would be compared with themselves.", otherSchema,
                "Name another database, or another schema.");
        }

        return await RunAsync(
            SyncOrder.Select(config, options.Tables),
            settings.Schema,
            otherSchema,
            options,
            progress,
            (table, known, token) => WithCopyAsync(other, otherSchema, table, known, options, token),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Schemas of a database that hold tables, without the server's own.</summary>
    public static async Task<IReadOnlyList<string>> FindSchemasAsync(EtlDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        var names = await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT DISTINCT schemaname::text FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return [.. names];
    }

    /// <summary>
    /// Whether both are one database, whatever names and ways lead there: what one session has locked there, another cannot.
    /// </summary>
    private async Task<bool> IsSameAsync(EtlDatabase other, CancellationToken cancellationToken)
    {
        await using var here = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var there = await other.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var mark = new { mark = Random.Shared.NextInt64() };
            await using var transaction = await here.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await here.ExecuteAsync(new CommandDefinition("SELECT pg_advisory_xact_lock(@mark)", mark, cancellationToken: cancellationToken)).ConfigureAwait(false);
            return !await there.ExecuteScalarAsync<bool>(new CommandDefinition(
                "SELECT pg_try_advisory_xact_lock(@mark)", mark, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, other.Description);
        }
    }

    private static async Task<IReadOnlyList<TableComparison>> RunAsync(
        IReadOnlyList<TableConfig> tables,
        string source,
        string schema,
        TableComparisonOptions options,
        IProgress<TableComparisonProgress>? progress,
        Func<TableConfig, TableComparison, CancellationToken, Task<TableComparison>> compare,
        CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var done = new List<TableComparison>();
        var expected = tables.Sum(table => Math.Max(1, table.EstimatedRows ?? 1));
        var passed = 0L;
        await Parallel.ForEachAsync(
            tables.OrderBy(table => table.Importance).ThenByDescending(table => table.EstimatedMegabytes ?? 0),
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.MaxConcurrency), CancellationToken = cancellationToken },
            async (table, token) =>
            {
                var began = clock.Elapsed;
                var known = new TableComparison { Name = table.Name, Source = source, Schema = schema, Importance = table.Importance, Tolerance = options.Tolerance };
                TableComparison comparison;
                try
                {
                    comparison = await compare(table, known, token).ConfigureAwait(false);
                }
                catch (Exception error) when (error is EtlException or IOException || DatabaseErrors.IsDatabaseError(error))
                {
                    var failure = error as EtlException ?? DatabaseErrors.Translate(error, table.Name);
                    comparison = known with { ErrorCode = failure.ErrorId, Error = failure.Message, Failure = failure };
                }

                lock (done)
                {
                    done.Add(comparison with { Duration = clock.Elapsed - began });
                    passed += Math.Max(1, table.EstimatedRows ?? 1);
                    var rows = done.Sum(one => one.SourceRows ?? 0);
                    progress?.Report(new TableComparisonProgress(
                        done.Count, tables.Count, rows, rows / clock.Elapsed.TotalSeconds, Pace.TimeLeft(clock.Elapsed.TotalSeconds, passed, expected))
                    {
                        Finished = done[^1],
                    });
                }
            }).ConfigureAwait(false);
        return done;
    }

    private async Task<TableComparison> WithSourceAsync(
        ComparisonLane lane, SourceTable table, TableConfig config, TableComparison known, TableComparisonOptions options, CancellationToken cancellationToken)
    {
        ConfiguredTable.Require(config, table);
        var (session, connection) = lane;
        var copy = await RequireAsync(connection, database, settings.Schema, config.Name, cancellationToken).ConfigureAwait(false);
        var state = await ReadStateAsync(connection, config.Name, cancellationToken).ConfigureAwait(false);
        var key = ConfiguredTable.KeyOf(config, table);
        var columns = table.Columns.Where(column => copy.Find(column.Name) is not null)
            .ToDictionary(column => column.Name, column => AsCompared(CanonicalColumn.Of(column, copy.Find(column.Name)!.Type), key), StringComparer.Ordinal);
        RequireKey(key, columns, config.Name);
        await session.BeginSnapshotAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
        string InSource(string name) => SourceForm.Expression(table.Find(name)!, columns[name], session.Info, state.HasOddDates, key.Contains(name));
        string InCopy(string name) => CopyForm.Expression(
            copy.Find(name)!, columns[name], CopySide.IsUtf8(connection), isNeverNull: !key.Contains(name) && table.Find(name) is { IsNullable: false, IsDate: false });
        var compared = columns.Keys.ToList();
        IReadOnlyList<string> summed = options.IncludeSum
            ? [.. compared.Where(name => !key.Contains(name) && CopyForm.Sum(copy.Find(name)!, columns[name]) is not null)] : [];
        var comparer = new TableComparer(
            new SourceSide(session, table, [.. compared.Select(InSource)], [.. key.Select(InSource)], [.. summed.Select(name => SourceForm.Sum(table.Find(name)!, columns[name]))]),
            new CopySide(connection, copy.Qualified, [.. compared.Select(InCopy)], [.. key.Select(InCopy)], [.. summed.Select(name => CopyForm.Sum(copy.Find(name)!, columns[name])!)]),
            key,
            summed);
        var numberKey = key is [var single] && table.Find(single) is { IsInteger: true } column && !(column.IsUnsigned && column.DataType == "bigint") && IsNumber(copy, single) ? single : null;
        known = known with
        {
            MissingColumn = [.. table.Columns.Select(one => one.Name).Where(name => copy.Find(name) is null)],
            ExtraColumn = [.. copy.Columns.Select(one => one.Name).Where(name => !columns.ContainsKey(name))],
            UncomparedColumn = Uncompared(columns.Values),
        };
        return await comparer.RunAsync(known, numberKey, table.EstimatedRows, options.MaxDifference, config.KeepsVanished, cancellationToken).ConfigureAwait(false);
    }

    private async Task<TableComparison> WithCopyAsync(
        EtlDatabase other, string otherSchema, TableConfig config, TableComparison known, TableComparisonOptions options, CancellationToken cancellationToken)
    {
        await using var connection = await ComparisonLane.OpenCopyAsync(database, cancellationToken).ConfigureAwait(false);
        await using var otherConnection = await ComparisonLane.OpenCopyAsync(other, cancellationToken).ConfigureAwait(false);
        var ours = await RequireAsync(connection, database, settings.Schema, config.Name, cancellationToken).ConfigureAwait(false);
        var theirs = await RequireAsync(otherConnection, other, otherSchema, config.Name, cancellationToken).ConfigureAwait(false);
        var key = config.PrimaryKey.Count > 0 ? config.PrimaryKey : ours.UniqueKeys.FirstOrDefault() ?? [];
        var columns = ours.Columns.Where(column => theirs.Find(column.Name) is not null)
            .ToDictionary(column => column.Name, column => AsCompared(CanonicalColumn.Of(column.Name, column.Type, theirs.Find(column.Name)!.Type), key), StringComparer.Ordinal);
        RequireKey(key, columns, config.Name);
        await using var transaction = await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
        await using var otherTransaction = await BeginAsync(otherConnection, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<string> summed = options.IncludeSum
            ? [.. columns.Keys.Where(name => !key.Contains(name) && SumIn(ours, name) is not null && SumIn(theirs, name) is not null)] : [];
        var comparer = new TableComparer(Side(connection, ours), Side(otherConnection, theirs), key, summed);
        var numberKey = key is [var single] && IsNumber(ours, single) && IsNumber(theirs, single) ? single : null;
        known = known with
        {
            MissingColumn = [.. ours.Columns.Select(one => one.Name).Where(name => theirs.Find(name) is null)],
            ExtraColumn = [.. theirs.Columns.Select(one => one.Name).Where(name => !columns.ContainsKey(name))],
            UncomparedColumn = Uncompared(columns.Values),
        };
        return await comparer.RunAsync(known, numberKey, config.EstimatedRows ?? 0, options.MaxDifference, keepsVanished: false, cancellationToken).ConfigureAwait(false);

        string? SumIn(TargetTable table, string name) => CopyForm.Sum(table.Find(name)!, columns[name]);

        CopySide Side(NpgsqlConnection side, TargetTable table)
        {
            string Form(string name) => CopyForm.Expression(table.Find(name)!, columns[name], CopySide.IsUtf8(side));
            return new CopySide(side, table.Qualified, [.. columns.Keys.Select(Form)], [.. key.Select(Form)], [.. summed.Select(name => SumIn(table, name)!)]);
        }
    }

    private static CanonicalColumn AsCompared(CanonicalColumn column, IReadOnlyList<string> key) => key.Contains(column.Name) ? column.AsKey() : column;

    private static List<string> Uncompared(IEnumerable<CanonicalColumn> columns) =>
        [.. columns.Where(column => column.Kind == CanonicalKind.Presence).Select(column => column.Name)];

    private static bool IsNumber(TargetTable table, string column) => table.Find(column)?.Type is "smallint" or "integer" or "bigint";

    /// <summary>All that is read is of one moment, and nothing can be written.</summary>
    private static async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition("SET TRANSACTION READ ONLY", cancellationToken: cancellationToken)).ConfigureAwait(false);
        return transaction;
    }

    private static async Task<TargetTable> RequireAsync(
        NpgsqlConnection connection, EtlDatabase where, string schema, string name, CancellationToken cancellationToken)
    {
        var table = await TargetTable.ReadAsync(connection, schema, name, cancellationToken).ConfigureAwait(false);
        return table.Exists ? table : throw new EtlException(
            EtlErrorKind.NotFound, "CopyMissing", $"There is no table {schema}.{name} to compare in {where.Description}.", name, "Sync the table first, or correct the schema.");
    }

    private static void RequireKey(IReadOnlyList<string> key, Dictionary<string, CanonicalColumn> columns, string table)
    {
        if (key.FirstOrDefault(name => !columns.ContainsKey(name)) is { } missing)
        {
            throw new EtlException(
                EtlErrorKind.Schema, "CopyKeyMissing", $"The copy of {table} has no column {missing}, which is part of the key.", table,
                "Sync the table, or correct primary_key of the configuration.");
        }
    }

    /// <summary>What a sync noted; a database that was never prepared for syncs has none.</summary>
    private async Task<TableState> ReadStateAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        var isThere = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT to_regclass('etl.table_states') IS NOT NULL", cancellationToken: cancellationToken)).ConfigureAwait(false);
        return isThere
            ? await TrackingStore.ReadStateAsync(connection, settings.Schema, table, source: null, cancellationToken).ConfigureAwait(false) : new TableState();
    }
}
