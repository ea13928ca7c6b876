using System.Collections.Concurrent;
using Dapper;
using EtlTools.Core.Configuration;
using Npgsql;

namespace EtlTools.Core.Staging;

/// <summary>Reads the tables of an extract type from the catalogue. What it has read it keeps for its own lifetime.</summary>
internal sealed class ExtractTableReader(PipelineConfig pipeline)
{
    private readonly ConcurrentDictionary<string, ExtractTable> _tables = new(StringComparer.OrdinalIgnoreCase);

    /// <exception cref="EtlException">ExtractTypeUnknown, RawTableMissing, StagingTableMissing, NaturalKeyMissing,
    /// NaturalKeyNotInRaw, NaturalKeyCollation, RulePatternInvalid, RawTableNotPrepared.</exception>
    public async Task<ExtractTable> GetAsync(NpgsqlConnection connection, string extractType, CancellationToken cancellationToken)
    {
        if (_tables.TryGetValue(extractType, out var known))
        {
            return known;
        }

        var type = pipeline.FindExtractType(extractType) ?? throw new EtlException(
            EtlErrorKind.InvalidInput,
            "ExtractTypeUnknown",
            $"The pipeline '{pipeline.Name}' has no extract type '{extractType}'.",
            extractType,
            $"Use one of: {string.Join(", ", pipeline.ExtractTypes.Select(t => t.Name))}.");
        var table = await ReadAsync(connection, type, cancellationToken).ConfigureAwait(false);
        return _tables.GetOrAdd(type.Name, table);
    }

