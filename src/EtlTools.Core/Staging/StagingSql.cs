using EtlTools.Core.Database;

namespace EtlTools.Core.Staging;

/// <summary>
/// The statements that keep one staging table a function of raw, generated from the catalogue. All of them read raw rows
/// through the same two layers: the inner one trims every text once, the outer one checks and casts.
/// </summary>
internal sealed class StagingSql
{
    /// <summary>Temporary tables of a recompute; they live until the transaction ends.</summary>
    public const string Incoming = "pg_temp.etl_incoming";
    public const string Leftover = "pg_temp.etl_leftover";
    public const string Fallback = "pg_temp.etl_fallback";

    private readonly ExtractTable _table;
    private readonly IReadOnlyList<(StagingColumn Column, ColumnSql Sql)> _columns;
    private readonly string _targetColumns;
    private readonly string _valid;
    private readonly string _key;

    public StagingSql(ExtractTable table)
    {
        _table = table;
        _columns = table.Columns.Select(column => (column, new ColumnSql(column, "t", table.TimeZone))).ToList();
        _targetColumns = SqlIdentifier.List(table.Columns.Select(column => column.Name));
        _key = SqlIdentifier.List(table.Key.Select(column => column.Name));
        var checks = _columns.SelectMany(column => column.Sql.RowChecks()).Select(check => $"({check.Ok})").ToList();
        _valid = checks.Count == 0 ? "true" : string.Join("\n  AND ", checks);
    }

    /// <summary>
    /// Merges the valid rows of one file into staging where they are newer. Fails with 21000 where a key is in the file
    /// twice; then <paramref name="distinct"/> sorts it out. Parameters: file, extracted_at.
    /// </summary>
    /// <param name="segment">Quoted table that holds the file's rows.</param>
    /// <param name="firstBlock">Rows begin at or after this block; null where that is not known.</param>
    /// <param name="distinct">Keep the last valid row of a key only.</param>
    public string MergeFile(string segment, long? firstBlock, bool distinct)
    {
        var source = distinct
            ? $"""
               SELECT DISTINCT ON ({KeyValues()}) {Values()}, t.{Lineage.FileId}{LoadedAtValue}
               FROM ({Texts($"ONLY {segment}", FileRows(firstBlock))}) t
               WHERE {_valid}
               ORDER BY {KeyValues()}, t.{Lineage.RowNumber} DESC NULLS LAST
               """
            : $"""
               SELECT {Values()}, t.{Lineage.FileId}{LoadedAtValue}
               FROM ({Texts($"ONLY {segment}", FileRows(firstBlock))}) t
               WHERE {_valid}
               """;
        return Upsert(source, "@extractedAt::timestamp, @file::integer");
    }

    /// <summary>Rows of the file at or after a block. Parameter: file.</summary>
    public static string CountFileRows(string segment, long firstBlock) =>
        $"SELECT count(*) FROM ONLY {segment} r WHERE {FileRows(firstBlock)}";

    /// <summary>Different keys among the file's valid rows. Parameter: file.</summary>
    public string CountKeys(string segment, long? firstBlock) =>
        $"""
        SELECT count(*)
        FROM (SELECT DISTINCT {KeyValues()}
              FROM ({Texts($"ONLY {segment}", FileRows(firstBlock))}) t
              WHERE {_valid}) k
        """;

    /// <summary>Columns that <see cref="CountEmptied"/> counts, in that order: those with a rule that sets values to NULL.</summary>
    public IReadOnlyList<string> EmptiableColumns() => [.. Emptiable().Select(column => column.Column.Name)];

    /// <summary>For each such column how many values of the file's valid rows its rule empties. Parameter: file.</summary>
    public string CountEmptied(string segment, long? firstBlock) =>
        $"""
        SELECT ARRAY[{string.Join(", ", Emptiable().Select(column => $"count(*) FILTER (WHERE {column.Sql.Emptied})"))}]
        FROM ({Texts($"ONLY {segment}", FileRows(firstBlock))}) t
        WHERE {_valid}
        """;

