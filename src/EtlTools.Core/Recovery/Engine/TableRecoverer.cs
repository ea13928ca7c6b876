using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Staging;
using EtlTools.Core.Recovery.Tables;
using Npgsql;

namespace EtlTools.Core.Recovery.Engine;

/// <summary>
/// Brings what is staged of one payload into one table, in the caller's transaction: what is missing and satisfies the table's
/// rules is inserted, what is there and lacks values is completed, and the rest is counted by what refuses it.
/// </summary>
internal sealed class TableRecoverer(
    NpgsqlConnection connection, StagedTable staged, IngestionRef ingestion, bool verifies, ProblemTally problems)
{
    // What is refused without a rule that says so is looked for one by one, but not without end.
    private const int MaxIsolated = 100;

    private readonly MetricTable _table = staged.Table;
    private readonly List<long> _isolated = [];
    private long _refused;
    private bool _gaveUp;
    private string? _denied;

    public async Task<TableRecovery> RunAsync(CancellationToken cancellationToken)
    {
        var keys = await CountKeysAsync(cancellationToken).ConfigureAwait(false);
        var source = staged.TempSql;
        if (keys < staged.Rows)
        {
            source = staged.MergedSql;
            await ExecuteAsync(staged.CreateMergedSql(), cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(RecoverySql.Merge(staged), cancellationToken).ConfigureAwait(false);
        }

        var inserted = await InsertAsync(source, cancellationToken).ConfigureAwait(false);
        CrashPoint.Pass("recovery.after-insert");

        // Nothing can be left where every key was inserted; then only a verification looks again.
        var left = verifies || inserted < keys ? await CountLeftAsync(source, cancellationToken).ConfigureAwait(false) : 0;
        var present = keys - inserted - left;
        if (present < 0)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "VerificationFailed",
                $"The table does not hold what was written to it: of {keys} keys {inserted} were inserted and {left} are missing.",
                _table.Name,
                "A trigger of the table changes what is written; nothing of this ingestion was kept.");
        }

        var completed = present > 0 ? await CompleteAsync(source, cancellationToken).ConfigureAwait(false) : 0;
        return new TableRecovery
        {
            RawIngestionId = ingestion.Id,
            Table = _table.Name,
            Expected = keys,
            PresentBefore = present,
            Recovered = inserted,
            Completed = completed,
            Refused = left,
            Duplicates = staged.Rows - keys,
        };
    }

    private async Task<long> CountKeysAsync(CancellationToken cancellationToken)
    {
        await using var command = Command(RecoverySql.CountKeys(staged));
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private async Task<long> InsertAsync(string source, CancellationToken cancellationToken)
    {
        var inserted = await TryAsync(
            RecoverySql.Insert(staged, source), error => _denied = RightDenied("INSERT", error), cancellationToken).ConfigureAwait(false);
        if (inserted is { } all)
        {
            return all;
        }

        if (_denied is not null)
        {
            return 0;
        }

        // Something refuses that no rule of the catalogue tells: a trigger, an exclusion constraint, a check that fails itself.
        await using var command = Command($"SELECT min({StagedTable.Item}), max({StagedTable.Item}) FROM {source}");
        var (first, last) = (0L, 0L);
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            (first, last) = (reader.GetInt64(0), reader.GetInt64(1));
        }

        return await InsertRangeAsync(source, first, last, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Halves a span of metrics until what is refused stands alone.</summary>
    private async Task<long> InsertRangeAsync(string source, long first, long last, CancellationToken cancellationToken)
    {
        if (_gaveUp)
        {
            return 0;
        }

        PostgresException? refusal = null;
        var range = $"m.{StagedTable.Item} BETWEEN @first AND @last";
        var inserted = await TryAsync(
            RecoverySql.Insert(staged, source, range), error => refusal = error, cancellationToken, ("first", first), ("last", last)).ConfigureAwait(false);
        if (inserted is { } count)
        {
            return count;
        }

        if (first < last)
        {
            var middle = first + ((last - first) / 2);
            return await InsertRangeAsync(source, first, middle, cancellationToken).ConfigureAwait(false)
                + await InsertRangeAsync(source, middle + 1, last, cancellationToken).ConfigureAwait(false);
        }

        _isolated.Add(first);
        _refused++;
        problems.Add(
            _table.TableName, _table.Name, nameof(RefusalReason.Refused), refusal!.ConstraintName ?? $"SqlState {refusal.SqlState}", isRowLost: true, ordinal: first);
        _gaveUp = _isolated.Count >= MaxIsolated;
        return 0;
    }

    /// <summary>Keys that are not in the table after the insert, each with the rule that it breaks.</summary>
    private async Task<long> CountLeftAsync(string source, CancellationToken cancellationToken)
    {
        var left = _refused;
        await using var command = Command(RecoverySql.CountMissing(staged, source));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var (rule, count, ordinal) = (reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2));
            left += count;
            var (reason, name) = rule >= 0 ? (_table.Rules[rule].Reason, _table.Rules[rule].Name)
                : _denied is not null ? (RefusalReason.NoPermission, _denied)
                : (_gaveUp ? RefusalReason.NotIsolated : RefusalReason.UniqueKey, "");
            problems.Add(_table.TableName, _table.Name, reason.ToString(), name, isRowLost: true, count, ordinal);
        }

        return left;
    }

    private async Task<long> CompleteAsync(string source, CancellationToken cancellationToken)
    {
        if (RecoverySql.CountIncomplete(staged, source) is not { } countSql)
        {
            return 0;
        }

        long incomplete = 0;
        await using (var command = Command(countSql))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                var (rule, count, ordinal) = (reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2));
                if (rule < 0)
                {
                    incomplete += count;
                }
                else
                {
                    NotCompleted(_table.Rules[rule].Name, count, ordinal);
                }
            }
        }

        if (incomplete == 0)
        {
            return 0;
        }

        PostgresException? refusal = null;
        var completed = await TryAsync(RecoverySql.Complete(staged, source), error => refusal = error, cancellationToken).ConfigureAwait(false);
        if (completed is null && RightDenied("UPDATE", refusal!) is { } right)
        {
            problems.Add(_table.TableName, _table.Name, nameof(RefusalReason.NoPermission), right, isRowLost: false, incomplete);
        }
        else if (completed is null)
        {
            NotCompleted(refusal!.ConstraintName ?? $"SqlState {refusal.SqlState}", incomplete, null);
        }

        return completed ?? 0;

        void NotCompleted(string name, long count, long? ordinal) => problems.Add(
            _table.TableName, _table.Name, nameof(RefusalReason.NotCompleted), name, isRowLost: false, count, ordinal);
    }

    /// <summary>The number of rows; null where the rows are refused, and then nothing has changed.</summary>
    private async Task<long?> TryAsync(
        string sql, Action<PostgresException> onRefused, CancellationToken cancellationToken, params (string Name, long Value)[] values)
    {
        await ExecuteAsync(RecoverySql.Savepoint, cancellationToken).ConfigureAwait(false);
        try
        {
            await using var command = Command(sql);
            foreach (var (name, value) in values)
            {
                command.Parameters.AddWithValue(name, value);
            }

            var rows = await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(RecoverySql.Release, cancellationToken).ConfigureAwait(false);
            return rows;
        }
        catch (PostgresException error) when (ConcernsRows(error) || IsDenied(error))
        {
            await ExecuteAsync(RecoverySql.RollBackTo, cancellationToken).ConfigureAwait(false);
            onRefused(error);
            return null;
        }
    }

    /// <summary>The right, and whose it is where that is not the table: a sequence, a function. Null where rights are not the matter.</summary>
    private string? RightDenied(string right, PostgresException error)
    {
        if (!IsDenied(error))
        {
            return null;
        }

        var what = DatabaseErrors.Translate(error, _table.TableName).Target;
        return what == _table.TableName || what == _table.Name ? right : $"{right} ({what})";
    }

    // Also by a policy of the table.
    private static bool IsDenied(PostgresException error) => error.SqlState == PostgresErrorCodes.InsufficientPrivilege;

    // Data exceptions, constraints, triggers. Everything else (locks, disk) is about more than single rows.
    private static bool ConcernsRows(PostgresException error) => error.SqlState[..2] is "21" or "22" or "23" or "27" or "44" or "P0";

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private NpgsqlCommand Command(string sql)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("user", ingestion.UserId);
        command.Parameters.AddWithValue("from", staged.From);
        command.Parameters.AddWithValue("to", staged.To);
        command.Parameters.AddWithValue("isolated", _isolated.ToArray());
        return command;
    }
}
