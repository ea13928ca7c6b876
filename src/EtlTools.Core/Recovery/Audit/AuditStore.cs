using System.Text.Json;
using Dapper;
using Npgsql;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>Keeps the last audit of each ingestion.</summary>
internal static class AuditStore
{
    /// <summary>Each takes the place of the ingestion's last audit.</summary>
    public static Task RecordAsync(
        NpgsqlConnection connection, IReadOnlyList<IngestionAudit> audits, CancellationToken cancellationToken)
    {
        // In one order everywhere: two audits of the same ingestions must not wait for each other crosswise.
        var ordered = audits.OrderBy(audit => audit.RawIngestionId).ToList();
        return connection.ExecuteAsync(new CommandDefinition(
            AuditSql.Record,
            new
            {
                ids = Each(audit => audit.RawIngestionId),
                users = Each(audit => audit.UserId),
                status = Each(audit => audit.Status),
                expected = Each(audit => audit.Expected),
                present = Each(audit => audit.Present),
                missing = Each(audit => audit.Missing),
                duplicates = Each(audit => audit.Duplicates),
                rejected = Each(audit => audit.Rejected),
                cause = Each(audit => audit.Cause.ToString()),
                recoverable = Each(audit => audit.IsRecoverable),
                because = Each(audit => audit.NotRecoverableBecause),
                tables = Each(audit => CountsJson(audit.Table)),
            },
            cancellationToken: cancellationToken));

        T[] Each<T>(Func<IngestionAudit, T> value) => ordered.Select(value).ToArray();
    }

    private static string CountsJson(IReadOnlyList<TableAudit> tables) => JsonSerializer.Serialize(tables.ToDictionary(
        table => table.Table,
        table => new Dictionary<string, long>
        {
            ["expected"] = table.Expected,
            ["present"] = table.Present,
            ["missing"] = table.Missing,
            ["duplicates"] = table.Duplicates,
        }));
}
