using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Makes the copy and changes its columns, in the caller's transaction. Each gives the plan over the copy as it is then.</summary>
internal static class TargetShape
{
    /// <summary>Without its key, which is quicker built when the rows are in.</summary>
    public static Task CreateAsync(NpgsqlConnection connection, TablePlan plan, CancellationToken cancellationToken) =>
        ExecuteAsync(connection, TargetSql.Create(plan.Target.Qualified, plan.Columns.Select(column => column.Mapping)), cancellationToken);

    /// <exception cref="EtlException">TableKeyNotUnique.</exception>
    public static async Task<TablePlan> AddKeyAsync(NpgsqlConnection connection, TablePlan plan, CancellationToken cancellationToken)
    {
        if (plan.HasKey)
        {
            try
            {
                await ExecuteAsync(connection, TargetSql.AddKey(plan.Target.Qualified, plan.Key), cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.NotNullViolation)
            {
                throw KeyIsNone(plan);
            }
        }

        return plan with { Target = await ReadAsync(connection, plan, cancellationToken).ConfigureAwait(false) };
    }

    /// <exception cref="EtlException">SchemaDriftBlocked, TableKeyNotUnique.</exception>
    public static async Task<TablePlan> AlterAsync(NpgsqlConnection connection, TablePlan plan, CancellationToken cancellationToken)
    {
        if (plan.Alterations.Count == 0)
        {
            return plan;
        }

        foreach (var statement in plan.Alterations)
        {
            try
            {
                await ExecuteAsync(connection, statement, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.DependentObjectsStillExist)
            {
                throw new EtlException(
                    EtlErrorKind.Conflict,
                    "SchemaDriftBlocked",
                    $"{plan.Target.Schema}.{plan.Target.Name} has to be changed ({statement}), and a view or rule that was built on it is in the way. Nothing is ever dropped.",
                    plan.Target.Name,
                    "Drop the view, sync the table, and create the view again.");
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.UniqueViolation)
            {
                throw KeyIsNone(plan);
            }
        }

        return plan with { Target = await ReadAsync(connection, plan, cancellationToken).ConfigureAwait(false), Alterations = [] };
    }

    /// <summary>A key that the source does not keep unique is looked at before it is gone by.</summary>
    /// <exception cref="EtlException">TableKeyNotUnique.</exception>
    public static async Task RequireKeyInStageAsync(NpgsqlConnection connection, TablePlan plan, CancellationToken cancellationToken)
    {
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            MergeSql.IsKeyOfStage(plan), cancellationToken: cancellationToken)).ConfigureAwait(false))
        {
            throw KeyIsNone(plan);
        }
    }

    private static Task<TargetTable> ReadAsync(NpgsqlConnection connection, TablePlan plan, CancellationToken cancellationToken) =>
        TargetTable.ReadAsync(connection, plan.Target.Schema, plan.Target.Name, cancellationToken);

    private static EtlException KeyIsNone(TablePlan plan) => new(
        EtlErrorKind.Data,
        "TableKeyNotUnique",
        $"The columns {string.Join(", ", plan.Key)} do not tell the rows of {plan.Target.Name} apart.",
        plan.Target.Name,
        "Correct primary_key of the table in the configuration; without it the source's own key is taken.");

    private static Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));
}
