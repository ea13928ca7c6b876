using System.Globalization;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Mapping;
using EtlTools.Core.Tables.Sources;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>The source has dates that are none: the table is read again without them.</summary>
internal sealed class OddDatesException : Exception;

/// <summary>Reads one table of the source into tables of the lane's PostgreSQL session.</summary>
/// <param name="lane">Both sessions.</param>
/// <param name="table">The table.</param>
/// <param name="plan">Says what is read, and as what.</param>
/// <param name="onRows">Told how many rows more have been read.</param>
internal sealed class SourceRows(SyncLane lane, SourceTable table, TablePlan plan, Action<long> onRows)
{
    private const string InvalidDate = PostgresErrorCodes.InvalidDatetimeFormat;
    private const string DateOutOfRange = PostgresErrorCodes.DatetimeFieldOverflow;

    /// <summary>Dates that are none are read as NULL.</summary>
    public bool HasOddDates { get; set; }

    private string From => $"FROM {SourceSql.Quote(table.Name)}";

    /// <summary>The source's clock, in the zone in which timestamps are written into the copy.</summary>
    public async Task<string> ReadNowAsync(CancellationToken cancellationToken)
    {
        var zone = lane.Source.Info;
        var sql = zone.IsUtc ? SourceSql.Now : $"SELECT CONVERT_TZ(UTC_TIMESTAMP(6), '{SourceInfo.SessionTimeZone}', {SourceSql.Literal(zone.TimeZone)})";
        return (await lane.Source.QueryAsync(sql, table.Name, cancellationToken).ConfigureAwait(false))[0][0]!;
    }

    /// <summary>Reads rows into a new stage.</summary>
    /// <param name="rest">What follows the table in the SELECT.</param>
    /// <param name="cancellationToken">Ends both sessions.</param>
    /// <exception cref="OddDatesException">They have to be read again.</exception>
    public async Task<SourceStreamEnd> StageAsync(string rest, CancellationToken cancellationToken)
    {
        await lane.ExecuteAsync(MergeSql.DropStage, cancellationToken).ConfigureAwait(false);
        await lane.ExecuteAsync(MergeSql.CreateStage(plan), cancellationToken).ConfigureAwait(false);
        return await CopyAsync(MergeSql.Stage, isNew: false, rest, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads rows into the copy itself, which has none of them.</summary>
    /// <param name="rest">What follows the table in the SELECT.</param>
    /// <param name="isNew">The copy was made in this transaction.</param>
    /// <param name="cancellationToken">Ends both sessions.</param>
    /// <exception cref="OddDatesException">They have to be read again.</exception>
    public Task<SourceStreamEnd> FillAsync(string rest, bool isNew, CancellationToken cancellationToken) =>
        CopyAsync(plan.Target.Qualified, isNew, rest, cancellationToken);

    /// <summary>
    /// The keys are read after the rows: one that is missing there is gone, whenever it went. All of them are: to add up digests
    /// by ranges, so as to read only those that differ, takes the source longer than to send its keys.
    /// </summary>
    public async Task StageKeysAsync(CancellationToken cancellationToken)
    {
        await lane.ExecuteAsync(MergeSql.CreateKeys(plan), cancellationToken).ConfigureAwait(false);
        var keys = MergeSql.KeyColumns(plan).ToList();
        await CopyFromSource.RunAsync(
            lane,
            MergeSql.Copy(MergeSql.Keys, keys.Select(key => key.Name)),
            $"SELECT {Expressions(keys)} {From}",
            table.Name,
            _ => { },
            cancellationToken).ConfigureAwait(false);
        await lane.ExecuteAsync($"ANALYZE {MergeSql.Keys}", cancellationToken).ConfigureAwait(false);
    }

    private async Task<SourceStreamEnd> CopyAsync(string into, bool isNew, string rest, CancellationToken cancellationToken)
    {
        try
        {
            return await CopyFromSource.RunAsync(
                lane,
                MergeSql.Copy(into, plan.Columns.Select(column => column.Name), isNew),
                $"SELECT {Expressions(plan.Columns)} {From}{rest}",
                table.Name,
                onRows,
                cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException error) when (error.SqlState is InvalidDate or DateOutOfRange && !HasOddDates && table.Columns.Any(column => column.IsDate))
        {
            throw new OddDatesException();
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.CharacterNotInRepertoire)
        {
            throw new EtlException(
                EtlErrorKind.Data,
                "TextNotStorable",
                $"A text of {table.Name} holds a NUL character, or bytes that are no text, which PostgreSQL cannot store ({Place(error)}).",
                table.Name,
                "Correct the row at its source.");
        }
    }

    /// <summary>The zero dates in the stage.</summary>
    /// <param name="rest">What followed the table in the SELECT.</param>
    /// <param name="cancellationToken">Stops both.</param>
    public async Task<long> CountStagedZeroDatesAsync(string rest, CancellationToken cancellationToken)
    {
        var nulls = ZeroDates(isNullable: false).Any()
            ? await lane.Connection.ExecuteScalarAsync<long>(new CommandDefinition($"SELECT {ZeroDatesSql} FROM {MergeSql.Stage}", cancellationToken: cancellationToken)).ConfigureAwait(false)
            : 0;
        return nulls + await AskZeroDatesAsync(rest, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>An aggregate over rows that were read: a column that is never NULL at the source has a NULL for each zero date.</summary>
    public string ZeroDatesSql =>
        $"0{string.Concat(ZeroDates(isNullable: false).Select(column => $" + count(*) - count({SqlIdentifier.Quote(column.Name)})"))}";

    private IEnumerable<LoadColumn> ZeroDates(bool isNullable) =>
        plan.Columns.Where(column => column.Mapping.IsZeroDate is not null && column.Mapping.Source.IsNullable == isNullable);

    /// <summary>The zero dates of columns that may be NULL, of which only the source knows.</summary>
    /// <param name="rest">What follows the table in the SELECT.</param>
    /// <param name="cancellationToken">Ends the session.</param>
    public async Task<long> AskZeroDatesAsync(string rest, CancellationToken cancellationToken)
    {
        var isZero = ZeroDates(isNullable: true).Select(column => $"IFNULL({column.Mapping.IsZeroDate}, 0)").ToList();
        if (isZero.Count == 0)
        {
            return 0;
        }

        // Of a derived table without rows MariaDB counts the sum as no row that was found.
        var answer = await lane.Source.QueryAsync(
            $"SELECT SUM(z) FROM (SELECT 0 AS z UNION ALL (SELECT {string.Join(" + ", isZero)} {From}{rest})) r", table.Name, cancellationToken).ConfigureAwait(false);
        return (long)decimal.Parse(answer[0][0]!, CultureInfo.InvariantCulture);
    }

    private string Expressions(IEnumerable<LoadColumn> columns) =>
        string.Join(", ", columns.Select(column => column.Mapping.Expression(lane.Source.Info, HasOddDates)));

    private static string Place(PostgresException error) =>
        DatabaseErrors.Translate(error, "").Message is var message && message.IndexOf('(', StringComparison.Ordinal) is >= 0 and var from
            ? message[(from + 1)..].TrimEnd('.', ')') : error.SqlState;
}
