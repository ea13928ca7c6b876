using System.Runtime.CompilerServices;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Discovery;

/// <summary>What is there to load: new files, failed files, and the plan that orders them.</summary>
public sealed class FileDiscovery(EtlDatabase database, PipelineConfig pipeline)
{
    // The ledger is asked once for so many listed files: as many as an S3 page has.
    private const int ChunkSize = 1000;

    // So many failed files go before the new ones in a plan that sets no limit of its own.
    private const int MaxFailedInPlan = 100;

    private const int LookUpsAtOnce = 8;

    private readonly DiscoveryLedger _ledger = new(database, pipeline);

    /// <summary>Files in the source that the ledger does not know, as the listing streams by.</summary>
    /// <exception cref="EtlException">ExtractTypeUnknown, SourceNotFound, SourceAccessDenied, SourceUnavailable, and those of the
    /// database.</exception>
    public async IAsyncEnumerable<NewFile> FindNewAsync(
        FileFilter filter,
        Action<UnrecognisedFile>? onUnrecognised,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var store = SourceStoreFactory.Create(pipeline.Source);
        var found = 0;
        if (found >= filter.First)
        {
            yield break;
        }

        await foreach (var (file, reason) in FindUnknownAsync(store, filter, onUnrecognised, cancellationToken).ConfigureAwait(false))
        {
            yield return ToNewFile(file, reason);
            if (++found >= filter.First)
            {
                yield break;
            }
        }
    }