    /// <summary>
    /// Puts the file's invalid rows into quarantine, every reason at once, but for those that are there already as repaired.
    /// Parameters: file, run, extractType.
    /// </summary>
    public string RejectFileRows(string segment, long? firstBlock)
    {
        var reasons = string.Join(
            ",\n    ",
            _columns.SelectMany(column => column.Sql.RowChecks().Select(check =>
                $"CASE WHEN ({check.Ok}) THEN NULL ELSE {SqlLiteral.Text($"{column.Column.Name}:{check.Code}")} END")));
        if (reasons.Length == 0)
        {
            reasons = "NULL::text";
        }

        // An adopted row has no number: its content is what it is known by.
        const string fields = $"(to_jsonb(t.etl_raw) - '{Lineage.FileId}' - '{Lineage.RowNumber}')";
        return $"""
            INSERT INTO etl.rejected_rows (load_run_id, load_run_file_id, extract_type, stage, row_number, reasons, fields)
            SELECT @run, t.{Lineage.FileId}, @extractType, 'staging', t.{Lineage.RowNumber},
                   array_remove(ARRAY[{reasons}]::text[], NULL), {fields}
            FROM ({Texts($"ONLY {segment}", FileRows(firstBlock), ", r AS etl_raw")}) t
            WHERE NOT ({_valid})
              AND NOT EXISTS (SELECT FROM etl.rejected_rows q
                              WHERE q.load_run_file_id = @file AND q.stage = 'staging'
                                AND q.repaired_by_load_run_file_id IS NOT NULL
                                AND q.row_number IS NOT DISTINCT FROM t.{Lineage.RowNumber} AND q.fields = {fields})
            """;
    }

    /// <summary>
    /// The newest valid row of every key among the rows of some files, typed, as a temporary table. Parameter: files.
    /// </summary>
    public string CreateIncoming(IEnumerable<string> segments) =>
        $"""
        DROP TABLE IF EXISTS {Incoming};
        CREATE TEMP TABLE etl_incoming ON COMMIT DROP AS
        {NewestValid(segments, $"r.{Lineage.FileId} = ANY(@files) AND f.superseded_at IS NULL", join: "")};
        {IndexKeys(Incoming)};
        ANALYZE {Incoming}
        """;

    /// <summary>
    /// Keys of the files that went which staging still takes from them, and for which nothing newer came. Parameter: went.
    /// </summary>
    public string CreateLeftover(IEnumerable<string> segments)
    {
        var keys = string.Join(
            "\nUNION ALL\n",
            segments.Select(segment =>
                $"SELECT {KeyColumns()} FROM (SELECT {KeyTexts()} FROM ONLY {segment} r WHERE r.{Lineage.FileId} = ANY(@went) OFFSET 0) t WHERE {KeyValid()}"));
        return $"""
            DROP TABLE IF EXISTS {Leftover};
            CREATE TEMP TABLE etl_leftover ON COMMIT DROP AS
            SELECT DISTINCT {Prefixed("s", _table.Key)}
            FROM ({keys}) k
            JOIN {_table.StagingSql} s ON {KeysEqual("s", "k")}
            WHERE s.{Lineage.FileId} = ANY(@went)
              AND NOT EXISTS (SELECT FROM {Incoming} i
                              WHERE {KeysEqual("i", "s")} AND i.{Lineage.FileId} = s.{Lineage.FileId});
            {IndexKeys(Leftover)};
            ANALYZE {Leftover}
            """;
    }

    /// <summary>The newest valid version of every leftover key among all rows that count. Parameter: files (those that came).</summary>
    public string CreateFallback(IEnumerable<string> segments)
    {
        // Keys of which none has such a text are found by making all of them.
        var candidates = RawKeyHash("r.") is { } hash ? $"JOIN {Leftover} l ON {hash} = {KeyHash("l")}" : "";
        return $"""
            DROP TABLE IF EXISTS {Fallback};
            CREATE TEMP TABLE etl_fallback ON COMMIT DROP AS
            {NewestValid(segments, $"({CountsNow} OR (r.{Lineage.FileId} = ANY(@files) AND f.superseded_at IS NULL))", candidates)};
            DELETE FROM {Fallback} f WHERE NOT EXISTS (SELECT FROM {Leftover} l WHERE {KeysEqual("l", "f")});
            {IndexKeys(Fallback)};
            ANALYZE {Fallback}
            """;
    }

