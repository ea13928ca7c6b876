namespace EtlTools.Core.Recovery.Tables;

/// <summary>The catalogue of the metric tables. Names come back as they are, expressions as this session writes them.</summary>
internal static class MetricTableSql
{
    public const string Tables = """
        SELECT c.oid::bigint AS Oid, c.relname AS TableName, c.relkind = 'p' AS IsPartitioned,
               has_table_privilege(c.oid, 'SELECT') AS IsReadable
        FROM pg_class c
        WHERE c.relnamespace = to_regnamespace(quote_ident(@schema)) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname = ANY(@names)
        """;

    public const string Columns = """
        SELECT a.attrelid::bigint AS TableOid, a.attname AS Name, base.typname AS BaseType, base.oid::bigint AS BaseOid, base.typtype = 'e' AS IsEnum,
               format_type(base.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS TypeSql,
               CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS Modifier,
               a.attnotnull OR t.typnotnull AS IsNotNull, a.attgenerated <> '' AS IsGenerated, a.attidentity <> '' AS IsIdentity,
               pg_get_expr(d.adbin, d.adrelid) AS Expression
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        JOIN pg_type base ON base.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = ANY(@oids::bigint[]::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attrelid, a.attnum
        """;

    public const string Labels = """
        SELECT e.enumtypid::bigint AS TypeOid, e.enumlabel AS Label
        FROM pg_enum e
        WHERE e.enumtypid = ANY(@oids::bigint[]::oid[])
        ORDER BY e.enumtypid, e.enumsortorder
        """;

    /// <summary>Unique indexes over plain columns and all rows.</summary>
    public const string UniqueKeys = """
        SELECT i.indrelid::bigint AS TableOid,
               ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k (attnum)
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS Columns
        FROM pg_index i
        WHERE i.indrelid = ANY(@oids::bigint[]::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        """;

    public const string Checks = """
        SELECT c.conrelid::bigint AS TableOid, c.conname AS Name, pg_get_expr(c.conbin, c.conrelid) AS Expression,
               ARRAY(SELECT a.attname::text FROM unnest(c.conkey) k (attnum)
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS Columns
        FROM pg_constraint c
        WHERE c.conrelid = ANY(@oids::bigint[]::oid[]) AND c.contype = 'c'
        ORDER BY c.conrelid, c.conname
        """;

    public const string ForeignKeys = """
        SELECT c.conrelid::bigint AS TableOid, c.conname AS Name, n.nspname AS TargetSchema, t.relname AS TargetTable,
               ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (attnum, place)
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.place) AS Columns,
               ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (attnum, place)
                     JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum ORDER BY k.place) AS TargetColumns
        FROM pg_constraint c
        JOIN pg_class t ON t.oid = c.confrelid
        JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE c.conrelid = ANY(@oids::bigint[]::oid[]) AND c.contype = 'f' AND c.conparentid = 0
          AND has_table_privilege(c.confrelid, 'SELECT')
        ORDER BY c.conrelid, c.conname
        """;

    /// <summary>
    /// The condition of each leaf of a partitioned table, as an expression over its columns; none where a default partition
    /// takes everything.
    /// </summary>
    public const string Partitions = """
        SELECT root.oid::bigint AS TableOid, pg_get_partition_constraintdef(leaf.relid) AS Expression,
               leaf.relid IN (SELECT partdefid FROM pg_partitioned_table) AS IsDefault
        FROM unnest(@oids::bigint[]::oid[]) root (oid)
        CROSS JOIN LATERAL pg_partition_tree(root.oid) leaf
        WHERE leaf.isleaf AND leaf.level > 0
        """;
}
