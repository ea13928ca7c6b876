using Dapper;
using EtlTools.Core.Configuration;
using Npgsql;

namespace EtlTools.Core.Staging;

/// <summary>
/// Has PostgreSQL judge the regular expressions that it is going to use: what the reader of a pipeline file lets through may still
/// be none of PostgreSQL's, and would fail every file.
/// </summary>
internal static class RulePatterns
{
    /// <exception cref="EtlException">RulePatternInvalid.</exception>
    public static async Task RequireAsync(NpgsqlConnection connection, ExtractTypeConfig type, CancellationToken cancellationToken)
    {
        foreach (var (column, rule) in type.Rules.Where(rule => rule.Value.Pattern is not null))
        {
            try
            {
                await connection.ExecuteScalarAsync(new CommandDefinition(
                    CatalogSql.TryPattern, new { pattern = rule.Pattern }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InvalidRegularExpression)
            {
                throw new EtlException(
                    EtlErrorKind.Configuration,
                    "RulePatternInvalid",
                    $"The pattern of column {column} of extract type {type.Name} is no regular expression of PostgreSQL.",
                    $"{type.Name}.{column}",
                    "Correct the pattern under rules in the pipeline file; SELECT 'x' ~ 'pattern' shows in psql what is wrong with it.");
            }
        }
    }
}
