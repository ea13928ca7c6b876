using EtlTools.Core.Sources;

namespace EtlTools.Core.Discovery;

/// <summary>Orders files and cuts them into batches.</summary>
internal static class LoadPlan
{
    /// <summary>A file that a plan may take.</summary>
    internal sealed record Candidate(SourceFile File, PlanReason Reason, int Attempts);

    /// <summary>Parents before children, then the oldest extract first: later versions of a key come last.</summary>
    public static IEnumerable<Candidate> Sort(IEnumerable<Candidate> candidates, ExtractTypeOrder order) =>
        candidates
            .OrderBy(candidate => order.Rank(candidate.File.ExtractType))
            .ThenBy(candidate => candidate.File.ExtractType, StringComparer.Ordinal)
            .ThenBy(candidate => candidate.File.ExtractedAt)
            .ThenBy(candidate => FileNameConvention.BaseName(candidate.File.Object.Key), StringComparer.Ordinal)
            .ThenBy(candidate => candidate.File.Object.Key, StringComparer.Ordinal);

    /// <summary>Numbers them; a batch is a row of neighbours of one extract type, at most so long.</summary>
    public static IReadOnlyList<LoadPlanItem> Number(IEnumerable<Candidate> ordered, int batchSize, string timeZone)
    {
        var items = new List<LoadPlanItem>();
        var batch = 0;
        var inBatch = 0;
        foreach (var candidate in ordered)
        {
            var file = candidate.File;
            if (inBatch == batchSize || items.Count == 0 || items[^1].ExtractType != file.ExtractType)
            {
                batch++;
                inBatch = 0;
            }

            inBatch++;
            items.Add(new LoadPlanItem
            {
                Order = items.Count + 1,
                Batch = batch,
                Reason = candidate.Reason,
                ExtractType = file.ExtractType,
                FileName = FileNameConvention.BaseName(file.Object.Key),
                Container = file.Object.Container,
                Key = file.Object.Key,
                SizeBytes = file.Object.SizeBytes,
                Attempts = candidate.Attempts,
                ExtractedAt = file.ExtractedAt,
                TimeZone = timeZone,
                Source = file,
            });
        }

        return items;
    }
}
