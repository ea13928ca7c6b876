using EtlTools.Core.Runs;
using Npgsql;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>Lists ingestions page by page without their payloads, each page a short query of its own.</summary>
internal sealed class IngestionPager(IngestionTable table, IngestionFilter filter, bool newestFirst, int pageSize)
{
    private IngestionRef? _last;
    private bool _atEnd;

    /// <summary>How many there are, and the size of their payloads.</summary>
    public async Task<(long Count, long Bytes)> CountAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var conditions = Conditions();
        await using var command = Command(
            connection,
            $"SELECT count(*), coalesce(sum({SizeSql}), 0)::bigint FROM {table.Sql} r\n{conditions.Where}",
            conditions);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>The next page; empty at the end.</summary>
    public async Task<IReadOnlyList<IngestionRef>> NextAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (_atEnd)
        {
            return [];
        }

        var conditions = Conditions();
        AddPosition(conditions);
        var direction = newestFirst ? "DESC" : "ASC";
        var errors = table.ErrorsSql("r");
        await using var command = Command(
            connection,
            $"""
            SELECT r.id, r.user_id, r.created_at, {table.StatusSql("r")}, {SizeSql}::bigint,
                   {RecordedErrors.CauseSql(errors)}, {RecordedErrors.ExpectedSql(errors)}, {RecordedErrors.ActualSql(errors)}
            FROM {table.Sql} r
            {conditions.Where}
            ORDER BY r.created_at {direction} NULLS LAST, r.id {direction}
            LIMIT {pageSize}
            """,
            conditions);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var page = new List<IngestionRef>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            page.Add(ToRef(reader));
        }

        _atEnd = page.Count < pageSize;
        _last = page.Count > 0 ? page[^1] : _last;
        return page;
    }

    private string SizeSql => table.Has("payload_size_bytes")
        ? "coalesce(r.payload_size_bytes, pg_column_size(r.raw_payload))"
        : "pg_column_size(r.raw_payload)";

    private LedgerFilter Conditions()
    {
        var conditions = new LedgerFilter();
        var status = table.StatusSql("r");
        conditions.AddAny("r.id", "ids", filter.Ids);
        conditions.AddAny("r.user_id", "users", filter.UserIds);
        conditions.AddAny(status, "status", filter.Status);
        conditions.AddSince("r.created_at", filter.Since);
        if (filter.RecordedCauses.Count > 0)
        {
            conditions.Add(
                $"coalesce({RecordedErrors.CauseSql(table.ErrorsSql("r"))}, '{LossCause.None}') = ANY(@causes)",
                "causes",
                filter.RecordedCauses.Select(cause => cause.ToString()).ToArray());
        }

        if (filter.UnfinishedBefore is { } before)
        {
            conditions.Set("unfinished", StatusWords.Unfinished.ToArray());
            conditions.Add($"(coalesce({status}, '') <> ALL(@unfinished) OR r.created_at < @before)", "before", before.UtcDateTime);
        }

        return conditions;
    }

    private void AddPosition(LedgerFilter conditions)
    {
        if (_last is not { } last)
        {
            return;
        }

        conditions.Set("last_id", last.Id);
        var beyond = newestFirst ? "<" : ">";
        if (last.CreatedAt is { } time)
        {
            conditions.Set("last_time", time);
            conditions.Add($"(r.created_at {beyond} @last_time OR (r.created_at = @last_time AND r.id {beyond} @last_id) OR r.created_at IS NULL)");
        }
        else
        {
            conditions.Add($"r.created_at IS NULL AND r.id {beyond} @last_id");
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, LedgerFilter conditions)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var (name, value) in conditions.Parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    private static IngestionRef ToRef(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0),
        UserId = reader.GetGuid(1),
        CreatedAt = reader.IsDBNull(2) ? null : reader.GetDateTime(2),
        Status = reader.IsDBNull(3) ? null : reader.GetString(3),
        PayloadBytes = reader.IsDBNull(4) ? 0 : reader.GetInt64(4),
        RecordedCause = reader.IsDBNull(5) ? null : Enum.Parse<LossCause>(reader.GetString(5)),
        RecordedExpected = reader.IsDBNull(6) ? null : reader.GetInt64(6),
        RecordedActual = reader.IsDBNull(7) ? null : reader.GetInt64(7),
    };
}
