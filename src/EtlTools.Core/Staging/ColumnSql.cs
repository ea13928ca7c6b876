using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Core.Staging;

/// <summary>
/// What staging does to one column, as SQL: the trimmed text, the checks with their codes, and the typed value.
/// Every check guards its casts with CASE, for SQL gives no order to AND.
/// </summary>
internal sealed class ColumnSql
{
    private const string Blanks = "E' \\t\\r\\n'";

    private readonly StagingColumn _column;
    private readonly string _timeZone;
    private readonly string _text;

    /// <param name="column">The column.</param>
    /// <param name="alias">Alias of the sub-query whose columns are the trimmed texts.</param>
    /// <param name="timeZone">Zone of dates that name none.</param>
    public ColumnSql(StagingColumn column, string alias, string timeZone)
    {
        _column = column;
        _timeZone = SqlLiteral.Text(timeZone);
        _text = $"{alias}.{SqlIdentifier.Quote(column.Name)}";
        TypeCheck = BuildTypeCheck();
        if (column.Rule?.OnInvalid == InvalidValueAction.SetNull && Checks().Count > 0)
        {
            var ok = All(Checks().Select(check => check.Ok));
            Value = $"CASE WHEN {ok} THEN {Cast()} END";
            Emptied = $"({ok}) IS NOT TRUE";
        }
        else
        {
            Value = Cast();
        }
    }

    /// <summary>The raw text trimmed, '' and null values as NULL.</summary>
    public static string TrimmedText(StagingColumn column, string rawAlias) =>
        Trimmed(column, $"{rawAlias}.{SqlIdentifier.Quote(column.Name)}");

    /// <summary>The typed value; safe only for a row that passes <see cref="RowChecks"/>.</summary>
    public string Value { get; }

    /// <summary>True where the rule sets the value to NULL; null where no rule does.</summary>
    public string? Emptied { get; }

    private string? TypeCheck { get; }

    /// <summary>Conditions the row must meet, each true where it is met, with the code of the reason.</summary>
    public IEnumerable<(string Code, string Ok)> RowChecks()
    {
        if (_column.NotNull)
        {
            // A value that is set to NULL for being invalid is missing too.
            yield return ("missing", $"({(_column.Rule?.OnInvalid == InvalidValueAction.SetNull ? Value : _text)}) IS NOT NULL");
        }

        if (_column.Rule?.OnInvalid == InvalidValueAction.SetNull)
        {
            yield break;
        }

        foreach (var check in Checks())
        {
            yield return check;
        }
    }

    private List<(string Code, string Ok)> Checks()
    {
        var checks = new List<(string, string)>();
        if (TypeCheck is not null)
        {
            checks.Add((TypeCode(), $"({_text} IS NULL OR {TypeCheck})"));
        }

        var rule = _column.Rule;
        if (rule is null)
        {
            return checks;
        }

        if (rule.Pattern is not null)
        {
            checks.Add(("pattern", $"({_text} IS NULL OR {_text} ~ {SqlLiteral.Text(rule.Pattern)})"));
        }

        if (rule.AllowedValues.Count > 0)
        {
            checks.Add(("not_allowed", $"({_text} IS NULL OR {_text} IN ({string.Join(", ", rule.AllowedValues.Select(SqlLiteral.Text))}))"));
        }

        if (rule.Minimum is not null)
        {
            checks.Add(("below_minimum", Bound(">=", rule.Minimum)));
        }

        if (rule.Maximum is not null)
        {
            checks.Add(("above_maximum", Bound("<=", rule.Maximum)));
        }

        return checks;
    }

    private string Bound(string comparison, string limit) =>
        $"CASE WHEN {_text} IS NULL OR NOT ({TypeCheck ?? "true"}) THEN true "
        + $"ELSE {Cast()} {comparison} {SqlLiteral.Text(limit)}::{_column.TypeName} END";

    private string? BuildTypeCheck()
    {
        if (_column.Rule?.DateFormat is { } format && IsDate)
        {
            return $"etl.timestamp_or_null({_text}, {SqlLiteral.Text(format)}) IS NOT NULL";
        }

        return TypeCheckSql.Of(_column, _text);
    }

