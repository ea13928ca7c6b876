using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;

namespace EtlTools.Core.Tables.Sync;

/// <summary>
/// The statements that make the copy what was read. One join finds what differs and notes it in a temporary table by the
/// place of both rows; everything else goes by that table, so its cost follows the changes.
/// </summary>
internal static class MergeSql
{
    public const string Stage = "pg_temp.etl_stage";
    public const string Keys = "pg_temp.etl_keys";
    public const string Diff = "pg_temp.etl_diff";
    public const string Discarded = "pg_temp.etl_discarded";

    /// <summary>
    /// A hash join of whole tables; the sort of a key; the space of temporary rows. A changed row in a hundred is looked up by its
    /// key: by what a disk of old charges for that, the planner would read the whole copy.
    /// </summary>
    public const string SessionSettings =
        "SET work_mem = '64MB'; SET maintenance_work_mem = '128MB'; SET temp_buffers = '32MB'; SET random_page_cost = 1.1";

    public const string DropStage = $"DROP TABLE IF EXISTS {Stage}, {Keys}";

    /// <summary>Of a wide table the other columns would take longer than the merge, and it joins by the key.</summary>
    public static string AnalyzeStage(TablePlan plan) => $"ANALYZE {Stage}{(plan.HasKey ? $" ({SqlIdentifier.List(plan.Key)})" : "")}";

    public static string CreateStage(TablePlan plan) =>
        $"CREATE TEMP TABLE etl_stage ({string.Join(", ", plan.Columns.Select(column => $"{SqlIdentifier.Quote(column.Name)} {column.StageType}"))})";

    public static string CreateKeys(TablePlan plan) =>
        $"CREATE TEMP TABLE etl_keys ({string.Join(", ", KeyColumns(plan).Select(column => $"{SqlIdentifier.Quote(column.Name)} {column.StageType}"))})";

    /// <param name="table">Where to.</param>
    /// <param name="columns">Of the rows, in their order.</param>
    /// <param name="isNew">The table was made in this transaction: its rows need no vacuum before they are read.</param>
    public static string Copy(string table, IEnumerable<string> columns, bool isNew = false) =>
        $@"COPY {table} ({SqlIdentifier.List(columns)}) FROM STDIN (NULL '\0N', ENCODING 'UTF8'{(isNew ? ", FREEZE" : "")})";

    public static IEnumerable<LoadColumn> KeyColumns(TablePlan plan) =>
        plan.Key.Select(key => plan.Columns.First(column => column.Name == key));

    /// <summary>Each row has a key, and one of its own.</summary>
    public static string IsKeyOfStage(TablePlan plan)
    {
        var key = plan.Key.Select(SqlIdentifier.Quote).ToList();
        return $"""
            SELECT NOT EXISTS (
                SELECT FROM {Stage} GROUP BY {string.Join(", ", key)}
                HAVING count(*) > 1 OR {string.Join(" OR ", key.Select(column => $"{column} IS NULL"))})
            """;
    }

    /// <summary>Nobody else writes to the copy until the transaction ends; everybody reads it as it was.</summary>
    public static string Lock(TablePlan plan) => $"LOCK TABLE {plan.Target.Qualified} IN SHARE ROW EXCLUSIVE MODE";

    /// <summary>The last rows of a copy are found by its key: how many there are by now, the planner does not know yet.</summary>
    public static string LockForFilling(TablePlan plan) => $"{Lock(plan)}; SET LOCAL enable_seqscan = off";

    /// <param name="plan">The table.</param>
    /// <param name="deletes">Rows of the copy that were not read are to go.</param>
    /// <param name="range">The rows of the copy that were asked for, as a condition on t; null: all of them.</param>
    public static string FindDifferences(TablePlan plan, bool deletes, string? range) => plan.HasKey
        ? $"""
        CREATE TEMP TABLE etl_diff ON COMMIT DROP AS
        SELECT s.ctid AS s, t.ctid AS t
        FROM {Stage} s {(deletes ? "FULL" : "LEFT")} JOIN {(range is null ? plan.Target.Qualified : $"(SELECT ctid, * FROM {plan.Target.Qualified} t WHERE {range})")} t
            ON {Equal(plan, "s", "t")}
        WHERE {(deletes ? $"s.{FirstKey(plan)} IS NULL OR " : "")}t.{FirstKey(plan)} IS NULL{OrDiffers(plan)}
        """
        : FindDifferencesByContent(plan, deletes);

    /// <summary>Without a key, rows are told apart by all that they hold, and equal rows are counted.</summary>
    private static string FindDifferencesByContent(TablePlan plan, bool deletes)
    {
        return $"""
            CREATE TEMP TABLE etl_diff ON COMMIT DROP AS
            SELECT s.place AS s, t.place AS t
            FROM ({Numbered(Stage)}) s {(deletes ? "FULL" : "LEFT")} JOIN ({Numbered(plan.Target.Qualified)}) t
                ON s.content = t.content AND s.number = t.number
            WHERE {(deletes ? "s.content IS NULL OR " : "")}t.content IS NULL
            """;

        string Numbered(string table) => $"""
            SELECT place, content, row_number() OVER (PARTITION BY content) AS number
            FROM (SELECT ctid AS place, md5(ROW({SqlIdentifier.List(plan.Written.Select(column => column.Name))})::text) AS content FROM {table}) r
            """;
    }

    /// <summary>Rows of the copy whose key is not among those of the source.</summary>
    public static string AddVanished(TablePlan plan) => $"""
        INSERT INTO {Diff} (s, t)
        SELECT NULL, t.ctid FROM {plan.Target.Qualified} t
        WHERE NOT EXISTS (SELECT FROM {Keys} k WHERE {Equal(plan, "k", "t")})
          AND NOT EXISTS (SELECT FROM {Diff} d WHERE d.t = t.ctid)
        """;

