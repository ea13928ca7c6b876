using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.History;

/// <summary>
/// What the copy's rows were before they were changed: a table beside each copy, in a schema of its own. A row that was added
/// leaves its key only; without a key, all of it.
/// </summary>
internal static class HistorySql
{
    public const string SyncColumn = "_table_sync_id";
    public const string OperationColumn = "_operation";

    public const string SchemaSuffix = "_history";

    public static string SchemaOf(string schema) => schema + SchemaSuffix;

    public static string NameOf(TargetTable table) => SqlIdentifier.Qualify(SchemaOf(table.Schema), table.Name);

    public static string Create(TargetTable table) => $"""
        CREATE TABLE {NameOf(table)} (
            {SyncColumn} bigint NOT NULL,
            {OperationColumn} "char" NOT NULL{string.Concat(table.Columns.Select(column => $",\n    {SqlIdentifier.Quote(column.Name)} {column.Type}"))}
        );
        CREATE INDEX ON {NameOf(table)} ({SyncColumn})
        """;

    /// <summary>Rows that are changed or deleted, as they are.</summary>
    public static string KeepOld(TargetTable table) => $"""
        INSERT INTO {NameOf(table)} ({SyncColumn}, {OperationColumn}, {Columns(table)})
        SELECT @id, CASE WHEN d.s IS NULL THEN 'D' ELSE 'U' END, {Columns(table, "t.")}
        FROM {MergeSql.Diff} d JOIN {table.Qualified} t ON t.ctid = d.t
        """;

    public static string NoteNew(TablePlan plan)
    {
        var columns = plan.HasKey ? plan.Key : [.. plan.Written.Select(column => column.Name)];
        return $"""
            INSERT INTO {NameOf(plan.Target)} ({SyncColumn}, {OperationColumn}, {SqlIdentifier.List(columns)})
            SELECT @id, 'I', {string.Join(", ", columns.Select(column => $"s.{SqlIdentifier.Quote(column)}"))}
            FROM {MergeSql.Diff} d JOIN {MergeSql.Stage} s ON s.ctid = d.s
            WHERE d.t IS NULL
            """;
    }

    /// <summary>Syncs whose history is older than it is kept.</summary>
    public const string FindOld = """
        SELECT max(table_sync_id) FROM etl.table_syncs
        WHERE target_schema = @schema AND table_name = @table AND history_cleared_at IS NULL
          AND finished_at < clock_timestamp() - @retention
        """;

    public static string ClearOld(TargetTable table) => $"DELETE FROM {NameOf(table)} WHERE {SyncColumn} <= @last";

    public const string NoteCleared = """
        UPDATE etl.table_syncs SET history_cleared_at = clock_timestamp()
        WHERE target_schema = @schema AND table_name = @table AND history_cleared_at IS NULL AND table_sync_id <= @last
        """;

    public const string Exists = "SELECT to_regclass(@name) IS NOT NULL";

    private static string Columns(TargetTable table, string prefix = "") =>
        string.Join(", ", table.Columns.Select(column => prefix + SqlIdentifier.Quote(column.Name)));
}
