using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Engine;

internal static class RecoverySql
{
    /// <summary>As for an audit: no nested loops over a payload's keys. The memory is that of one sort or hash.</summary>
    public const string Settings = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'";

    /// <summary>
    /// One recovery at a time writes a user's metrics: where a table has no unique key nothing else would keep two from
    /// writing the same rows, and where it has one they would wait for each other row by row.
    /// </summary>
    public const string LockUser = "SELECT pg_advisory_xact_lock(hashtextextended('etl.recovery ' || @user::text, 0))";

    public const string Savepoint = "SAVEPOINT etl_step";
    public const string Release = "RELEASE SAVEPOINT etl_step";
    public const string RollBackTo = "ROLLBACK TO SAVEPOINT etl_step; RELEASE SAVEPOINT etl_step";

    public const string RecordRecovery = """
        INSERT INTO etl.data_recoveries (
            data_recovery_id, recovery_run_id, raw_ingestion_id, user_id, outcome, cause, expected, present_before,
            metrics_recovered, metrics_completed, metrics_failed, by_table, faults, sha256_before, sha256_after, payload_bytes,
            verified, error_code, error, original_status, new_status, original_errors, reason, started_at)
        SELECT @id, @run, @ingestion, @user, @outcome, @cause, @expected, @present, @recovered, @completed, @failed,
               @tables::jsonb, @faults::jsonb, @before, @after, @bytes, @verified, @errorCode, @error, @originalStatus, @newStatus,
               @originalErrors::jsonb, @reason, @startedAt
        """;

    public const string IsRecorded = "SELECT EXISTS (SELECT FROM etl.data_recoveries WHERE data_recovery_id = @id)";

    /// <summary>The ingestion, locked; no row where somebody else has it, or it is not (or no longer) one of those that are meant.</summary>
    public static string LockIngestion(IngestionTable table)
    {
        var errors = table.ErrorsSql("r");
        return $"""
            SELECT r.user_id AS UserId, r.created_at AS CreatedAt, {table.StatusSql("r")} AS Status,
                   {RecordedErrors.CauseSql(errors)} AS Cause, ({errors})::text AS Errors
            FROM {table.Sql} r
            WHERE r.id = @id AND (@status::text[] IS NULL OR {table.StatusSql("r")} = ANY(@status))
            FOR UPDATE OF r SKIP LOCKED
            """;
    }

    /// <summary>Of the stored text in UTF-8.</summary>
    public static string Sha256(IngestionTable table) =>
        $"SELECT encode(sha256(convert_to(r.raw_payload::text, 'UTF8')), 'hex') FROM {table.Sql} r WHERE r.id = @id";

    public static string SetStatus(IngestionTable table)
    {
        var type = table.StatusLabels is null ? "" : $"::{table.Columns["processing_status"]}";
        var processedAt = table.Has("processed_at") ? ", processed_at = CASE WHEN @processed THEN now() ELSE processed_at END" : "";
        return $"UPDATE {table.Sql} SET processing_status = @status{type}{processedAt} WHERE id = @id";
    }

    /// <summary>
    /// One more error beside those that are there, in the shape that they have; nothing where it is there already. Errors
    /// that are no jsonb are left alone.
    /// </summary>
    public static string AddError(IngestionTable table) => $$"""
        UPDATE {{table.Sql}}
        SET processing_errors = CASE jsonb_typeof(processing_errors)
                WHEN 'array' THEN processing_errors || @error::jsonb
                WHEN 'object' THEN processing_errors || jsonb_build_object('errors',
                    CASE WHEN jsonb_typeof(processing_errors -> 'errors') = 'array' THEN processing_errors -> 'errors' ELSE '[]' END || @error::jsonb)
                ELSE jsonb_build_array(@error::jsonb)
            END
        WHERE id = @id AND coalesce(jsonb_typeof(processing_errors), 'null') IN ('array', 'object', 'null')
          AND NOT coalesce(processing_errors @> jsonb_build_array(@same::jsonb), false)
          AND NOT coalesce(processing_errors -> 'errors' @> jsonb_build_array(@same::jsonb), false)
        """;

    public static string CountKeys(StagedTable staged)
    {
        var key = KeySql.List(staged.Table, "m");
        return $"SELECT count(*) FROM (SELECT FROM {staged.TempSql} m GROUP BY {key}) k";
    }

    /// <summary>Metrics of one key become one row: of each column the first value that is known, in the payload's order.</summary>
    /// <remarks>An aggregate of our own in SQL, which would hold one value only, takes two to three times as long.</remarks>
    public static string Merge(StagedTable staged)
    {
        var table = staged.Table;
        var others = table.Columns.Except(table.Key).ToList();
        var key = KeySql.List(table, "m");
        return $"""
            INSERT INTO {staged.MergedSql} ({StagedTable.Item}, {SqlIdentifier.List(table.Key.Concat(others).Select(column => column.Name))})
            SELECT min(m.{StagedTable.Item}), {key}{string.Concat(others.Select(column => ", " + FirstKnown(column)))}
            FROM (SELECT m.* FROM {staged.TempSql} m ORDER BY {key}, m.{StagedTable.Item} OFFSET 0) m
            GROUP BY {key}
            """;
    }

    private static string FirstKnown(TableColumn column)
    {
        var name = "m." + SqlIdentifier.Quote(column.Name);

        // Lists of different lengths are no array together.
        return column.Format == ColumnFormat.TextList
            ? $"(array_agg({name}::text) FILTER (WHERE {name} IS NOT NULL))[1]::{column.TypeSql}"
            : $"(array_agg({name}) FILTER (WHERE {name} IS NOT NULL))[1]";
    }