    /// <summary>Files whose last attempt failed, is pending, or was left behind by a dead run; due ones first, oldest first.</summary>
    /// <exception cref="EtlException">ExtractTypeUnknown, and those of the database.</exception>
    public async IAsyncEnumerable<FailedFile> FindFailedAsync(
        FileFilter filter, TimeSpan maxAge, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var failed = await SortFailedAsync(filter, maxAge, new ExtractTypeOrder(pipeline), cancellationToken).ConfigureAwait(false);
        foreach (var file in failed.Take(filter.First ?? int.MaxValue))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return file;
        }
    }

    /// <summary>Failed first (those that are due), then new; parents before children; batches by extract type.</summary>
    /// <remarks>A failed file that is not in the source any more goes to <paramref name="onUnrecognised"/> as SourceFileMissing.</remarks>
    /// <exception cref="EtlException">BatchSizeInvalid, ExtractTypeUnknown, SourceNotFound, SourceAccessDenied, SourceUnavailable, and
    /// those of the database.</exception>
    public async Task<IReadOnlyList<LoadPlanItem>> GetPlanAsync(
        FileFilter filter,
        TimeSpan maxAge,
        IReadOnlyList<string> priority,
        int batchSize,
        Action<UnrecognisedFile>? onUnrecognised,
        CancellationToken cancellationToken)
    {
        if (batchSize < 1)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "BatchSizeInvalid",
                "A batch holds at least one file.",
                "BatchSize",
                "Give a batch size of 1 or more.");
        }

        var order = new ExtractTypeOrder(pipeline, priority.Count > 0 ? priority : pipeline.Priority);
        using var store = SourceStoreFactory.Create(pipeline.Source);
        var failed = await FailedCandidatesAsync(
            store, filter, maxAge, order, filter.First ?? MaxFailedInPlan, onUnrecognised, cancellationToken).ConfigureAwait(false);
        var planned = failed.Select(candidate => candidate.File.Object.Key).ToHashSet(StringComparer.Ordinal);

        var fresh = new List<LoadPlan.Candidate>();
        if (filter.First is not { } limit || planned.Count < limit)
        {
            await foreach (var (file, reason) in FindUnknownAsync(store, filter, onUnrecognised, cancellationToken).ConfigureAwait(false))
            {
                // A failed file that was uploaded anew is in the plan already, as it is now.
                if (!planned.Contains(file.Object.Key))
                {
                    fresh.Add(new LoadPlan.Candidate(file, reason, Attempts: 0));
                }
            }
        }

        var ordered = LoadPlan.Sort(failed, order).Concat(LoadPlan.Sort(fresh, order)).Take(filter.First ?? int.MaxValue);
        return LoadPlan.Number(ordered, batchSize, pipeline.TimeZone);
    }

    /// <summary>Why a plan can be empty though not everything is loaded.</summary>
    /// <exception cref="EtlException">ExtractTypeUnknown, and those of the database.</exception>
    public async Task<WaitingFiles> GetWaitingAsync(FileFilter filter, TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var (young, aged) = await _ledger.GetFailedOfAnyAgeAsync(filter, maxAge, cancellationToken).ConfigureAwait(false);
        var failed = young.Where(file => !file.IsDue).ToList();
        return new WaitingFiles
        {
            FailedCount = failed.Count,
            NextTryAt = failed.Count == 0 ? null : failed.Min(file => file.NextTryAt),
            AgedCount = aged,
            WithdrawnLoadRunFileIds = await _ledger.GetWithdrawnAsync(filter, cancellationToken).ConfigureAwait(false),
        };
    }

    /// <summary>
    /// A plan of the named files, whatever the ledger says of them; in the order that parents and dates give. Their reason
    /// is Failed where attempts at their content have not loaded it, Changed where the key is loaded with other content,
    /// else New.
    /// </summary>
    /// <exception cref="EtlException">SourceFileMissing, FileNameNotRecognised, FileNameDateInvalid, ExtractTypeUnknown,
    /// SourceKeyInvalid, SourceNotFound, SourceAccessDenied, SourceUnavailable, and those of the database.</exception>
    public Task<IReadOnlyList<LoadPlanItem>> PlanFilesAsync(
        IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        PlanFilesAsync(keys, refusal => throw refusal, cancellationToken);

    /// <summary>As above; a file that is missing or not recognised is told to <paramref name="onRefused"/>, and the others are planned.</summary>
    /// <exception cref="EtlException">SourceKeyInvalid, SourceNotFound, SourceAccessDenied, SourceUnavailable, and those of the
    /// database.</exception>
    public async Task<IReadOnlyList<LoadPlanItem>> PlanFilesAsync(
        IReadOnlyList<string> keys, Action<EtlException> onRefused, CancellationToken cancellationToken)
    {
        var convention = new FileNameConvention(pipeline);
        using var store = SourceStoreFactory.Create(pipeline.Source);
        var named = keys.Distinct(StringComparer.Ordinal).ToList();
        var objects = await LookUpAsync(store, named, cancellationToken).ConfigureAwait(false);
        var files = named.Zip(objects, (key, found) => ReadNamed(convention, store, key, found, onRefused)).OfType<SourceFile>().ToList();

        var known = await _ledger.LookUpAsync(files, cancellationToken).ConfigureAwait(false);
        var candidates = files.Zip(known, (file, ledger) => new LoadPlan.Candidate(file, ReasonOf(ledger), ledger.Attempts));
        var ordered = LoadPlan.Sort(candidates, new ExtractTypeOrder(pipeline, pipeline.Priority));
        return LoadPlan.Number(ordered, batchSize: int.MaxValue, pipeline.TimeZone);
    }

    private async IAsyncEnumerable<(SourceFile File, PlanReason Reason)> FindUnknownAsync(
        ISourceStore store,
        FileFilter filter,
        Action<UnrecognisedFile>? onUnrecognised,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var convention = new FileNameConvention(pipeline);
        var types = filter.ExtractTypes
            .Select(name => ExtractTypeOrder.Resolve(pipeline, name).Name)
            .ToHashSet(StringComparer.Ordinal);
        var report = onUnrecognised ?? (_ => { });
        var chunk = new List<SourceFile>(ChunkSize);
        await foreach (var listed in store.ListAsync(report, cancellationToken).ConfigureAwait(false))
        {
            if (IsMarker(listed))
            {
                continue;
            }

            if (!convention.TryRead(listed, out var file, out var unrecognised))
            {
                report(unrecognised);
                continue;
            }

            if (!Fits(file, filter, types))
            {
                continue;
            }

            chunk.Add(file);
            if (chunk.Count == ChunkSize)
            {
                foreach (var unknown in await _ledger.KeepUnknownAsync(chunk, cancellationToken).ConfigureAwait(false))
                {
                    yield return unknown;
                }

                chunk.Clear();
            }
        }

        foreach (var unknown in await _ledger.KeepUnknownAsync(chunk, cancellationToken).ConfigureAwait(false))
        {
            yield return unknown;
        }
    }

    private async Task<IReadOnlyList<FailedFile>> SortFailedAsync(
        FileFilter filter, TimeSpan maxAge, ExtractTypeOrder order, CancellationToken cancellationToken)
    {
        var failed = await _ledger.GetFailedAsync(filter, maxAge, cancellationToken).ConfigureAwait(false);
        return failed
            .OrderByDescending(file => file.IsDue)
            .ThenBy(file => order.Rank(file.ExtractType))
            .ThenBy(file => file.ExtractType, StringComparer.Ordinal)
            .ThenBy(file => file.ExtractedAt ?? DateTime.MaxValue)
            .ThenBy(file => file.FileName, StringComparer.Ordinal)
            .ThenBy(file => file.LoadRunFileId)
            .ToList();
    }

    // Failed files that cannot be planned take no place: they would otherwise crowd out the rest for as long as they fail.
    private async Task<IReadOnlyList<LoadPlan.Candidate>> FailedCandidatesAsync(
        ISourceStore store,
        FileFilter filter,
        TimeSpan maxAge,
        ExtractTypeOrder order,
        int limit,
        Action<UnrecognisedFile>? onUnrecognised,
        CancellationToken cancellationToken)
    {
        var convention = new FileNameConvention(pipeline);
        var candidates = new List<LoadPlan.Candidate>();
        var failed = await SortFailedAsync(filter, maxAge, order, cancellationToken).ConfigureAwait(false);
        foreach (var chunk in failed.Where(file => file.IsDue).Chunk(MaxFailedInPlan))
        {
            if (candidates.Count >= limit)
            {
                break;
            }

            var objects = await LookUpAsync(store, chunk.Select(file => file.Key).ToList(), cancellationToken).ConfigureAwait(false);
            var present = new List<SourceFile>();
            foreach (var (file, found) in chunk.Zip(objects))
            {
                if (found is null)
                {
                    onUnrecognised?.Invoke(Missing(file));
                }
                else if (convention.TryRead(found, out var current, out var unrecognised))
                {
                    present.Add(current);
                }
                else
                {
                    onUnrecognised?.Invoke(unrecognised);
                }
            }

            var known = await _ledger.LookUpAsync(present, cancellationToken).ConfigureAwait(false);
            candidates.AddRange(present
                .Zip(known, (file, ledger) => (file, ledger))
                .Where(pair => !pair.ledger.IsLoaded)
                .Select(pair => new LoadPlan.Candidate(pair.file, PlanReason.Failed, pair.ledger.Attempts)));
        }

        return candidates.DistinctBy(candidate => candidate.File.Object.Key).Take(limit).ToList();
    }

    private static async Task<IReadOnlyList<SourceObject?>> LookUpAsync(
        ISourceStore store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var found = new SourceObject?[keys.Count];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, keys.Count),
            new ParallelOptions { MaxDegreeOfParallelism = LookUpsAtOnce, CancellationToken = cancellationToken },
            async (index, token) => found[index] = await store.FindAsync(keys[index], token).ConfigureAwait(false))
            .ConfigureAwait(false);
        return found;
    }

    private static SourceFile? ReadNamed(
        FileNameConvention convention, ISourceStore store, string key, SourceObject? found, Action<EtlException> onRefused)
    {
        if (found is null)
        {
            onRefused(new EtlException(
                EtlErrorKind.NotFound,
                "SourceFileMissing",
                $"{key} is not in {store.Description}.",
                key,
                "Give a key as Find-NewFile shows it."));
            return null;
        }

        if (convention.TryRead(found, out var file, out var unrecognised))
        {
            return file;
        }

        onRefused(new EtlException(
            EtlErrorKind.InvalidInput,
            unrecognised.ErrorId,
            $"{key}: {unrecognised.Reason}",
            key,
            "Rename the file, or change file_name or extract_types in the pipeline file."));
        return null;
    }

    private static PlanReason ReasonOf(DiscoveryLedger.KnownContent known)
    {
        if (known is { Attempts: > 0, IsLoaded: false })
        {
            return PlanReason.Failed;
        }

        return known.IsChanged ? PlanReason.Changed : PlanReason.New;
    }

    // What tools leave behind to stand for a folder. An empty file with a name of its own is a file.
    private static bool IsMarker(SourceObject listed) =>
        listed.Key.EndsWith('/')
        || (listed.SizeBytes == 0
            && (listed.Key.EndsWith('\\') || listed.Key.EndsWith("_$folder$", StringComparison.Ordinal)));

    private static bool Fits(SourceFile file, FileFilter filter, HashSet<string> types) =>
        (types.Count == 0 || types.Contains(file.ExtractType))
        && !(file.ExtractedAt < filter.From)
        && !(file.ExtractedAt >= filter.To);

    private static UnrecognisedFile Missing(FailedFile file) => new(
        new SourceObject(file.Container, file.Key, 0, ETag: "", file.LastAttemptAt),
        "SourceFileMissing",
        "The last attempt at the file failed, and the file is not in the source any more.");

    private NewFile ToNewFile(SourceFile file, PlanReason reason) => new()
    {
        FileName = FileNameConvention.BaseName(file.Object.Key),
        ExtractType = file.ExtractType,
        Container = file.Object.Container,
        Key = file.Object.Key,
        SizeBytes = file.Object.SizeBytes,
        LastModified = file.Object.LastModified,
        PerOrgId = file.PerOrgId,
        PracticeId = file.PracticeId,
        DateFrom = file.DateFrom,
        DateTo = file.DateTo,
        ExtractedAt = file.ExtractedAt,
        Reason = reason,
        TimeZone = pipeline.TimeZone,
        Source = file,
    };
}