    /// <summary>Counts of what the incoming rows do to staging: keys in all, inserted, changed, unchanged.</summary>
    public string CountIncoming() =>
        $"""
        SELECT count(*) AS keys,
               count(*) FILTER (WHERE s.{Lineage.FileId} IS NULL) AS inserted,
               count(*) FILTER (WHERE s.{Lineage.FileId} IS NOT NULL AND {IsNewer("i.etl_extracted_at, i." + Lineage.FileId, "s")} AND {Differ("i")}) AS changed,
               count(*) FILTER (WHERE s.{Lineage.FileId} IS NOT NULL AND {IsNewer("i.etl_extracted_at, i." + Lineage.FileId, "s")} AND NOT {Differ("i")}) AS unchanged
        FROM {Incoming} i LEFT JOIN {_table.StagingSql} s ON {KeysEqual("s", "i")}
        """;

    public string MergeIncoming() =>
        Upsert(
            $"SELECT {Prefixed("i", _table.Columns)}, i.{Lineage.FileId}{LoadedAtValue} FROM {Incoming} i",
            $"(SELECT n.extracted_at FROM etl.load_run_files n WHERE n.load_run_file_id = excluded.{Lineage.FileId}), excluded.{Lineage.FileId}");

    /// <summary>Counts of what the fallback does: restored, unchanged, withdrawn.</summary>
    public string CountFallback() =>
        $"""
        SELECT count(*) FILTER (WHERE f.{Lineage.FileId} IS NOT NULL AND {Differ("f")}) AS restored,
               count(*) FILTER (WHERE f.{Lineage.FileId} IS NOT NULL AND NOT {Differ("f")}) AS unchanged,
               count(*) FILTER (WHERE f.{Lineage.FileId} IS NULL) AS withdrawn
        FROM {Leftover} l
        JOIN {_table.StagingSql} s ON {KeysEqual("s", "l")}
        LEFT JOIN {Fallback} f ON {KeysEqual("f", "l")}
        """;

    /// <summary>Writes the fallback rows over the ones that went, and removes the keys that nothing has any more.</summary>
    public string ApplyFallback() =>
        $"""
        UPDATE {_table.StagingSql} s
        SET {string.Join(", ", _table.Columns.Select(c => SqlIdentifier.Quote(c.Name)).Select(name => $"{name} = f.{name}"))},
            {Lineage.FileId} = f.{Lineage.FileId}{(_table.HasLoadedAt ? $", {Lineage.LoadedAt} = now()" : "")}
        FROM {Fallback} f
        WHERE {KeysEqual("f", "s")};
        DELETE FROM {_table.StagingSql} s
        USING {Leftover} l
        WHERE {KeysEqual("l", "s")} AND NOT EXISTS (SELECT FROM {Fallback} f WHERE {KeysEqual("f", "l")})
        """;

    /// <summary>Columns that <see cref="Compare"/> counts the differences of, in that order.</summary>
    public IReadOnlyList<string> ComparedColumns() => [.. ValueColumns().Select(column => column.Name), Lineage.FileId];

    /// <summary>
    /// Compares staging with what all raw rows that count give. Rows of files not yet staged stay out of it. Columns are looked at
    /// one by one only where a row differs: there may be hundreds.
    /// </summary>
    public string Compare(IEnumerable<string> segments)
    {
        var values = ValueColumns();
        string Columns(string alias, string prefix) => string.Concat(
            values.Select((column, place) => $", {Comparable(alias, [column])} AS {prefix}{place}"));
        var counts = values.Select((_, place) => $"count(*) FILTER (WHERE c.differs AND c.s{place} IS DISTINCT FROM c.e{place})")
            .Append("count(*) FILTER (WHERE c.differs AND c.held <> c.due)");
        return $"""
            WITH expected AS (
            {NewestValid(segments, CountsNow, join: "")}
            )
            SELECT count(c.held) AS rows,
                   count(*) FILTER (WHERE c.held IS NULL) AS missing,
                   count(*) FILTER (WHERE c.due IS NULL) AS extra,
                   count(*) FILTER (WHERE c.differs) AS different,
                   ARRAY[{string.Join(", ", counts)}] AS bycolumn
            FROM (SELECT s.{Lineage.FileId} AS held, e.{Lineage.FileId} AS due,
                         s.{Lineage.FileId} IS NOT NULL AND e.{Lineage.FileId} IS NOT NULL
                         AND (s.{Lineage.FileId} <> e.{Lineage.FileId} OR {Differ("e")}) AS differs{Columns("s", "s")}{Columns("e", "e")}
                  FROM {_table.StagingSql} s FULL JOIN expected e ON {KeysEqual("s", "e")}
                  OFFSET 0) c
            """;
    }

