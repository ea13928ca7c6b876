using System.Diagnostics;
using System.Runtime.CompilerServices;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>
/// Reconciles stored payloads with the metric tables. It changes none of them; where the etl schema is there it keeps the last
/// audit of each ingestion.
/// </summary>
public sealed class LostDataFinder(EtlDatabase database, MetricMap map)
{
    private const int PageSize = 1000;
    private const int BatchIngestions = 200;
    private const long BatchBytes = 48L << 20;

    // Reading, copying and reconciling keep a session and a half busy.
    private static readonly int LaneCount = Math.Clamp(Environment.ProcessorCount, 1, 4);

    // Younger than that, what is not processed yet is no loss.
    private static readonly TimeSpan WorkTime = TimeSpan.FromHours(1);

    private readonly Dictionary<string, long> _unchecked = new(StringComparer.Ordinal);

    /// <summary>Metrics of what was audited whose table this user may not read, by schema.table; known once all is audited.</summary>
    public IReadOnlyDictionary<string, long> Unchecked => _unchecked;

    /// <summary>An error for each ingestion and user that the query names and that is not there: IngestionNotFound, IngestionUserNotFound.</summary>
    /// <exception cref="EtlException">IngestionTableMissing, IngestionTableAmbiguous, those of connecting.</exception>
    public async Task<IReadOnlyList<EtlException>> FindUnknownAsync(LostDataQuery query, CancellationToken cancellationToken)
    {
        if (query.RawIngestionIds.Count + query.UserIds.Count == 0)
        {
            return [];
        }

        return await Transient.AskAsync(
            database,
            IngestionTable.TableName,
            async (connection, token) => await UnknownIngestions.FindAsync(
                connection,
                await IngestionTableReader.RequireAsync(connection, query.Schema, token).ConfigureAwait(false),
                query.RawIngestionIds,
                query.UserIds,
                token).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Newest first, as they are audited. Those that have lost nothing only where the query asks for them.</summary>
    /// <exception cref="EtlException">IngestionTableMissing, IngestionTableAmbiguous, WindowInvalid, FirstInvalid, those of connecting.</exception>
    public async IAsyncEnumerable<IngestionAudit> FindAsync(
        LostDataQuery query, IProgress<AuditProgress>? progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Require(query);
        _unchecked.Clear();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var session = await AuditSession.OpenAsync(database, map, query.Schema, stop.Token).ConfigureAwait(false);
        var pager = new IngestionPager(session.Ingestions, FilterOf(query), newestFirst: true, PageSize);
        var tally = new Tally(await session.CountAsync(pager, stop.Token).ConfigureAwait(false), progress);
        var emitted = 0;
        await foreach (var audits in AuditAllAsync(session, pager, tally, stop).ConfigureAwait(false))
        {
            foreach (var audit in Wanted(audits, query, tally))
            {
                yield return audit;
                if (++emitted == query.First)
                {
                    yield break;
                }
            }
        }
    }

    /// <summary>Batches in their order, several of them under way.</summary>
    private static async IAsyncEnumerable<IReadOnlyList<IngestionAudit>> AuditAllAsync(
        AuditSession session, IngestionPager pager, Tally tally, CancellationTokenSource stop)
    {
        var running = new Queue<Task<IReadOnlyList<IngestionAudit>>>();
        try
        {
            await foreach (var batch in BatchesAsync(session, pager, stop.Token).ConfigureAwait(false))
            {
                if (running.Count == LaneCount)
                {
                    yield return await running.Dequeue().ConfigureAwait(false);
                }

                running.Enqueue(session.AuditAsync(batch, tally.Note, stop.Token));
            }

            while (running.TryDequeue(out var last))
            {
                yield return await last.ConfigureAwait(false);
            }
        }
        finally
        {
            // Whoever stops early must not wait for payloads that nobody wants any more.
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running.Cast<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The schemas in which a table raw_ingestions is.</summary>
    public static async Task<IReadOnlyList<string>> FindSchemasAsync(EtlDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await IngestionTableReader.FindSchemasAsync(connection, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }

    private IEnumerable<IngestionAudit> Wanted(IReadOnlyList<IngestionAudit> audits, LostDataQuery query, Tally tally)
    {
        foreach (var audit in audits)
        {
            var isLost = audit.Cause != LossCause.None;
            tally.Audited(isLost);
            NoteUnchecked(audit);
            if (query.Causes.Count > 0 ? query.Causes.Contains(audit.Cause) : isLost || query.IncludeWhole)
            {
                yield return audit;
            }
        }
    }

    private void NoteUnchecked(IngestionAudit audit)
    {
        foreach (var problem in audit.Problem.Where(problem => problem.Reason == nameof(RefusalReason.NoPermission)))
        {
            _unchecked[problem.Table] = _unchecked.GetValueOrDefault(problem.Table) + problem.Count;
        }
    }

    /// <summary>Payloads of some size together; the first batch is small, so that something comes soon.</summary>
    private static async IAsyncEnumerable<IReadOnlyList<IngestionRef>> BatchesAsync(
        AuditSession session, IngestionPager pager, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new List<IngestionRef>();
        long bytes = 0;
        while (await session.NextPageAsync(pager, cancellationToken).ConfigureAwait(false) is { Count: > 0 } page)
        {
            foreach (var ingestion in page)
            {
                batch.Add(ingestion);
                bytes += ingestion.PayloadBytes;
                if (batch.Count >= BatchIngestions || bytes >= BatchBytes)
                {
                    yield return batch;
                    batch = [];
                    bytes = 0;
                }
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private static IngestionFilter FilterOf(LostDataQuery query) => new()
    {
        Ids = query.RawIngestionIds,
        UserIds = query.UserIds,
        Status = query.Status,
        Since = query.Window is { } window ? DateTimeOffset.UtcNow - window : null,
        RecordedCauses = RecordedCausesOf(query.Causes),
        UnfinishedBefore = query.Status.Count + query.RawIngestionIds.Count > 0 ? null : DateTimeOffset.UtcNow - WorkTime,
    };

    /// <summary>A cause that only a payload can show stands for no recorded error too.</summary>
    private static IReadOnlyList<LossCause> RecordedCausesOf(IReadOnlyList<LossCause> causes)
    {
        // What is no longer kept is named by its payload, whatever was recorded.
        if (causes.Count == 0 || causes.Contains(LossCause.UnrecoverableStub) || causes.Contains(LossCause.None))
        {
            return [];
        }

        var canBeSeen = causes.Any(cause =>
            cause is LossCause.SilentDataLoss or LossCause.Parsing or LossCause.UnknownType or LossCause.Validation);
        return canBeSeen ? [.. causes, LossCause.None] : causes;
    }

    private static void Require(LostDataQuery query)
    {
        if (query.Window < TimeSpan.Zero)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "WindowInvalid", "The window is negative.", "Window", "Give a duration such as 30d.");
        }

        if (query.First < 1)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "FirstInvalid", "The number of items to show is not positive.", "First", "Give 1 or more.");
        }
    }

    /// <summary>How far it is.</summary>
    private sealed class Tally((long Count, long Bytes) total, IProgress<AuditProgress>? progress)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private readonly Lock _lock = new();
        private long _read;
        private long _lost;
        private long _metrics;
        private long _bytes;

        public void Note(long metrics, long bytes)
        {
            lock (_lock)
            {
                _read++;
                _metrics += metrics;
                _bytes += bytes;
                progress?.Report(Report());
            }
        }

        public void Audited(bool isLost)
        {
            lock (_lock)
            {
                _lost += isLost ? 1 : 0;
            }
        }

        private AuditProgress Report()
        {
            var seconds = Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
            return new AuditProgress
            {
                Audited = _read,
                Total = total.Count,
                Lost = _lost,
                MetricsRead = _metrics,
                MetricsPerSecond = _metrics / seconds,
                BytesDone = _bytes,
                BytesTotal = total.Bytes,
                TimeLeft = Pace.TimeLeft(seconds, _bytes, total.Bytes),
            };
        }
    }
}
