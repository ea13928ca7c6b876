using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Loading;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>One thing that Initialize-EtlDatabase does.</summary>
public sealed record SchemaStep
{
    /// <summary>1-based.</summary>
    public required int Order { get; init; }

    /// <summary>Migration, RawTable, StagingTable, Column, Index or View.</summary>
    public required string Kind { get; init; }
    public required string Target { get; init; }
    public required string Description { get; init; }

    /// <summary>Pending in a preview, Applied after.</summary>
    public required string Status { get; init; }
}

/// <summary>
/// Creates, upgrades and adopts: the etl schema, and the tables of a pipeline. One at a time, under an advisory lock; every
/// step is a transaction of its own and does nothing where its work is done, so a crash is followed by simply running again.
/// </summary>
public sealed class SchemaManager(EtlDatabase database)
{
    /// <summary>What <see cref="ApplyAsync"/> would do, in order. Changes nothing.</summary>
    /// <exception cref="EtlException">SchemaNewer, MigrationChanged, RulePatternInvalid, and those of connecting.</exception>
    public async Task<IReadOnlyList<SchemaStep>> PlanAsync(PipelineConfig? pipeline, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await RequirePatternsAsync(connection, pipeline, cancellationToken).ConfigureAwait(false);
            var steps = await FindMigrationsAsync(connection, cancellationToken).ConfigureAwait(false);
            steps.AddRange(await FindTableStepsAsync(connection, pipeline, cancellationToken).ConfigureAwait(false));
            if (pipeline is not null)
            {
                steps.AddRange(await ForeseeIndexesAsync(connection, pipeline, cancellationToken).ConfigureAwait(false));
            }

            return Describe(steps, "Pending");
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>Brings the database up to date and returns what was done; nothing where nothing was to do.</summary>
    /// <exception cref="EtlException">SchemaNewer, MigrationChanged, RulePatternInvalid, PermissionDenied, and those of connecting.</exception>
    public async Task<IReadOnlyList<SchemaStep>> ApplyAsync(
        PipelineConfig? pipeline, IProgress<SchemaStep>? progress, CancellationToken cancellationToken)
    {
        // A session of its own: the lock is let go with it, whatever happens.
        await using var connection = await database.OpenUnpooledAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await RequirePatternsAsync(connection, pipeline, cancellationToken).ConfigureAwait(false);
            await connection.ExecuteAsync(new CommandDefinition(
                SchemaSql.Lock, commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);
            var done = new List<Step>();

            // Each round looks again: the tables once the migrations are there, and indexes once the columns are.
            for (var rounds = 0; rounds < 3; rounds++)
            {
                var steps = await FindMigrationsAsync(connection, cancellationToken).ConfigureAwait(false);
                if (steps.Count == 0)
                {
                    steps = await FindTableStepsAsync(connection, pipeline, cancellationToken).ConfigureAwait(false);
                }

                foreach (var step in steps)
                {
                    await RunAsync(connection, step, cancellationToken).ConfigureAwait(false);
                    done.Add(step);
                    progress?.Report(Describe([step], "Applied")[0] with { Order = done.Count });
                }
            }

            return Describe(done, "Applied");
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private static async Task RequirePatternsAsync(NpgsqlConnection connection, PipelineConfig? pipeline, CancellationToken cancellationToken)
    {
        foreach (var type in pipeline?.ExtractTypes ?? [])
        {
            await RulePatterns.RequireAsync(connection, type, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(NpgsqlConnection connection, Step step, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            step.Sql, commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (step.Migration is { } migration)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                SchemaSql.RecordMigration, migration, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }

        CrashPoint.Pass("schema.before-commit");
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("schema.after-commit");
    }

    private static async Task<List<Step>> FindMigrationsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var known = await connection.QuerySingleAsync<bool>(new CommandDefinition(
            SchemaSql.HasMigrations, cancellationToken: cancellationToken)).ConfigureAwait(false);
        var applied = known
            ? (await connection.QueryAsync<(int Version, string Checksum)>(new CommandDefinition(
                SchemaSql.AppliedMigrations, cancellationToken: cancellationToken)).ConfigureAwait(false)).ToDictionary(m => m.Version, m => m.Checksum)
            : [];
        RequireKnown(applied);

        var steps = MigrationCatalog.All
            .Where(migration => !applied.ContainsKey(migration.Version))
            .Select(migration => new Step(
                "Migration", $"{migration.Version:D4}_{migration.Name}", migration.Title, migration.Sql, migration))
            .ToList();
        if (!known)
        {
            steps.Insert(0, new Step("Migration", "etl.schema_migrations", "the list of migrations", SchemaSql.CreateMigrations, null));
        }

        return steps;
    }

    private static void RequireKnown(Dictionary<int, string> applied)
    {
        var newest = applied.Keys.DefaultIfEmpty().Max();
        if (newest > MigrationCatalog.LatestVersion)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "SchemaNewer",
                $"The database is at migration {newest}; this EtlTools knows {MigrationCatalog.LatestVersion}.",
                "etl.schema_migrations",
                "Update the EtlTools module.");
        }

        var changed = MigrationCatalog.All.FirstOrDefault(migration =>
            applied.TryGetValue(migration.Version, out var checksum) && checksum != migration.Checksum);
        if (changed is not null)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "MigrationChanged",
                $"Migration {changed.Version} of the database is not the one that ships with this EtlTools.",
                "etl.schema_migrations",
                "Use the EtlTools version that made this database, or report it: a released migration is never edited.");
        }
    }

