using System.Data;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Health.Ingestions;
using EtlTools.Core.Health.Loads;
using EtlTools.Core.Health.TableSyncs;
using EtlTools.Core.Runs;
using Npgsql;

namespace EtlTools.Core.Health;

/// <summary>Reads how processing goes, from one consistent view of the database.</summary>
public sealed class HealthMonitor(EtlDatabase database)
{
    /// <param name="query">What is asked about.</param>
    /// <param name="zone">The zone to give times in.</param>
    /// <param name="cancellationToken">Stops the statements.</param>
    /// <exception cref="EtlException">HealthWindowInvalid, HealthThresholdInvalid, PermissionDenied, SchemaMissing.</exception>
    public async Task<ProcessingHealth> GetAsync(HealthQuery query, TimeZoneInfo zone, CancellationToken cancellationToken)
    {
        query.Require();
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var liveness = await RunLiveness.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<IHealthFamily> families =
            [
                new LoadHealth(liveness),
                new IngestionHealth(),
                await TableHealth.PrepareAsync(connection, liveness.LeasesVisible, cancellationToken).ConfigureAwait(false),
            ];
            await using var transaction = await connection.BeginTransactionAsync(
                IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);

            // Memory for the groups of a reading.
            var now = await connection.QuerySingleAsync<DateTime>(new CommandDefinition(
                "SET LOCAL work_mem = '64MB'; SELECT now()", cancellationToken: cancellationToken)).ConfigureAwait(false);
            var windows = new HealthWindows(now, query.Window, query.PreviousWindows);
            var readings = new List<(IHealthFamily Family, FamilyReading? Reading)>();
            foreach (var family in families)
            {
                readings.Add((family, family.WhyLeftOut(query) is null
                    ? await family.ReadAsync(connection, windows, query, cancellationToken).ConfigureAwait(false)
                    : null));
            }

            return Assess(readings, windows, query, zone);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private ProcessingHealth Assess(
        IReadOnlyList<(IHealthFamily Family, FamilyReading? Reading)> readings, HealthWindows windows, HealthQuery query, TimeZoneInfo zone)
    {
        var now = TimeZoneInfo.ConvertTime(new DateTimeOffset(windows.Now), zone);
        var states = new List<FamilyHealth>();
        var health = new ProcessingHealth
        {
            Window = query.Window,
            From = TimeZoneInfo.ConvertTime(new DateTimeOffset(windows.From), zone),
            To = now,
            TimeZone = zone.Id,
            GeneratedAt = now,
            Database = database.Description,
            UserId = query.UserId,
            PracticeId = query.PracticeId,
            Threshold = query.Thresholds,
        };
        foreach (var (family, reading) in readings)
        {
            if (reading is null)
            {
                states.Add(new FamilyHealth { Family = family.Family, Title = Words.Of(family.Family), Detail = family.WhyLeftOut(query) ?? "not in this database" });
                continue;
            }

            var assessment = new HealthAssessment(family, reading, windows, query, zone);
            var impact = assessment.Impact();
            var alerts = assessment.Alerts(impact);
            states.Add(assessment.Health(alerts));
            health = health with
            {
                Overall = [.. health.Overall, assessment.Overall()],
                DataLoss = [.. health.DataLoss, assessment.DataLoss()],
                ErrorPattern = [.. health.ErrorPattern, .. assessment.ErrorPatterns()],
                Impact = [.. health.Impact, .. impact],
                Table = [.. health.Table, .. assessment.Tables()],
                Stuck = [.. health.Stuck, .. assessment.Stuck()],
                Backlog = [.. health.Backlog, assessment.Backlog()],
                Trend = [.. health.Trend, .. assessment.Trend()],
                Alert = [.. health.Alert, .. alerts],
                Recommendation = [.. health.Recommendation, .. assessment.Recommendations()],
                Total = [.. health.Total, .. assessment.Totals()],
            };
        }

        return health with
        {
            Status = states.Where(state => state.IsIncluded).Select(state => state.Status).DefaultIfEmpty().Max(),
            Family = states,
            ErrorPattern = [.. health.ErrorPattern.OrderByDescending(pattern => pattern.Count)],
            Impact = [.. health.Impact.OrderByDescending(impact => impact.Urgency)],
            Alert = [.. health.Alert.OrderByDescending(alert => alert.Severity).ThenByDescending(alert => alert.Tier)],
        };
    }
}