    private async Task<ExtractTable> ReadAsync(NpgsqlConnection connection, ExtractTypeConfig type, CancellationToken cancellationToken)
    {
        var raw = await ReadColumnsAsync(connection, pipeline.RawSchema, type.Table, cancellationToken).ConfigureAwait(false);
        var staging = await ReadColumnsAsync(connection, pipeline.StagingSchema, type.Table, cancellationToken).ConfigureAwait(false);
        RequireTable(raw, pipeline.RawSchema, type.Table, "RawTableMissing");
        RequireTable(staging, pipeline.StagingSchema, type.Table, "StagingTableMissing");
        RequireLineage(raw, type.Table);

        var rawColumns = raw
            .Select(column => column.Name)
            .Where(name => name is not (Lineage.FileId or Lineage.RowNumber))
            .ToList();
        var fed = rawColumns.ToHashSet(StringComparer.Ordinal);
        var key = await ReadKeyAsync(connection, type, cancellationToken).ConfigureAwait(false);
        await RequireDeterministicAsync(connection, type, key, cancellationToken).ConfigureAwait(false);
        await RulePatterns.RequireAsync(connection, type, cancellationToken).ConfigureAwait(false);
        var columns = staging
            .Where(column => fed.Contains(column.Name) && !column.IsGenerated)
            .Select(column => ToStagingColumn(column, type, key))
            .ToList();

        var missing = key.Where(name => !fed.Contains(name)).ToList();
        if (missing.Count > 0)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "NaturalKeyNotInRaw",
                $"The natural key of {pipeline.StagingSchema}.{type.Table} holds {string.Join(", ", missing)}, which "
                + $"{pipeline.RawSchema}.{type.Table} does not have.",
                $"{pipeline.RawSchema}.{type.Table}",
                "Correct natural_key in the pipeline file, or the unique index of the staging table.");
        }

        return new ExtractTable
        {
            ExtractType = type.Name,
            RawSchema = pipeline.RawSchema,
            StagingSchema = pipeline.StagingSchema,
            Name = type.Table,
            RawColumns = rawColumns,
            Columns = columns,
            Key = key.Select(name => columns.Single(column => column.Name == name)).ToList(),
            HasLoadedAt = staging.Any(column => column.Name == Lineage.LoadedAt),
            TimeZone = pipeline.TimeZone,
        };
    }

    private StagingColumn ToStagingColumn(CatalogColumn column, ExtractTypeConfig type, IReadOnlyList<string> key)
    {
        var rule = type.Rules.GetValueOrDefault(column.Name);
        if (column.BaseType is "date" or "timestamp" or "timestamptz" && pipeline.DateNullValues.Count > 0)
        {
            rule = (rule ?? new ColumnRule()) with
            {
                NullValues = [.. rule?.NullValues ?? [], .. pipeline.DateNullValues],
            };
        }

        return new StagingColumn(
            column.Name,
            column.TypeName,
            column.BaseType,
            column.BaseType is "varchar" or "bpchar" && column.TypeModifier > 4 ? column.TypeModifier - 4 : null,
            column.BaseType == "numeric" && column.TypeModifier > 4 ? ((column.TypeModifier - 4) >> 16) & 0xFFFF : null,
            column.BaseType == "numeric" && column.TypeModifier > 4 ? (column.TypeModifier - 4) & 0x7FF : null,
            column.NotNull || rule?.Required == true || key.Contains(column.Name),
            rule);
    }

    private static async Task<List<CatalogColumn>> ReadColumnsAsync(
        NpgsqlConnection connection, string schema, string table, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<CatalogColumn>(new CommandDefinition(
            CatalogSql.Columns, new { schema, table }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();

    private async Task<IReadOnlyList<string>> ReadKeyAsync(
        NpgsqlConnection connection, ExtractTypeConfig type, CancellationToken cancellationToken)
    {
        var indexes = (await connection.QueryAsync<string[]>(new CommandDefinition(
            CatalogSql.UniqueKeys,
            new { schema = pipeline.StagingSchema, table = type.Table },
            cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();

        // Two unique indexes leave it open which one is the natural key, so the pipeline file then has to say.
        var chosen = type.NaturalKey.Count > 0
            ? indexes.FirstOrDefault(index => index.ToHashSet().SetEquals(type.NaturalKey))
            : indexes.Count == 1 ? indexes[0] : null;
        return chosen ?? throw new EtlException(
            EtlErrorKind.Schema,
            "NaturalKeyMissing",
            type.NaturalKey.Count > 0
                ? $"{pipeline.StagingSchema}.{type.Table} has no unique index on ({string.Join(", ", type.NaturalKey)})."
                : $"{pipeline.StagingSchema}.{type.Table} has {indexes.Count} unique indexes, so its natural key cannot be told.",
            $"{pipeline.StagingSchema}.{type.Table}",
            "Give the staging table one unique index on its natural key, and name the key under natural_key in the pipeline file.");
    }

    /// <summary>Two texts that the index takes for one key are two keys in raw: staging could not follow.</summary>
    private async Task RequireDeterministicAsync(
        NpgsqlConnection connection, ExtractTypeConfig type, IReadOnlyList<string> key, CancellationToken cancellationToken)
    {
        var loose = await connection.QueryAsync<string>(new CommandDefinition(
            CatalogSql.LooseKeys, new { schema = pipeline.StagingSchema, table = type.Table }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (loose.FirstOrDefault(key.Contains) is { } column)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "NaturalKeyCollation",
                $"The column {column} of the natural key of {pipeline.StagingSchema}.{type.Table} has a collation that is not deterministic: "
                + "it takes different texts for the same key.",
                $"{pipeline.StagingSchema}.{type.Table}",
                $"Give the column and its unique index a deterministic collation (ALTER TABLE ... ALTER COLUMN {column} TYPE text COLLATE \"C\"), "
                + "or use the rule lowercase for keys that differ in case only.");
        }
    }

    private static void RequireTable(List<CatalogColumn> columns, string schema, string table, string errorId)
    {
        if (columns.Count == 0)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                errorId,
                $"The table {schema}.{table} does not exist.",
                $"{schema}.{table}",
                "Run Initialize-EtlDatabase with this pipeline, or correct the table's name in the pipeline file.");
        }
    }

    private void RequireLineage(List<CatalogColumn> raw, string table)
    {
        foreach (var name in new[] { Lineage.FileId, Lineage.RowNumber })
        {
            if (raw.All(column => column.Name != name))
            {
                throw new EtlException(
                    EtlErrorKind.Schema,
                    "RawTableNotPrepared",
                    $"{pipeline.RawSchema}.{table} has no column {name}.",
                    $"{pipeline.RawSchema}.{table}",
                    "Run Initialize-EtlDatabase; it prepares existing raw tables in place.");
            }
        }
    }

    private sealed record CatalogColumn
    {
        public string Name { get; init; } = "";
        public string TypeName { get; init; } = "";
        public string BaseType { get; init; } = "";
        public int TypeModifier { get; init; }
        public bool NotNull { get; init; }
        public bool IsGenerated { get; init; }
    }
}
