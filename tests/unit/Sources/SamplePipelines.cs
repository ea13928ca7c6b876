using EtlTools.Core.Configuration;

namespace EtlTools.Tests.Sources;

/// <summary>Small pipelines with the vendor's file names, for tests of sources and discovery.</summary>
internal static class SamplePipelines
{
    public const string VendorPattern =
        @"^(?<per_org_id>\d{6})_(?<practice_id>\d{3})_(?<extract_type>\w+)_(?<date_from>\d{12})_(?<date_to>\d{12})_(?<date_extracted>\d{10})$";

    public static SourceConfig Folder(string path, string filter = "*", bool recurse = false) =>
        new() { Kind = SourceKind.Folder, Path = path, Filter = filter, Recurse = recurse };

    public static PipelineConfig Vendor(SourceConfig source, string name = "vendor") => new()
    {
        Name = name,
        Origin = "test",
        Source = source,
        FileName = new FileNameConfig { Pattern = VendorPattern },
        TimeZone = "Pacific/Auckland",
        Dialect = new DialectConfig(),
        ExtractTypes =
        [
            Type("Allergies", "allergies", parents: ["Patient"]),
            Type("Appointments", "appointments", parents: ["Patient", "Provider"]),
            Type("AppointmentMedications", "appointment_medications", ["AppointmentMedicaitons"], ["Appointments"]),
            Type("Patient", "patients", ["Patients"], ["PracticeInfo"]),
            Type("PracticeInfo", "practice_info"),
            Type("Provider", "providers", ["Providers"]),
        ],
    };

    /// <summary>A pipeline of one type whose names say nothing of it.</summary>
    public static PipelineConfig OneType(SourceConfig source, string pattern) => Vendor(source) with
    {
        FileName = new FileNameConfig { Pattern = pattern },
        ExtractTypes = [Type("Person", "person")],
    };

    public static string FileName(string extractType, DateTime extracted, string perOrgId = "685146", string practiceId = "535") =>
        FormattableString.Invariant(
            $"{perOrgId}_{practiceId}_{extractType}_{extracted.AddDays(-1):yyyyMMddHHmm}_{extracted:yyyyMMddHHmm}_{extracted:yyMMddHHmm}.csv");

    private static ExtractTypeConfig Type(
        string name, string table, IReadOnlyList<string>? aliases = null, IReadOnlyList<string>? parents = null) =>
        new() { Name = name, Table = table, Aliases = aliases ?? [], Parents = parents ?? [] };
}
