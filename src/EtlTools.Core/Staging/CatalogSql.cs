namespace EtlTools.Core.Staging;

internal static class CatalogSql
{
    /// <summary>Columns in table order. A domain counts as its base type.</summary>
    public const string Columns = """
        SELECT a.attname AS name,
               format_type(a.atttypid, a.atttypmod) AS typename,
               CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END AS basetype,
               CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typemodifier,
               a.attnotnull OR t.typnotnull AS notnull,
               a.attgenerated <> '' OR a.attidentity = 'a' AS isgenerated
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_type b ON b.oid = t.typbasetype
        WHERE n.nspname = @schema AND c.relname = @table AND c.relkind IN ('r', 'p')
          AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
        """;

    public const string TryPattern = "SELECT '' ~ @pattern";

    /// <summary>Columns of unique indexes whose collation, or that of the index, takes different texts for the same.</summary>
    public const string LooseKeys = """
        SELECT DISTINCT a.attname::text
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(i.indkey::smallint[], i.indcollation::oid[]) AS k (attnum, coll)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        JOIN pg_collation l ON l.oid IN (k.coll, a.attcollation)
        WHERE n.nspname = @schema AND c.relname = @table AND i.indisunique AND NOT l.collisdeterministic
        """;

    /// <summary>Whole, immediate unique indexes on plain columns; each as the names of its columns. Surrogate keys (identity,
    /// serial, uuid defaults) are no natural keys.</summary>
    public const string UniqueKeys = """
        SELECT array_agg(a.attname::text ORDER BY k.position)
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, position)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE n.nspname = @schema AND c.relname = @table
          AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
          AND k.position <= i.indnkeyatts
        GROUP BY i.indexrelid
        HAVING NOT bool_or(a.attidentity <> '' OR a.atthasdef)
        ORDER BY i.indexrelid
        """;
}