    // Where staging has not been analysed yet the planner takes a join with it for one row, and would read the whole temporary
    // table again for each of many.
    private string IndexKeys(string temporaryTable) => $"CREATE INDEX ON {temporaryTable} ({_key})";

    /// <summary>Expression of the index that finds a key's versions in a sealed segment; null where no key column has one.</summary>
    public string? SegmentIndexExpression() => RawKeyHash("");

    // A number instead of the key: the index is smaller, and sorting it does not depend on how the database compares texts.
    private string? RawKeyHash(string prefix)
    {
        var texts = _table.Key
            .Select(column => ColumnSql.KeyTextOfRaw(column, prefix + SqlIdentifier.Quote(column.Name), _table.TimeZone))
            .OfType<string>()
            .ToList();
        return texts.Count == 0 ? null : Hash(texts);
    }

    private string KeyHash(string alias) => Hash(_table.Key
        .Where(column => ColumnSql.KeyTextOfRaw(column, "", _table.TimeZone) is not null)
        .Select(column => ColumnSql.KeyTextOfValue(column, $"{alias}.{SqlIdentifier.Quote(column.Name)}")));

    // Two columns may have two collations, which leaves that of their concatenation open; a hash has no use for either.
    private static string Hash(IEnumerable<string> texts) => $"hashtext(({string.Join(" || E'\\x1f' || ", texts)}) COLLATE \"C\")";

    /// <summary>
    /// True for a row of file f that staging is to show now: its file is not superseded and has been staged. A file that gave
    /// way to one not yet staged counts until that one is; one the ledger does not know always does.
    /// </summary>
    private const string CountsNow = """
        (f.load_run_file_id IS NULL
         OR (f.superseded_at IS NULL AND (f.staged_at IS NOT NULL OR f.pipeline IS NULL))
         OR (f.staged_at IS NOT NULL OR f.pipeline IS NULL) AND EXISTS (
                    SELECT FROM etl.load_run_files u
                    WHERE u.load_run_file_id = f.superseded_by_load_run_file_id AND u.status = 'completed'
                      AND u.superseded_at IS NULL AND u.staged_at IS NULL))
        """;

    // Rows that were there before EtlTools have no row number; of those the one that was written last wins, as it did then.
    private string NewestValid(IEnumerable<string> segments, string rows, string join)
    {
        var branches = string.Join(
            "\nUNION ALL\n",
            segments.Select(segment => $"""
                SELECT {Values()}, t.{Lineage.FileId}, t.etl_extracted_at, t.{Lineage.RowNumber} AS etl_row, t.etl_place
                FROM (SELECT {TextList()}, r.{Lineage.FileId}, r.{Lineage.RowNumber}, r.ctid AS etl_place,
                             coalesce(f.extracted_at, '-infinity') AS etl_extracted_at
                      FROM ONLY {segment} r
                      {join}
                      LEFT JOIN etl.load_run_files f ON f.load_run_file_id = r.{Lineage.FileId}
                      WHERE {rows}
                      OFFSET 0) t
                WHERE {_valid}
                """));
        return $"""
            SELECT DISTINCT ON ({_key}) *
            FROM ({branches}) u ({_targetColumns}, {Lineage.FileId}, etl_extracted_at, etl_row, etl_place)
            ORDER BY {_key}, etl_extracted_at DESC, {Lineage.FileId} DESC, etl_row DESC NULLS LAST, etl_place DESC
            """;
    }

