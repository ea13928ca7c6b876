using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>How important a table is, by what refers to it, its size, whether it is in use, and its name.</summary>
internal static class ImportanceRules
{
    /// <summary>The core of a practice's records outranks any score.</summary>
    private static readonly string[] Core = ["patient", "appointment", "procedurelog", "claimproc", "payment"];

    private const int CriticalScore = 5;

    // A log has to be very large and in use.
    private const int CriticalAuditScore = 6;
    private const int ImportantScore = 3;
    private const int ReferenceRows = 1000;

    public static TableImportance Of(SourceTable table, SourceReferences references, IncrementalColumns columns)
    {
        var name = table.Name.ToLowerInvariant();
        if (Core.Contains(name))
        {
            return TableImportance.Critical;
        }

        var score = Score(table, references.CountTo(table.Name), columns);
        return score switch
        {
            _ when score >= (IsAuditName(name) ? CriticalAuditScore : CriticalScore) => TableImportance.Critical,
            _ when IsAuditName(name) => TableImportance.Audit,
            _ when IsReferenceName(name) => TableImportance.Reference,
            >= ImportantScore => TableImportance.Important,
            _ => table.EstimatedRows < ReferenceRows ? TableImportance.Reference : TableImportance.Standard,
        };
    }

    public static bool IsAuditName(string name) =>
        name.StartsWith("hist", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("log", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("hist", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("history", StringComparison.OrdinalIgnoreCase);

    private static bool IsReferenceName(string name) =>
        name.EndsWith("def", StringComparison.Ordinal)
        || name.EndsWith("type", StringComparison.Ordinal)
        || name.EndsWith("pref", StringComparison.Ordinal)
        || name is "preference" or "definition";

    private static int Score(SourceTable table, int references, IncrementalColumns columns) =>
        Step(references, 1, 3, 10)
        + Step(table.Bytes >> 20, 5, 50, 250)
        + Step(table.EstimatedRows, 10_000, 500_000)
        + (columns.IsRecent && table.EstimatedRows >= ReferenceRows ? 1 : 0)
        + (columns.HasEditStamp ? 1 : 0);

    private static int Step(long value, params ReadOnlySpan<long> steps)
    {
        var reached = 0;
        foreach (var step in steps)
        {
            reached += value >= step ? 1 : 0;
        }

        return reached;
    }
}
