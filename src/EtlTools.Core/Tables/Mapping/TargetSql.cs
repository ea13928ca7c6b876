using EtlTools.Core.Database;

namespace EtlTools.Core.Tables.Mapping;

/// <summary>The catalogue of the copy, and what changes its tables.</summary>
internal static class TargetSql
{
    public const string Describe = """
        SELECT attname::text, format_type(atttypid, atttypmod), attnotnull
        FROM pg_attribute
        WHERE attrelid = to_regclass(@qualified) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum;
        SELECT array_agg(a.attname::text ORDER BY a.attnum), bool_or(i.indisprimary)
        FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[])
        WHERE i.indrelid = to_regclass(@qualified) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        GROUP BY i.indexrelid;
        SELECT relkind::text FROM pg_class WHERE oid = to_regclass(@qualified)
        """;

    public static string CreateSchema(string schema) => $"CREATE SCHEMA IF NOT EXISTS {SqlIdentifier.Quote(schema)}";

    public const string SchemaExists = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = @schema)";

    /// <summary>
    /// Only the key may not be NULL: a source's NOT NULL goes with its zero dates, which become NULL. The key is made by
    /// <see cref="AddKey"/>, once the rows are there.
    /// </summary>
    public static string Create(string qualified, IEnumerable<ColumnMapping> columns) =>
        $"CREATE TABLE {qualified} ({string.Join(", ", columns.Select(Define))})";

    public static string AddKey(string qualified, IEnumerable<string> key) =>
        $"ALTER TABLE {qualified} ADD PRIMARY KEY ({SqlIdentifier.List(key)})";

    public static string AddColumn(string qualified, string name, string type) =>
        $"ALTER TABLE {qualified} ADD COLUMN {SqlIdentifier.Quote(name)} {type}";

    public static string ChangeType(string qualified, string name, string type) =>
        $"ALTER TABLE {qualified} ALTER COLUMN {SqlIdentifier.Quote(name)} TYPE {type} USING {SqlIdentifier.Quote(name)}::{type}";

    public static string AllowNull(string qualified, string name) =>
        $"ALTER TABLE {qualified} ALTER COLUMN {SqlIdentifier.Quote(name)} DROP NOT NULL";

    private static string Define(ColumnMapping column) => $"{SqlIdentifier.Quote(column.Name)} {column.Type}";
}
