using EtlTools.Core.Database;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>
/// What processing_errors says, as SQL over a jsonb expression. The shapes in the field: a list of errors; an object with
/// <c>errors</c> and <c>processing_metadata</c> (also on clean rows); an object with <c>stage</c> and <c>error</c>; a text; NULL.
/// </summary>
internal static class RecordedErrors
{
    // The first that fits counts: a timeout of the connection pool is a matter of the connection, and so on.
    private static readonly (LossCause Cause, string Pattern)[] Patterns =
    [
        (LossCause.ParameterLimit, "parameter|too many arguments|exceeding safe limit|chunk size|65,?535"),
        (LossCause.Memory, "memory|allocat"),
        (LossCause.UnknownType, "unknown variant|unknown (metric )?(type|name)|(unsupported|unrecogni[sz]ed) (metric|type)"),
        (LossCause.DuplicateKey, "duplicate key|unique constraint|already exists|affect row a second time|23505|21000"),
        (LossCause.Connection, "connection|connect error|pool (timed out|exhausted|closed)|broken pipe"),
        (LossCause.Timeout, "time ?out|timed out|deadline|canceling statement|took too long"),
        (LossCause.Parsing, "pars(e|ing)|deseriali|malformed|json|unexpected (end|eof)|eof while|expected value|invalid type|missing field|corrupt"),
        (LossCause.Validation, "validat|out of range|invalid|implausible|violates|constraint|not-null|null value|must be|cannot be"),
    ];

    /// <summary>The texts of the errors, in lower case; NULL where none is recorded. It can hold data: it stays in the database.</summary>
    /// <param name="errors">A jsonb expression that is cheap to repeat: a column.</param>
    public static string TextSql(string errors) => $"""
        lower(CASE jsonb_typeof({errors})
            WHEN 'array' THEN nullif(({errors})::text, '[]')
            WHEN 'string' THEN nullif({errors} #>> ARRAY[]::text[], '')
            WHEN 'object' THEN nullif(concat_ws(' ',
                nullif(nullif(({errors} -> 'errors')::text, '[]'), 'null'),
                {errors} ->> 'stage', {errors} ->> 'error', {errors} ->> 'error_type', {errors} ->> 'error_message', {errors} ->> 'message',
                nullif(nullif(nullif(({errors} -> 'validation_errors')::text, '[]'), '{"{}"}'), 'null')), '')
        END)
        """;

    /// <summary>The cause that is recorded, as the name of a <see cref="LossCause"/>; NULL where none is.</summary>
    public static string CauseSql(string errors)
    {
        var whens = string.Join("\n    ", Patterns.Select(entry =>
            $"WHEN recorded.text ~ {SqlLiteral.Text(entry.Pattern)} THEN '{entry.Cause}'"));
        return $"""
            (SELECT CASE
                WHEN {errors} @> '{"{\"processing_metadata\": {\"postgresql_param_limit_violation\": true}}"}' THEN '{LossCause.ParameterLimit}'
                {whens}
                WHEN recorded.text IS NOT NULL THEN '{LossCause.Other}'
            END
            FROM (SELECT {TextSql(errors)} AS text OFFSET 0) recorded)
            """;
    }

    /// <summary>Metrics that the service expected to write, by its own count; NULL where it kept none.</summary>
    public static string ExpectedSql(string errors) => CountSql(errors, "expected_count");

    /// <summary>Metrics that the service wrote, by its own count; NULL where it kept none.</summary>
    public static string ActualSql(string errors) => CountSql(errors, "actual_count");

    private static string CountSql(string errors, string field) => $"""
        CASE WHEN jsonb_typeof({errors} #> '{"{"}processing_metadata,{field}{"}"}') = 'number'
             THEN greatest(0, least(({errors} #>> '{"{"}processing_metadata,{field}{"}"}')::numeric, 1e15))::bigint END
        """;
}