    private string TypeCode() => _column.BaseType switch
    {
        "varchar" or "bpchar" => "too_long",
        "bool" => "invalid_boolean",
        "int2" or "int4" or "int8" => "invalid_integer",
        "numeric" or "float4" or "float8" => "invalid_number",
        "date" => "invalid_date",
        "timestamp" or "timestamptz" => "invalid_timestamp",
        "time" => "invalid_time",
        _ => "invalid_" + _column.BaseType,
    };

    private bool IsDate => _column.BaseType is "date" or "timestamp" or "timestamptz";

    private string Cast()
    {
        if (_column.Rule?.DateFormat is { } format && IsDate)
        {
            var wallClock = $"etl.timestamp_or_null({_text}, {SqlLiteral.Text(format)})";
            return _column.BaseType == "timestamptz" ? $"({wallClock} AT TIME ZONE {_timeZone})" : $"{wallClock}::{_column.TypeName}";
        }

        // A sign or Z after the date part is an offset.
        var hasOffset = $"strpos(translate(substr({_text}, 12), 'Zz-', '+++'), '+') > 0";
        return _column.BaseType switch
        {
            "text" => _text,
            "date" => $"left({_text}, 10)::date",
            "timestamp" => $"CASE WHEN {hasOffset} THEN {_text}::timestamptz AT TIME ZONE {_timeZone} ELSE {_text}::timestamp END",
            "timestamptz" => $"CASE WHEN {hasOffset} THEN {_text}::timestamptz ELSE {_text}::timestamp AT TIME ZONE {_timeZone} END",
            _ => $"{_text}::{_column.TypeName}",
        };
    }

    /// <summary>
    /// A text that is the same for all raw texts that become the same key, and cheap to make: what look-backs find candidates
    /// by, many a row, before anything is cast. Different keys may share it. Null for types that have no such text.
    /// </summary>
    /// <param name="column">The key column.</param>
    /// <param name="rawText">The raw column.</param>
    /// <param name="timeZone">As in the constructor.</param>
    public static string? KeyTextOfRaw(StagingColumn column, string rawText, string timeZone)
    {
        switch (column.BaseType)
        {
            case "text" or "varchar" or "bpchar" or "int2" or "int4" or "int8" or "uuid":
                return KeyText(column, rawText);
            case "numeric" or "bool":
                // The column's own check and cast, with the trimmed text in the place of the sub-query's column.
                var sql = new ColumnSql(column, "k", timeZone);
                var typed = $"CASE WHEN {sql.TypeCheck} THEN {sql.Cast()} END"
                    .Replace($"k.{SqlIdentifier.Quote(column.Name)}", Trimmed(column, rawText), StringComparison.Ordinal);
                return KeyText(column, typed);
            default:
                return null;
        }
    }

    /// <summary>The same text, of a staging value.</summary>
    public static string KeyTextOfValue(StagingColumn column, string value) =>
        column.BaseType is "numeric" or "bool" ? KeyText(column, value) : KeyText(column, $"{value}::text");

    private static string Trimmed(StagingColumn column, string rawText)
    {
        var text = $"nullif(btrim({rawText}, {Blanks}), '')";
        foreach (var nullValue in column.Rule?.NullValues ?? [])
        {
            text = $"nullif({text}, {SqlLiteral.Text(nullValue)})";
        }

        return column.Rule?.Lowercase == true ? $"lower({text})" : text;
    }

    private static string KeyText(StagingColumn column, string value) => column.BaseType switch
    {
        // Signs and zeros at both ends: fewer texts than numbers, and no pattern to match.
        "int2" or "int4" or "int8" => $"btrim({value}, E' \\t\\r\\n+-0')",
        "uuid" => $"lower(btrim({value}, {Blanks}))",
        "numeric" => $"trim_scale({value})::text",
        "bool" => $"({value})::text",
        _ => column.Rule?.Lowercase == true ? $"lower(btrim({value}, {Blanks}))" : $"btrim({value}, {Blanks})",
    };

    private static string All(IEnumerable<string> conditions) => string.Join(" AND ", conditions.Select(c => $"({c})"));
}