    /// <param name="source">A SELECT of the target columns.</param>
    /// <param name="incomingOrder">extracted_at and file id of the incoming row, as two SQL expressions.</param>
    private string Upsert(string source, string incomingOrder)
    {
        var assignments = _table.Columns
            .Where(column => !_table.Key.Contains(column))
            .Select(column => SqlIdentifier.Quote(column.Name))
            .Append(Lineage.FileId)
            .Concat(_table.HasLoadedAt ? [Lineage.LoadedAt] : [])
            .Select(name => $"{name} = excluded.{name}");
        return $"""
            INSERT INTO {_table.StagingSql} AS s ({_targetColumns}, {Lineage.FileId}{(_table.HasLoadedAt ? $", {Lineage.LoadedAt}" : "")})
            {source}
            ON CONFLICT ({_key}) DO UPDATE SET {string.Join(", ", assignments)}
            WHERE {IsNewer(incomingOrder, "s")}
            """;
    }

    /// <summary>True where the pair (extracted_at, file) is not older than the file of the staging row; a file that the ledger
    /// does not know is older than all.</summary>
    private static string IsNewer(string order, string staging) =>
        $"coalesce(({order}) >= (SELECT f.extracted_at, f.load_run_file_id FROM etl.load_run_files f "
        + $"WHERE f.load_run_file_id = {staging}.{Lineage.FileId}), true)";

    private static string FileRows(long? firstBlock) =>
        $"r.{Lineage.FileId} = @file" + (firstBlock is { } block ? $" AND r.ctid >= '({block},0)'" : "");

    // OFFSET 0 keeps the planner from merging the two layers, which would trim every text again for each check and cast.
    private string Texts(string from, string where, string extra = "") =>
        $"SELECT {TextList()}, r.{Lineage.FileId}, r.{Lineage.RowNumber}{extra} FROM {from} r WHERE {where} OFFSET 0";

    private string TextList() => string.Join(", ", _table.Columns.Select(column =>
        $"{ColumnSql.TrimmedText(column, "r")} AS {SqlIdentifier.Quote(column.Name)}"));

    private string Values() => string.Join(", ", _columns.Select(column => column.Sql.Value));

    private IEnumerable<(StagingColumn Column, ColumnSql Sql)> Emptiable() => _columns.Where(column => column.Sql.Emptied is not null);

    private IEnumerable<(StagingColumn Column, ColumnSql Sql)> KeySql() =>
        _table.Key.Select(key => _columns.Single(column => column.Column == key));

    private string KeyValues() => string.Join(", ", KeySql().Select(key => key.Sql.Value));

    private string KeyColumns() =>
        string.Join(", ", KeySql().Select(key => $"{key.Sql.Value} AS {SqlIdentifier.Quote(key.Column.Name)}"));

    private string KeyTexts() => string.Join(", ", _table.Key.Select(column =>
        $"{ColumnSql.TrimmedText(column, "r")} AS {SqlIdentifier.Quote(column.Name)}"));

    private string KeyValid() =>
        string.Join(" AND ", KeySql().SelectMany(key => key.Sql.RowChecks()).Select(check => $"({check.Ok})"));

    private string Differ(string incoming)
    {
        var values = ValueColumns();
        return values.Count == 0
            ? "false"
            : $"(({Comparable("s", values)}) IS DISTINCT FROM ({Comparable(incoming, values)}))";
    }

    private List<StagingColumn> ValueColumns() => [.. _table.Columns.Where(column => !_table.Key.Contains(column))];

    // A few types have no equality of their own; their text does.
    private static string Comparable(string alias, IEnumerable<StagingColumn> columns) =>
        string.Join(", ", columns.Select(column =>
            $"{alias}.{SqlIdentifier.Quote(column.Name)}{(column.BaseType is "json" or "xml" or "point" ? "::text" : "")}"));

    private string KeysEqual(string left, string right) => string.Join(" AND ", _table.Key.Select(column =>
        $"{left}.{SqlIdentifier.Quote(column.Name)} = {right}.{SqlIdentifier.Quote(column.Name)}"));

    private static string Prefixed(string alias, IEnumerable<StagingColumn> columns) =>
        string.Join(", ", columns.Select(column => $"{alias}.{SqlIdentifier.Quote(column.Name)}"));

    private string LoadedAtValue => _table.HasLoadedAt ? ", now()" : "";
}
