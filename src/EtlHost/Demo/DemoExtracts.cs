using EtlTools.Core.Configuration;

namespace EtlTools.Host.Demo;

/// <summary>
/// The sample of the demo: one invented practice's extracts in the true dialect of Indici, always the same. First a full
/// extract, a week later the changes with faults planted, and then the faulty files as the vendor sends them again.
/// </summary>
internal static class DemoExtracts
{
    private const int FirstVersion = 1;
    private const int SecondVersion = 2;

    private static readonly DateTime FullAt = new(2025, 8, 11, 10, 44, 0);
    private static readonly DateTime ChangesAt = new(2025, 8, 18, 10, 44, 0);

    /// <summary>Keys in the full extract, and after the week that follows it.</summary>
    private static readonly (string ExtractType, int Full, int Later)[] Keys =
    [
        ("PracticeInfo", 1, 1),
        ("Provider", DemoRecord.Providers, DemoRecord.Providers + 1),
        ("Medicine", 1500, 1500),
        ("Vaccine", 60, 60),
        ("Patient", DemoRecord.Patients, DemoRecord.Patients + 60),
        ("Appointments", 8000, 8500),
        ("Invoices", 6000, 6400),
        ("Immunisation", 3000, 3250),
        ("Allergies", 2500, 2600),
    ];

    /// <summary>Everything the practice has.</summary>
    public static IReadOnlyList<DemoFile> Full(PipelineConfig pipeline) =>
        Keys.Select(keys => new DemoFile(pipeline, Type(pipeline, keys.ExtractType), FullAt.AddDays(-7), FullAt, AllRows(keys.Full))).ToList();

    /// <summary>What a week has changed and added, with a fault in every file but one, and a file with a strange name.</summary>
    public static IReadOnlyList<DemoFile> Changes(PipelineConfig pipeline) =>
    [
        Changed(pipeline, "Provider", DemoFault.None),
        Changed(pipeline, "Patient", DemoFault.InvalidValues),
        Changed(pipeline, "Appointments", DemoFault.SavedBySpreadsheet),
        Changed(pipeline, "Invoices", DemoFault.Truncated),
        Changed(pipeline, "Immunisation", DemoFault.DatesDayFirst),
        Changed(pipeline, "Allergies", DemoFault.BadRows),
        Changed(pipeline, "Medicine", DemoFault.UnreadableName),
    ];

    /// <summary>The same files without their faults, except for the patients: the practice has to correct those.</summary>
    public static IReadOnlyList<DemoFile> Corrected(PipelineConfig pipeline) =>
        Changes(pipeline)
            .Where(file => file.Fault is not (DemoFault.None or DemoFault.InvalidValues or DemoFault.UnreadableName))
            .Select(file => Changed(pipeline, file.ExtractType, DemoFault.None))
            .ToList();

    private static DemoFile Changed(PipelineConfig pipeline, string extractType, DemoFault fault)
    {
        var keys = Keys.First(keys => keys.ExtractType == extractType);
        var changed = Enumerable.Range(1, keys.Full).Where(key => key % 12 == 5).Select(key => ((long)key, SecondVersion));
        var added = Enumerable.Range(keys.Full + 1, keys.Later - keys.Full).Select(key => ((long)key, SecondVersion));
        return new DemoFile(pipeline, Type(pipeline, extractType), FullAt, ChangesAt, [.. changed, .. added]) { Fault = fault };
    }

    private static List<(long, int)> AllRows(int count) => Enumerable.Range(1, count).Select(key => ((long)key, FirstVersion)).ToList();

    private static ExtractTypeConfig Type(PipelineConfig pipeline, string name) =>
        pipeline.FindExtractType(name) ?? throw new InvalidOperationException($"The pipeline has no extract type {name}.");
}
