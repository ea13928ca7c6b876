namespace EtlTools.Core.Tables.Sources;

internal static class SourceCatalogueSql
{
    /// <summary>Whatever holds rows: MariaDB's system-versioned tables too, and not its sequences. A damaged table has no engine.</summary>
    public static string Tables(IReadOnlyCollection<string> names) => $"""
        SELECT TABLE_NAME, IF(TABLE_TYPE = 'VIEW', {Null}, IFNULL(ENGINE, 'unknown')), IFNULL(TABLE_ROWS, {Null}), IFNULL(DATA_LENGTH + INDEX_LENGTH, {Null})
        FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW'){Among(names)}
        ORDER BY TABLE_NAME
        """;

    public static string Columns(IReadOnlyCollection<string> names) => $"""
        SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, IFNULL(CHARACTER_MAXIMUM_LENGTH, {Null}),
            IFNULL(NUMERIC_PRECISION, {Null}), IFNULL(NUMERIC_SCALE, {Null}), IFNULL(DATETIME_PRECISION, {Null}), IFNULL(EXTRA, ''),
            IFNULL(CHARACTER_SET_NAME, {Null})
        FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE(){Among(names)}
        ORDER BY TABLE_NAME, ORDINAL_POSITION
        """;

    /// <summary>The columns of every unique key in their order; a column that is indexed in part only makes none.</summary>
    public static string UniqueKeys(IReadOnlyCollection<string> names) => $"""
        SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME
        FROM information_schema.STATISTICS s
        WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0{Among(names)}
          AND NOT EXISTS (
            SELECT 1 FROM information_schema.STATISTICS p
            WHERE p.TABLE_SCHEMA = s.TABLE_SCHEMA AND p.TABLE_NAME = s.TABLE_NAME AND p.INDEX_NAME = s.INDEX_NAME
              AND (p.SUB_PART IS NOT NULL OR p.COLUMN_NAME IS NULL))
        ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX
        """;

    public const string References = """
        SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME
        FROM information_schema.KEY_COLUMN_USAGE
        WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
        ORDER BY TABLE_NAME, ORDINAL_POSITION
        """;

    private static string Null => SourceSql.NullMark;

    private static string Among(IReadOnlyCollection<string> names) =>
        names.Count == 0 ? "" : $" AND TABLE_NAME IN ({string.Join(", ", names.Select(SourceSql.Literal))})";
}
