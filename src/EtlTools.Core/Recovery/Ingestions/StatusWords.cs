using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>
/// The statuses that a deployment can hold. Where the status is an enum, or a check allows certain words only, the nearest
/// one is taken; the true outcome is in etl.data_recoveries.
/// </summary>
internal sealed class StatusWords
{
    private static readonly string[] RecoveredWords = ["recovered", "processed", "completed", "success"];
    private static readonly string[] ProcessedWords = ["processed", "completed", "success", "recovered"];
    private static readonly string[] PartialWords = ["partial_success", "recovery_failed", "error", "failed"];
    private static readonly string[] FailedWords = ["recovery_failed", "error", "failed"];
    private static readonly string[] LostWords = ["error", "partial_success"];
    private static readonly string[] UnfinishedWords = ["pending", "parsing", "validation", "processing", "ready"];

    private readonly IngestionTable _table;
    private readonly HashSet<string> _allowed;

    private StatusWords(IngestionTable table, HashSet<string> allowed)
    {
        _table = table;
        _allowed = allowed;
    }

    /// <summary>States in which the service still works on an ingestion, or has yet to.</summary>
    public static IReadOnlyList<string> Unfinished => UnfinishedWords;

    /// <summary>Null: no word fits, and the status stays as it is.</summary>
    public string? Recovered => Nearest(RecoveredWords);

    /// <summary>What the service itself calls a success.</summary>
    public string? Processed => Nearest(ProcessedWords);

    public string? PartiallyRecovered => Nearest(PartialWords);

    public string? Failed => Nearest(FailedWords);

    /// <summary>The statuses of ingestions that are recovered when nobody says which.</summary>
    public IReadOnlyList<string> Lost => Nearest(LostWords) is null ? ["failed"] : LostWords;

    /// <summary>The status of ingestions that the simple reprocessor takes.</summary>
    public IReadOnlyList<string> Error => Nearest(["error"]) is null ? ["failed"] : ["error"];

    /// <summary>A status that says that all is well.</summary>
    public static bool IsGood(string? status) => status is not null && RecoveredWords.Contains(status, StringComparer.OrdinalIgnoreCase);

    /// <summary>A status that says that the service has yet to finish.</summary>
    public static bool IsUnfinished(string? status) => status is not null && UnfinishedWords.Contains(status, StringComparer.OrdinalIgnoreCase);

    public static async Task<StatusWords> ReadAsync(NpgsqlConnection connection, IngestionTable table, CancellationToken cancellationToken)
    {
        if (!table.Has("processing_status"))
        {
            return new StatusWords(table, []);
        }

        if (table.StatusLabels is { } labels)
        {
            return new StatusWords(table, labels.ToHashSet(StringComparer.Ordinal));
        }

        // A word fits that the column's length keeps and that its own checks let through.
        var checks = (await connection.QueryAsync<string>(new CommandDefinition(
            IngestionSql.StatusChecks, new { table = table.Sql }, cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
        var conditions = string.Concat(checks.Select(check => $"\n  AND ({check}) IS NOT FALSE"));
        var words = RecoveredWords.Concat(PartialWords).Distinct().ToArray();
        var allowed = await connection.QueryAsync<string>(new CommandDefinition(
            $"""
            SELECT w.word
            FROM unnest(@words) w (word)
            CROSS JOIN LATERAL (SELECT w.word::{table.Columns["processing_status"]} AS processing_status) r
            WHERE r.processing_status::text = w.word{conditions}
            """,
            new { words },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return new StatusWords(table, allowed.ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>Turns away statuses that the deployment's enum does not have.</summary>
    /// <exception cref="EtlException">StatusUnknown.</exception>
    public static void Require(IngestionTable table, IReadOnlyList<string> status)
    {
        if (table.StatusLabels is { } labels && status.FirstOrDefault(word => !labels.Contains(word)) is { } unknown)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "StatusUnknown",
                $"{table.Name} has no status {unknown}.",
                unknown,
                $"It has: {string.Join(", ", labels)}.");
        }
    }

    private string? Nearest(string[] words) => _table.Has("processing_status") ? words.FirstOrDefault(_allowed.Contains) : null;
}