    /// <summary>Writes what is missing and breaks no rule.</summary>
    /// <param name="staged">Whose rows.</param>
    /// <param name="source">The temporary table with one row a key.</param>
    /// <param name="condition">On the row (alias m), or nothing.</param>
    public static string Insert(StagedTable staged, string source, string condition = "")
    {
        var table = staged.Table;
        var names = table.Columns.Select(column => SqlIdentifier.Quote(column.Name)).ToList();
        return $"""
            INSERT INTO {table.Sql} ({(table.NeedsId ? "id, " : "")}{MetricTable.UserColumn}, {string.Join(", ", names)})
            SELECT {(table.NeedsId ? "gen_random_uuid(), " : "")}x.{MetricTable.UserColumn}, {string.Join(", ", names.Select(name => "x." + name))}
            FROM ({Missing(table, source, condition)}) x
            WHERE NOT ({Broken(table)})
            ON CONFLICT DO NOTHING
            """;
    }

    /// <summary>What is missing, counted by the first rule that it breaks (its position); -1: none.</summary>
    public static string CountMissing(StagedTable staged, string source, string condition = "") => $"""
        SELECT {RuleNumber(staged.Table)} AS rule, count(*), min(x.{StagedTable.Item})
        FROM ({Missing(staged.Table, source, condition)}) x
        GROUP BY 1
        """;

    /// <summary>Rows that are there and lack values of the payload, counted as in <see cref="CountMissing"/>; null where no column can lack any.</summary>
    public static string? CountIncomplete(StagedTable staged, string source) =>
        Incomplete(staged.Table, source) is { } incomplete
            ? $"SELECT {RuleNumber(staged.Table)} AS rule, count(*), min(x.{StagedTable.Item}) FROM ({incomplete}) x GROUP BY 1"
            : null;

    /// <summary>Fills what is NULL in the rows that are there; a value that is there stays.</summary>
    public static string Complete(StagedTable staged, string source)
    {
        var table = staged.Table;
        var set = Fillable(table).Select(column => $"{SqlIdentifier.Quote(column.Name)} = x.{SqlIdentifier.Quote(column.Name)}");
        return $"""
            UPDATE {table.Sql} t
            SET {string.Join(", ", set)}
            FROM (SELECT x.* FROM ({Incomplete(table, source)}) x WHERE NOT ({Broken(table)})) x
            WHERE t.ctid = x.etl_place AND t.tableoid = x.etl_part
            """;
    }

    private static IEnumerable<TableColumn> Fillable(MetricTable table) => table.Columns.Except(table.Key).Where(column => !column.IsNotNull);

    private static string? Incomplete(MetricTable table, string source)
    {
        var fillable = Fillable(table).Select(column => SqlIdentifier.Quote(column.Name)).ToList();
        if (fillable.Count == 0)
        {
            return null;
        }

        var columns = table.Columns.Select(column => SqlIdentifier.Quote(column.Name)).Select(name =>
            fillable.Contains(name) ? $"coalesce(t.{name}, m.{name}) AS {name}" : $"t.{name}");
        var others = table.OtherColumns.Select(column => $", t.{SqlIdentifier.Quote(column.Name)}");
        return WithGenerated(table, $"""
            SELECT m.{StagedTable.Item}, t.ctid AS etl_place, t.tableoid AS etl_part, t.{MetricTable.UserColumn}, {string.Join(", ", columns)}{string.Concat(others)}
            FROM {table.Sql} t
            JOIN {source} m ON {KeySql.Match(table)}
            WHERE t.{MetricTable.UserColumn} = @user AND {KeySql.Span(table)}
              AND ({string.Join(" OR ", fillable.Select(name => $"(t.{name} IS NULL AND m.{name} IS NOT NULL)"))})
            """);
    }

    /// <summary>Rows as they would be, defaults and generated columns included.</summary>
    private static string Missing(MetricTable table, string source, string condition)
    {
        var columns = table.Columns.Select(column =>
        {
            var name = SqlIdentifier.Quote(column.Name);

            // A key that the service wrote as NULL is NULL in the table: a default would make another key of it.
            var takesDefault = column.DefaultSql is not null && (column.IsNotNull || !table.Key.Contains(column));
            return takesDefault ? $"coalesce(m.{name}, {column.DefaultSql}) AS {name}" : $"m.{name}";
        });
        var others = table.OtherColumns.Select(column => $", {column.Sql} AS {SqlIdentifier.Quote(column.Name)}");
        return WithGenerated(table, $"""
            SELECT m.{StagedTable.Item}, @user AS {MetricTable.UserColumn}, {string.Join(", ", columns)}{string.Concat(others)}
            FROM {source} m
            WHERE NOT EXISTS (
                SELECT FROM {table.Sql} t
                WHERE t.{MetricTable.UserColumn} = @user AND {KeySql.Span(table)} AND {KeySql.Match(table)})
              AND m.{StagedTable.Item} <> ALL(@isolated){(condition.Length > 0 ? " AND " + condition : "")}
            """);
    }

    private static string WithGenerated(MetricTable table, string rows) => table.GeneratedColumns.Count == 0
        ? rows
        : $"SELECT g.*{string.Concat(table.GeneratedColumns.Select(column => $", ({column.Sql}) AS {SqlIdentifier.Quote(column.Name)}"))} FROM ({rows}) g";

    private static string Broken(MetricTable table) =>
        table.Rules.Count == 0 ? "false" : string.Join(" OR ", table.Rules.Select(rule => $"({rule.BrokenSql})"));

    private static string RuleNumber(MetricTable table) => table.Rules.Count == 0
        ? "-1"
        : $"CASE {string.Join(" ", table.Rules.Select((rule, i) => $"WHEN {rule.BrokenSql} THEN {i}"))} ELSE -1 END";
}
