using EtlTools.Core.Database;

namespace EtlTools.Core.Recovery.Ingestions;

internal static class IngestionSql
{
    /// <summary>Tables of the name that have the columns without which there is nothing to recover.</summary>
    public const string Tables = """
        SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relkind = 'p' AS isPartitioned,
               pg_table_is_visible(c.oid) AS isVisible
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = @table AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND (@schema::text IS NULL OR n.nspname = @schema)
          AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
          AND (SELECT count(*) FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = ANY(@needed)) = cardinality(@needed)
        ORDER BY n.nspname
        """;

    public const string Columns = """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_attribute a
        WHERE a.attrelid = @oid::oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
        """;

    public const string StatusLabels = """
        SELECT e.enumlabel
        FROM pg_attribute a
        JOIN pg_enum e ON e.enumtypid = a.atttypid
        WHERE a.attrelid = @oid::oid AND a.attname = 'processing_status' AND NOT a.attisdropped
        ORDER BY e.enumsortorder
        """;

    /// <summary>Checks that speak of the status and nothing else, as expressions.</summary>
    public const string StatusChecks = """
        SELECT pg_get_expr(c.conbin, c.conrelid)
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'processing_status' AND NOT a.attisdropped
        WHERE c.conrelid = @table::regclass AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum]
        """;

    /// <summary>Of the values given those that the table does not have in a column, in their order.</summary>
    public static string Unknown(IngestionTable table, string column) => $"""
        SELECT value FROM unnest(@values) WITH ORDINALITY AS asked (value, place)
        WHERE NOT EXISTS (SELECT FROM {table.Sql} r WHERE r.{SqlIdentifier.Quote(column)} = asked.value)
        ORDER BY place
        """;
}