    public const string CountDifferences = $"""
        SELECT count(*) FILTER (WHERE t IS NULL) AS "Inserted",
               count(*) FILTER (WHERE t IS NOT NULL AND s IS NOT NULL) AS "Updated",
               count(*) FILTER (WHERE s IS NULL) AS "Deleted"
        FROM {Diff}
        """;

    public static string Delete(TablePlan plan) =>
        $"DELETE FROM {plan.Target.Qualified} t USING {Diff} d WHERE t.ctid = d.t AND d.s IS NULL";

    public static string Update(TablePlan plan) => $"""
        UPDATE {plan.Target.Qualified} t
        SET {string.Join(", ", Values(plan).Select(column => $"{column} = s.{column}"))}
        FROM {Diff} d JOIN {Stage} s ON s.ctid = d.s
        WHERE t.ctid = d.t
        """;

    public static string Insert(TablePlan plan)
    {
        var columns = plan.Written.Select(column => SqlIdentifier.Quote(column.Name)).ToList();
        return $"""
            INSERT INTO {plan.Target.Qualified} ({string.Join(", ", columns)})
            SELECT {string.Join(", ", columns.Select(column => $"s.{column}"))}
            FROM {Diff} d JOIN {Stage} s ON s.ctid = d.s
            WHERE d.t IS NULL
            """;
    }

    /// <summary>Rows that were to be written and are in the copy as they were read.</summary>
    public static string CountFound(TablePlan plan) => $"""
        SELECT count(*)
        FROM {Diff} d
        JOIN {Stage} s ON s.ctid = d.s
        JOIN {plan.Target.Qualified} t ON {Equal(plan, "s", "t")}{(Values(plan).Any() ? $" AND NOT ({Differ(plan)})" : "")}
        """;

    /// <summary>Values that a column of the copy has no room for are found by trying.</summary>
    public const string CreateFits = """
        CREATE OR REPLACE FUNCTION pg_temp.etl_fits(value text, type text) RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE fits boolean;
        BEGIN
            IF value IS NULL THEN
                RETURN true;
            ELSIF type LIKE 'character varying(%' THEN
                RETURN char_length(value) <= substring(type FROM '\d+')::integer;
            ELSIF type LIKE 'numeric(%' THEN
                EXECUTE format('SELECT %L::numeric = %L::%s::numeric', value, value, type) INTO fits;
                RETURN fits;
            END IF;
            EXECUTE format('SELECT %L::%s IS NOT NULL', value, type) INTO fits;
            RETURN fits;
        EXCEPTION WHEN data_exception THEN
            RETURN false;
        END $$
        """;

    /// <summary>A row that has a value where the copy has no column, or one that its column has no room for.</summary>
    public static string DiscardRows(TablePlan plan) => $"DELETE FROM {Stage} WHERE {Misfit(plan)}";

    /// <summary>Rows of the copy whose newer version is left out stay as they are.</summary>
    public static string KeepDiscarded(TablePlan plan) =>
        $"CREATE TEMP TABLE etl_discarded ON COMMIT DROP AS SELECT {SqlIdentifier.List(plan.Key)} FROM {Stage} WHERE {Misfit(plan)}";

    /// <summary>A condition on t: its row is none that was left out.</summary>
    public static string IsNotDiscarded(TablePlan plan) =>
        $"NOT EXISTS (SELECT FROM {Discarded} x WHERE {Equal(plan, "x", "t")})";

    public static string CountMisfits(TablePlan plan) => $"SELECT {string.Join(" + ", plan.Columns.Where(column => column.IsChecked).Select(column =>
        $"count(*) FILTER (WHERE NOT {Fits(column)})"))} FROM {Stage}";

    public static string DiscardValues(TablePlan plan) => $"ALTER TABLE {Stage} {string.Join(", ", plan.Columns.Where(column => column.IsChecked && column.Type is not null).Select(column =>
        $"ALTER COLUMN {SqlIdentifier.Quote(column.Name)} TYPE {column.Type} USING CASE WHEN {Fits(column)} THEN {SqlIdentifier.Quote(column.Name)}::{column.Type} END"))}";

    private static string Misfit(TablePlan plan) => string.Join(" OR ", plan.Columns.Where(column => column.IsChecked).Select(column =>
        column.Type is null ? $"{SqlIdentifier.Quote(column.Name)} IS NOT NULL" : $"NOT {Fits(column)}"));

    private static string Fits(LoadColumn column) => $"pg_temp.etl_fits({SqlIdentifier.Quote(column.Name)}, '{column.Type}')";

    private static string FirstKey(TablePlan plan) => SqlIdentifier.Quote(plan.Key[0]);

    private static IEnumerable<string> Values(TablePlan plan) =>
        plan.Written.Where(column => !plan.Key.Contains(column.Name)).Select(column => SqlIdentifier.Quote(column.Name));

    private static string Equal(TablePlan plan, string a, string b) =>
        string.Join(" AND ", plan.Key.Select(SqlIdentifier.Quote).Select(key => $"{a}.{key} = {b}.{key}"));

    private static string OrDiffers(TablePlan plan) => Values(plan).Any() ? $" OR {Differ(plan)}" : "";

    /// <summary>Byte by byte, so that nothing that only counts as equal is taken for the same.</summary>
    private static string Differ(TablePlan plan)
    {
        return $"{Row("s")} *<> {Row("t")}";

        string Row(string alias) => $"ROW({string.Join(", ", Values(plan).Select(column => $"{alias}.{column}"))})::record";
    }
}
