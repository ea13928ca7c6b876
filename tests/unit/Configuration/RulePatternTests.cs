using EtlTools.Core.Configuration;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Configuration;

public sealed class RulePatternTests
{
    private static readonly string[] Valid =
    [
        "^[A-Z]{3}[0-9]{4}$", @"^\d+\.?\d*$", @"\mword\M", @"\yword\Y", "[[:alpha:]]+", "(?i)^yes$", "(?c)^Yes$", "a+?b", "(?:a|b)(?=c)(?!d)",
        "(?<=a)b(?<!c)", "***=literal(", "***:^a$", "[]a-z]", "a{2,}", @"(a)\1", @"\x41\u0041\U00000041", @"\(\?<name>", @"\\pur", "a(?#why)b", "",
    ];

    private static readonly string[] Invalid =
    [
        "(", ")", "[a", "a**", "[z-a]", "a{2,1}", "*a", @"\2", "(?<name>a)", @"\p{L}", @"\k", "(?>a)", "(?'n'a)",
    ];

    /// <summary>PostgreSQL is asked too: what it takes is never a mistake, and the frequent mistakes are found.</summary>
    [PostgresFact]
    public async Task What_PostgreSQL_takes_is_taken()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        foreach (var pattern in Valid)
        {
            await database.ScalarAsync<bool>("SELECT 'x' ~ @pattern", new { pattern });
            Assert.Null(RulePattern.FindFault(pattern));
        }

        foreach (var pattern in Invalid)
        {
            var error = await Assert.ThrowsAsync<PostgresException>(() => database.ScalarAsync<bool>("SELECT 'x' ~ @pattern", new { pattern }));
            Assert.Equal(PostgresErrorCodes.InvalidRegularExpression, error.SqlState);
            Assert.True(RulePattern.FindFault(pattern) is not null, pattern);
        }
    }
}