    private static async Task<List<Step>> FindTableStepsAsync(
        NpgsqlConnection connection, PipelineConfig? pipeline, CancellationToken cancellationToken)
    {
        var steps = new List<Step>();
        var rawSchema = pipeline?.RawSchema ?? "raw";
        var stagingSchema = pipeline?.StagingSchema ?? "stg";

        // Without a pipeline only the ledger is made: a database of another family wants no raw and no stg.
        string[] wanted = pipeline is null ? [] : [rawSchema, stagingSchema];
        foreach (var schema in wanted)
        {
            if (!await connection.QuerySingleAsync<bool>(new CommandDefinition(
                "SELECT to_regnamespace(quote_ident(@schema)) IS NOT NULL", new { schema }, cancellationToken: cancellationToken)).ConfigureAwait(false))
            {
                steps.Add(new Step("Schema", schema, "create the schema", $"CREATE SCHEMA {SqlIdentifier.Quote(schema)}", null));
            }
        }

        var raw = await TablesAsync(connection, rawSchema, cancellationToken).ConfigureAwait(false);
        var staging = await TablesAsync(connection, stagingSchema, cancellationToken).ConfigureAwait(false);
        var changed = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var type in pipeline?.ExtractTypes ?? [])
        {
            var missing = PipelineTables.MissingTables(pipeline!, type, raw, staging).ToList();
            steps.AddRange(missing);
            if (missing.Exists(step => step.Kind is "RawTable" or "Column")
                && raw.GetValueOrDefault(type.Table)?.Contains(Lineage.FileId) != false)
            {
                changed.Add(type.Table);
            }
        }

        // Every raw table there is, of this pipeline or not: an adopted one has to be able to show supersession too.
        foreach (var (table, columns) in raw.Where(table => table.Value.Contains(Lineage.FileId)))
        {
            if (!columns.Contains(Lineage.RowNumber))
            {
                steps.Add(PipelineTables.RowNumberColumn(rawSchema, table));
                changed.Add(table);
            }
        }

        changed.UnionWith(await connection.QueryAsync<string>(new CommandDefinition(
            SchemaSql.TablesWithoutHistory, new { schema = rawSchema }, cancellationToken: cancellationToken)).ConfigureAwait(false));
        steps.AddRange(changed.Select(table => PipelineTables.HistoryView(rawSchema, table)));
        if (pipeline is not null)
        {
            steps.AddRange(await FindAdoptedIndexesAsync(connection, pipeline, raw, staging, cancellationToken).ConfigureAwait(false));
        }

        return steps;
    }

    private static async Task<Dictionary<string, HashSet<string>>> TablesAsync(
        NpgsqlConnection connection, string schema, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<(string Table, string Column)>(new CommandDefinition(
            SchemaSql.Tables, new { schema }, cancellationToken: cancellationToken)).ConfigureAwait(false))
        .GroupBy(row => row.Table)
        .ToDictionary(group => group.Key, group => group.Select(row => row.Column).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>Rows that were there before EtlTools stay in the raw table itself; it gets the indexes that a segment gets when it is sealed.</summary>
    private static async Task<List<Step>> FindAdoptedIndexesAsync(
        NpgsqlConnection connection,
        PipelineConfig pipeline,
        Dictionary<string, HashSet<string>> raw,
        Dictionary<string, HashSet<string>> staging,
        CancellationToken cancellationToken)
    {
        var steps = new List<Step>();
        var reader = new ExtractTableReader(pipeline);
        foreach (var type in pipeline.ExtractTypes.Where(type =>
            staging.ContainsKey(type.Table) && raw.GetValueOrDefault(type.Table)?.Contains(Lineage.RowNumber) == true))
        {
            var table = await reader.GetAsync(connection, type.Name, cancellationToken).ConfigureAwait(false);
            if (await NeedsIndexesAsync(connection, table.RawSql, cancellationToken).ConfigureAwait(false))
            {
                steps.Add(PipelineTables.AdoptedIndexes(table.RawName, RawSegments.IndexSql(table, table.RawSql)));
            }
        }

        return steps;
    }

    /// <summary>Indexes of tables that have to be given a column first; to be told only, for their statements cannot be made yet.</summary>
    private static async Task<List<Step>> ForeseeIndexesAsync(
        NpgsqlConnection connection, PipelineConfig pipeline, CancellationToken cancellationToken)
    {
        var steps = new List<Step>();
        var raw = await TablesAsync(connection, pipeline.RawSchema, cancellationToken).ConfigureAwait(false);
        foreach (var type in pipeline.ExtractTypes.Where(type => raw.GetValueOrDefault(type.Table)?.Contains(Lineage.RowNumber) == false))
        {
            if (await NeedsIndexesAsync(
                connection, SqlIdentifier.Qualify(pipeline.RawSchema, type.Table), cancellationToken).ConfigureAwait(false))
            {
                steps.Add(PipelineTables.AdoptedIndexes($"{pipeline.RawSchema}.{type.Table}", sql: ""));
            }
        }

        return steps;
    }

    private static Task<bool> NeedsIndexesAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<bool>(new CommandDefinition(
            SchemaSql.NeedsIndexes(table), new { table }, commandTimeout: 0, cancellationToken: cancellationToken));

    private static List<SchemaStep> Describe(List<Step> steps, string status) =>
        steps.Select((step, i) => new SchemaStep
        {
            Order = i + 1,
            Kind = step.Kind,
            Target = step.Target,
            Description = step.Description,
            Status = status,
        }).ToList();

    internal sealed record Step(string Kind, string Target, string Description, string Sql, Migration? Migration);
}
