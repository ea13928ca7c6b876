using EtlTools.Core.Configuration;
using EtlTools.Core.Staging;
using Step = EtlTools.Core.Database.SchemaManager.Step;

namespace EtlTools.Core.Database;

/// <summary>The tables of a pipeline, made from its description; and what an existing raw table is given.</summary>
internal static class PipelineTables
{
    public static IEnumerable<Step> MissingTables(
        PipelineConfig pipeline,
        ExtractTypeConfig type,
        Dictionary<string, HashSet<string>> raw,
        Dictionary<string, HashSet<string>> staging)
    {
        if (!raw.TryGetValue(type.Table, out var rawColumns))
        {
            RequireColumns(type);
            yield return new Step("RawTable", $"{pipeline.RawSchema}.{type.Table}", "create the raw table", CreateRaw(pipeline, type), null);
        }
        else
        {
            // What the file carries and the table cannot hold would be lost.
            foreach (var column in type.Columns.Where(column => column.InFile && !rawColumns.Contains(column.Name)))
            {
                yield return new Step(
                    "Column",
                    $"{pipeline.RawSchema}.{type.Table}.{column.Name}",
                    "add the column that the file has and the table lacks",
                    $"ALTER TABLE {SqlIdentifier.Qualify(pipeline.RawSchema, type.Table)} ADD COLUMN IF NOT EXISTS {SqlIdentifier.Quote(column.Name)} text",
                    null);
            }
        }

        if (!staging.ContainsKey(type.Table))
        {
            RequireColumns(type);
            yield return new Step("StagingTable", $"{pipeline.StagingSchema}.{type.Table}", "create the staging table", CreateStaging(pipeline, type), null);
        }
    }

    public static Step RowNumberColumn(string schema, string table) => new(
        "Column",
        $"{schema}.{table}.{Lineage.RowNumber}",
        "add the row's number in its file",
        $"ALTER TABLE {SqlIdentifier.Qualify(schema, table)} ADD COLUMN IF NOT EXISTS {Lineage.RowNumber} bigint",
        null);

    public static Step AdoptedIndexes(string table, string sql) =>
        new("Index", table, "index the rows that are there, by natural key and by file", sql, null);

    /// <summary>Raw rows with what became of their file. The raw columns come last, so that a new one can be added to the view.</summary>
    public static Step HistoryView(string schema, string table) => new(
        "View",
        $"{schema}.{HistoryName(table)}",
        "show which raw rows are superseded",
        $"""
        CREATE OR REPLACE VIEW {SqlIdentifier.Qualify(schema, HistoryName(table))} AS
        SELECT coalesce(f.superseded_at IS NOT NULL, false) AS is_superseded, f.superseded_at, f.superseded_by_load_run_file_id, r.*
        FROM {SqlIdentifier.Qualify(schema, table)} r
        LEFT JOIN etl.load_run_files f ON f.load_run_file_id = r.{Lineage.FileId}
        """,
        null);

    private static string HistoryName(string table) => (table.Length > 55 ? table[..55] : table) + "_history";

    private static string CreateRaw(PipelineConfig pipeline, ExtractTypeConfig type) =>
        $"""
        CREATE TABLE {SqlIdentifier.Qualify(pipeline.RawSchema, type.Table)} (
            {string.Join(",\n    ", type.Columns.Where(column => column.InFile).Select(column => $"{SqlIdentifier.Quote(column.Name)} text"))},
            {Lineage.FileId} integer NOT NULL,
            {Lineage.RowNumber} bigint
        )
        """;

    private static string CreateStaging(PipelineConfig pipeline, ExtractTypeConfig type)
    {
        if (type.NaturalKey.Count == 0)
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "NaturalKeyMissing",
                $"The extract type {type.Name} names no natural_key, so its staging table cannot be made.",
                $"{pipeline.StagingSchema}.{type.Table}",
                "Name the columns that identify a row under natural_key in the pipeline file.");
        }

        var columns = type.Columns
            .Where(column => column.InStaging)
            .Select(column =>
                $"{SqlIdentifier.Quote(column.Name)} {column.Type}{(column.NotNull || type.NaturalKey.Contains(column.Name) ? " NOT NULL" : "")}");
        return $"""
            CREATE TABLE {SqlIdentifier.Qualify(pipeline.StagingSchema, type.Table)} (
                {string.Join(",\n    ", columns)},
                {Lineage.FileId} integer NOT NULL,
                {Lineage.LoadedAt} timestamptz NOT NULL DEFAULT now(),
                UNIQUE ({SqlIdentifier.List(type.NaturalKey)})
            )
            """;
    }

    private static void RequireColumns(ExtractTypeConfig type)
    {
        if (type.Columns.Count == 0)
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "ColumnsMissing",
                $"The table {type.Table} does not exist, and the pipeline does not describe the columns of {type.Name}.",
                type.Table,
                "List the columns under the extract type, in file order, or create the tables first.");
        }
    }
}
