using System.Data;
using Dapper;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>How reprocessing went over a time: the metrics of the reprocessing strategy document.</summary>
public sealed record ReprocessMetric
{
    public DateTimeOffset Since { get; init; }
    public DateTimeOffset Until { get; init; }
    public int TotalReprocessingRuns { get; init; }

    /// <summary>From begin to end, of the runs that have ended.</summary>
    public TimeSpan? AverageReprocessingTime { get; init; }

    /// <summary>Completed / ended reprocessing runs, 0 to 1.</summary>
    public double? SuccessRate { get; init; }

    /// <summary>Rows read by reprocesses.</summary>
    public long DataVolumeProcessed { get; init; }

    /// <summary>Reprocesses that were undone.</summary>
    public int RollbackIncidents { get; init; }

    /// <summary>Logical files that failed in the window and were then loaded / those that failed in it, 0 to 1.</summary>
    public double? FailedFileRecoveryRate { get; init; }

    /// <summary>Mean time from a file's first failure to its recovery.</summary>
    public TimeSpan? MeanTimeToRecovery { get; init; }

    /// <summary>
    /// Reprocessing runs a day, from Since or from the ledger's first run, whichever is later. Null where that is less than a
    /// day: minutes tell nothing of a day.
    /// </summary>
    public double? ReprocessingFrequency { get; init; }

    /// <summary>Of the load runs with both failed and new files, the share that began no new one before a failed one, 0 to 1.</summary>
    public double? FailedFirstAccuracy { get; init; }

    /// <summary>Files that failed in the window and are still not loaded, as Find-FailedFile has them: the data gap.</summary>
    public int OpenFailedFiles { get; init; }

    /// <summary>Superseded raw rows / all raw rows that the ledger counts, 0 to 1; of all time, for storage does not forget.</summary>
    public double? SupersededRowShare { get; init; }

    /// <summary>
    /// What reprocessing costs those who query staging, whom it never locks out: rows that it replaced, and that they still pass
    /// over until the server's autovacuum has been there / all rows of the staging tables that were reprocessed, 0 to 1. By
    /// PostgreSQL's own statistics; null where nothing was reprocessed.
    /// </summary>
    public double? StagingDeadRowShare { get; init; }
    public IReadOnlyDictionary<string, int> ByReason { get; init; } = new Dictionary<string, int>();
    public IReadOnlyDictionary<string, int> ByExtractType { get; init; } = new Dictionary<string, int>();

    /// <summary>Hour of the day, 00 to 23 (UTC), to runs begun in it. A text, for JSON knows no other key.</summary>
    public IReadOnlyDictionary<string, int> ByHour { get; init; } = new Dictionary<string, int>();
}

public sealed class ReprocessMetrics(EtlDatabase database)
{
    /// <summary>From one consistent view of the ledger.</summary>
    /// <exception cref="EtlException">SinceInFuture.</exception>
    public async Task<ReprocessMetric> GetAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(
                IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);
            return await new Reading(connection, since, cancellationToken).GetAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    /// <summary>One reading of all the metrics, on one connection.</summary>
    private sealed class Reading(NpgsqlConnection connection, DateTimeOffset since, CancellationToken cancellationToken)
    {
        public async Task<ReprocessMetric> GetAsync()
        {
            var window = await OneAsync<(DateTime Until, double? Days)>(ReprocessMetricSql.Window).ConfigureAwait(false);
            if (since.UtcDateTime > window.Until)
            {
                throw new EtlException(
                    EtlErrorKind.InvalidInput,
                    "SinceInFuture",
                    "The time to look back to lies in the future.",
                    "Since",
                    "Give an earlier time, or a duration such as 30d.");
            }

            var runs = await OneAsync<(int Total, TimeSpan? AverageTime, double? SuccessRate)>(ReprocessMetricSql.Runs).ConfigureAwait(false);
            var receipts = await OneAsync<(long DataVolume, int Rollbacks)>(ReprocessMetricSql.Receipts).ConfigureAwait(false);
            var recovery = await OneAsync<(double? Rate, int OpenFiles, TimeSpan? MeanTime)>(ReprocessMetricSql.Recovery).ConfigureAwait(false);
            return new ReprocessMetric
            {
                Since = since,
                Until = window.Until,
                TotalReprocessingRuns = runs.Total,
                AverageReprocessingTime = runs.AverageTime,
                SuccessRate = runs.SuccessRate,
                DataVolumeProcessed = receipts.DataVolume,
                RollbackIncidents = receipts.Rollbacks,
                FailedFileRecoveryRate = recovery.Rate,
                MeanTimeToRecovery = recovery.MeanTime,
                ReprocessingFrequency = window.Days >= 1 ? runs.Total / window.Days.Value : null,
                FailedFirstAccuracy = await OneAsync<double?>(ReprocessMetricSql.FailedFirst).ConfigureAwait(false),
                OpenFailedFiles = recovery.OpenFiles,
                SupersededRowShare = await OneAsync<double?>(ReprocessMetricSql.SupersededRowShare).ConfigureAwait(false),
                StagingDeadRowShare = await OneAsync<double?>(ReprocessMetricSql.StagingDeadRowShare).ConfigureAwait(false),
                ByReason = await CountsAsync(ReprocessMetricSql.ByReason).ConfigureAwait(false),
                ByExtractType = await CountsAsync(ReprocessMetricSql.ByExtractType).ConfigureAwait(false),
                ByHour = await CountsAsync(ReprocessMetricSql.ByHour).ConfigureAwait(false),
            };
        }

        private Task<T> OneAsync<T>(string sql) => connection.QuerySingleAsync<T>(Command(sql))!;

        private async Task<OrderedDictionary<string, int>> CountsAsync(string sql) =>
            new((await connection.QueryAsync<(string Name, int Count)>(Command(sql)).ConfigureAwait(false))
                .Select(row => KeyValuePair.Create(row.Name, row.Count)));

        private CommandDefinition Command(string sql) =>
            new(sql, new { since = since.UtcDateTime }, cancellationToken: cancellationToken);
    }
}
