namespace EtlTools.Core.Database;

internal static class SchemaSql
{
    public const string Lock = "SELECT pg_advisory_lock(hashtextextended('etl.schema', 0))";

    public const string HasMigrations = "SELECT to_regclass('etl.schema_migrations') IS NOT NULL";

    public const string CreateMigrations = """
        CREATE SCHEMA IF NOT EXISTS etl;
        CREATE TABLE IF NOT EXISTS etl.schema_migrations (
            version    integer PRIMARY KEY,
            name       text NOT NULL,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            applied_by text NOT NULL DEFAULT session_user
        )
        """;

    public const string AppliedMigrations = "SELECT version, checksum FROM etl.schema_migrations";

    public const string RecordMigration =
        "INSERT INTO etl.schema_migrations (version, name, checksum) VALUES (@Version, @Name, @Checksum)";

    /// <summary>Plain and partitioned tables with their columns; segments, which inherit, are left out.</summary>
    public const string Tables = """
        SELECT c.relname AS "table", a.attname AS "column"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname = @schema AND c.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
        ORDER BY c.relname, a.attnum
        """;

    /// <summary>Raw tables whose history view is missing, or lacks a column that the table has.</summary>
    public const string TablesWithoutHistory = """
        SELECT c.relname
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'load_run_file_id' AND NOT a.attisdropped
        WHERE n.nspname = @schema AND c.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
          AND EXISTS (
              SELECT FROM pg_attribute t
              WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
                AND NOT EXISTS (
                    SELECT FROM pg_class v
                    JOIN pg_attribute va ON va.attrelid = v.oid AND va.attname = t.attname AND NOT va.attisdropped
                    WHERE v.relnamespace = n.oid AND v.relkind = 'v' AND v.relname = left(c.relname, 55) || '_history'))
        ORDER BY c.relname
        """;

    /// <summary>True for a raw table that holds rows of its own and has no index by file.</summary>
    public static string NeedsIndexes(string table) => $"""
        SELECT EXISTS (SELECT FROM ONLY {table})
           AND NOT EXISTS (
               SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
               WHERE i.indrelid = @table::regclass AND m.amname = 'brin')
        """;
}
