using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

public sealed class RecordedErrorsTests
{
    private static readonly (string? Errors, string? Cause)[] Cases =
    [
        (null, null),
        ("[]", null),
        ("{}", null),
        ("""{"completed_at":"2025-09-08T00:00:00Z"}""", null),
        // Clean, although the name of a field speaks of parameters.
        ("""{"processing_metadata":{"expected_count":10,"actual_count":10,"postgresql_param_limit_violation":false},"errors":[]}""", null),
        ("""{"processing_metadata":{"postgresql_param_limit_violation":true},"errors":[]}""", "ParameterLimit"),
        ("""{"errors":[{"metric_type":"Activity","error_message":"Too many arguments for query"}]}""", "ParameterLimit"),
        ("""[{"metric_type":"HeartRate","error_message":"bind message has 78000 Parameter formats","index":3}]""", "ParameterLimit"),
        ("""[{"metric_type":"HeartRate","error_message":"heart_rate 400 is out of range"}]""", "Validation"),
        ("""[{"metric_type":"Sleep","error_message":"duplicate key value violates unique constraint"}]""", "DuplicateKey"),
        ("""[{"error_type":"database","error_message":"pool timed out while waiting for an open connection","severity":"high","timestamp":"2025-01-01"}]""", "Connection"),
        ("""[{"error_type":"timeout","message":"gave up"}]""", "Timeout"),
        ("""{"stage":"parsing","error":"EOF while reading a list","validation_errors":[],"timestamp":"2025-01-01"}""", "Parsing"),
        ("""{"stage":"storing","error":"no luck","validation_errors":[],"timestamp":"2025-01-01"}""", "Other"),
        ("""{"error":"unknown variant `Dream`, expected one of `HeartRate`","completed_at":null}""", "UnknownType"),
        ("""{"error":"cannot allocate 4194304 bytes"}""", "Memory"),
        ("\"something else\"", "Other"),
    ];

    [PostgresFact]
    public async Task Every_shape_of_recorded_errors_is_read()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        var found = await database.QueryAsync<string?>(
            $"SELECT {RecordedErrors.CauseSql("e.j")} FROM (SELECT x::jsonb AS j, n FROM unnest(@texts) WITH ORDINALITY AS t (x, n)) e ORDER BY n",
            new { texts = Cases.Select(entry => entry.Errors).ToArray() });
        Assert.Equal(Cases.Select(entry => entry.Cause), found);
        Assert.All(found.Where(name => name is not null), name => Enum.Parse<LossCause>(name!));
    }

    [PostgresFact]
    public async Task The_services_own_counts_are_read_and_nonsense_is_none()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        string?[] texts =
        [
            """{"processing_metadata":{"expected_count":20,"actual_count":7}}""",
            """{"processing_metadata":{"expected_count":"20","actual_count":-7}}""",
            """{"processing_metadata":{"expected_count":1e300}}""",
            "[]",
            null,
        ];
        var found = await database.QueryAsync<string>(
            $"""
            SELECT concat_ws('/', coalesce(({RecordedErrors.ExpectedSql("e.j")})::text, '-'), coalesce(({RecordedErrors.ActualSql("e.j")})::text, '-'))
            FROM (SELECT x::jsonb AS j, n FROM unnest(@texts) WITH ORDINALITY AS t (x, n)) e ORDER BY n
            """,
            new { texts });
        Assert.Equal(["20/7", "-/0", "1000000000000000/-", "-/-", "-/-"], found);
    }
}
