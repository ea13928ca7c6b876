using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.History;

/// <summary>
/// What brings a copy back to what it was before a sync. Of each key the oldest version since then is what it was; one that was
/// added since goes.
/// </summary>
internal static class UndoSql
{
    public const string FindSyncs = """
        SELECT s.table_sync_id AS "Id", s.table_sync_run_id AS "Run", s.source AS "Source", s.target_schema AS "Schema", s.table_name AS "Table",
               s.importance AS "Importance", s.commits AS "Commits", s.state_before::text AS "StateBefore",
               s.undone_at IS NOT NULL AS "IsUndone", s.history_cleared_at IS NOT NULL AS "IsCleared"
        FROM etl.table_syncs s
        WHERE s.table_sync_id = ANY (@ids)
           OR s.table_sync_run_id = ANY (@runs)
        ORDER BY s.table_sync_id
        """;

    /// <summary>What an undo of a sync takes back: it, and what came after.</summary>
    public const string FindUndone = """
        SELECT table_sync_id AS "TableSyncId", table_name AS "Name", mode AS "Mode", started_at AS "StartedAt",
               rows_inserted AS "RowsInserted", rows_updated AS "RowsUpdated", rows_deleted AS "RowsDeleted"
        FROM etl.table_syncs
        WHERE target_schema = @schema AND table_name = @table AND table_sync_id >= @from AND commits > 0 AND undone_at IS NULL
        ORDER BY table_sync_id
        """;

    /// <summary>The first sync from here on that found the copy empty: what is in it came with that one or later.</summary>
    public const string FirstInitial = """
        SELECT min(table_sync_id) FROM etl.table_syncs
        WHERE target_schema = @schema AND table_name = @table AND table_sync_id >= @from AND is_initial AND commits > 0
        """;

    /// <summary>From here on some sync kept no history, or its history is gone.</summary>
    public const string CountWithoutHistory = """
        SELECT count(*) FROM etl.table_syncs
        WHERE target_schema = @schema AND table_name = @table AND table_sync_id >= @from AND commits > 0
          AND (history_cleared_at IS NOT NULL OR NOT is_initial AND NOT @hasHistory AND rows_inserted + rows_updated + rows_deleted > 0)
        """;

    /// <summary>
    /// What those of a sync and all that came after had read, by the name of <see cref="Tracking.TakenBack"/>. Those that were undone
    /// before count too: an undo that goes with them says so no more. An undo reads nothing.
    /// </summary>
    public const string FindTakenBack = """
        SELECT CASE WHEN bool_or(mode = 'full') THEN 'Full' WHEN bool_or(mode = 'incremental') THEN 'Incremental' ELSE 'Nothing' END
        FROM etl.table_syncs
        WHERE target_schema = @schema AND table_name = @table AND table_sync_id >= @from AND commits > 0
        """;

    /// <summary>What an undo had taken back that goes itself now is in the copy again, and can be undone again.</summary>
    public const string MarkUndone = """
        UPDATE etl.table_syncs SET undone_at = NULL, undone_by_table_sync_id = NULL
        WHERE target_schema = @schema AND table_name = @table AND table_sync_id < @from
          AND undone_by_table_sync_id >= @from;
        UPDATE etl.table_syncs SET undone_at = clock_timestamp(), undone_by_table_sync_id = @id
        WHERE target_schema = @schema AND table_name = @table AND table_sync_id >= @from AND table_sync_id <> @id AND undone_at IS NULL
        """;

    /// <summary>Rows as they were: the oldest version of each key that was changed or deleted.</summary>
    public static string StageOld(TablePlan plan) => $"""
        INSERT INTO {MergeSql.Stage} ({Columns(plan)})
        SELECT {Columns(plan)} FROM ({Oldest(plan)}) h WHERE {HistorySql.OperationColumn} <> 'I'
        """;

    /// <summary>Keys of rows that were added.</summary>
    public static string StageAdded(TablePlan plan) => $"""
        INSERT INTO {MergeSql.Keys} SELECT {SqlIdentifier.List(plan.Key)} FROM ({Oldest(plan)}) h WHERE {HistorySql.OperationColumn} = 'I'
        """;

    /// <summary>Without a key, rows that were deleted more often than added come back, and the others go.</summary>
    public static string StageOldByContent(TablePlan plan) => $"""
        INSERT INTO {MergeSql.Stage} ({Columns(plan)})
        SELECT {Columns(plan)} FROM (
            SELECT *, row_number() OVER (PARTITION BY content, {HistorySql.OperationColumn}) AS number,
                   count(*) FILTER (WHERE {HistorySql.OperationColumn} = 'I') OVER (PARTITION BY content) AS added
            FROM ({Contents(plan)}) h
        ) n
        WHERE {HistorySql.OperationColumn} = 'D' AND number > added
        """;

    /// <param name="plan">The copy, without a key.</param>
    /// <param name="hasHistory">False: nothing was ever changed, or all of it goes.</param>
    /// <param name="all">The copy was filled anew since: everything that is not put back goes.</param>
    public static string FindDifferencesByContent(TablePlan plan, bool hasHistory, bool all) => $"""
        CREATE TEMP TABLE etl_diff ON COMMIT DROP AS
        SELECT ctid AS s, NULL::tid AS t FROM {MergeSql.Stage}
        {(all ? $"UNION ALL SELECT NULL, ctid FROM {plan.Target.Qualified}" : hasHistory ? Surplus(plan) : "")}
        """;

    /// <summary>Rows that were added more often than deleted.</summary>
    private static string Surplus(TablePlan plan) => $"""
        UNION ALL
        SELECT NULL, t.place
        FROM (
            SELECT place, content, row_number() OVER (PARTITION BY content) AS number
            FROM (SELECT ctid AS place, {Content(plan)} AS content FROM {plan.Target.Qualified}) r
        ) t
        JOIN (
            SELECT content,
                   count(*) FILTER (WHERE {HistorySql.OperationColumn} = 'I') - count(*) FILTER (WHERE {HistorySql.OperationColumn} = 'D') AS surplus
            FROM ({Contents(plan)}) h GROUP BY content
        ) g ON g.content = t.content AND t.number <= g.surplus
        """;

    /// <summary>What differs, and the rows that were added.</summary>
    public static string AddAdded(TablePlan plan) => $"""
        INSERT INTO {MergeSql.Diff} (s, t)
        SELECT NULL, t.ctid FROM {plan.Target.Qualified} t
        JOIN {MergeSql.Keys} k ON {string.Join(" AND ", plan.Key.Select(SqlIdentifier.Quote).Select(key => $"k.{key} = t.{key}"))}
        """;

    private static string Oldest(TablePlan plan) => $"""
        SELECT DISTINCT ON ({SqlIdentifier.List(plan.Key)}) * FROM {HistorySql.NameOf(plan.Target)}
        WHERE {Since}
        ORDER BY {SqlIdentifier.List(plan.Key)}, {HistorySql.SyncColumn}
        """;

    private static string Contents(TablePlan plan) =>
        $"SELECT *, {Content(plan)} AS content FROM {HistorySql.NameOf(plan.Target)} WHERE {Since}";

    private static string Content(TablePlan plan) => $"md5(ROW({Columns(plan)})::text)";

    private static string Since => $"{HistorySql.SyncColumn} >= @from AND ({HistorySql.SyncColumn} < @until OR @until::bigint IS NULL)";

    private static string Columns(TablePlan plan) => SqlIdentifier.List(plan.Target.Columns.Select(column => column.Name));
}
