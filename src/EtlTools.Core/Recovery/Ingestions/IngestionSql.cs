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
}
