using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Host.Demo;

/// <summary>
/// One invented record of an extract type, in the forms the vendor writes: 0 and 1, .00 and 18.50, dates with times to the
/// millisecond, 1900-01-01 for none, card numbers with leading zeros.
/// </summary>
/// <param name="type">The extract type.</param>
/// <param name="key">Its key; the same key is the same thing in every file.</param>
/// <param name="version">What can change changes with it.</param>
/// <param name="extracted">When the file was extracted.</param>
internal sealed class DemoRecord(ExtractTypeConfig type, long key, int version, DateTime extracted)
{
    public const string PerOrgId = "685146";
    public const string PracticeId = "535";
    public const int Patients = 2500;
    public const int Providers = 25;

    private const string PracticeName = "Harakeke Hill Health";
    private const string NoDate = "1900-01-01";

    private static readonly string[] Suburbs = ["Fernside", "Kowhai Flat", "Harbour End", "Upper Valley", "Old Mill"];
    private static readonly string[] Genders = ["Female", "Male", "Gender diverse"];

    private static readonly HashSet<string> Changing = new(StringComparer.Ordinal)
    {
        "updated_at", "cell_number", "balance", "calculated_balance", "appointment_status", "unpaid_amount", "severity",
        "immunisation_status", "notes", "reaction_notes", "comments",
    };

    private long PatientKey => type.Name == "Patient" ? key : 1 + Invention.Draw(Patients, type.Name + " patient", key);

    private long ProviderKey => type.Name == "Provider" ? key : 1 + Invention.Draw(Providers, type.Name + " provider", key);

    public string Value(ColumnConfig column) => Named(column.Name) ?? OfType(column);

    private string? Named(string column) => column switch
    {
        "practice_id" => PracticeId,
        "per_org_id" => PerOrgId,
        "practice_name" or "practice" => PracticeName,
        "patient_id" => Number(100_000 + PatientKey),
        "provider_id" => Number(4_000 + ProviderKey),
        _ when type.NaturalKey.Contains(column) => Number(700_000 + key),
        "loaded_date_time" => Timestamp(extracted),
        "inserted_at" => Timestamp(extracted.AddDays(-30 - Draw(2000, column))),
        "updated_at" => Timestamp(extracted.AddMinutes(-1 - Draw(7 * 24 * 60, column))),
        "medicine_name" => $"Remedine {100 + (key % 900)} mg tablet",
        "vaccine_name" => $"Protecta {key % 40}",
        "first_name" => Self().First,
        "family_name" => Self().Family,
        "full_name" => $"{Self().First} {Self().Family}",
        "patient" or "patient_name" => Full(Invention.Person("Patient", PatientKey)),
        "provider" or "provider_name" or "vaccinator" or "income_provider" => Full(Invention.Person("Provider", ProviderKey)),
        "gender" => Genders[Draw(100, column) switch { < 50 => 0, < 98 => 1, _ => 2 }],
        "dob" => DateOnly.FromDateTime(extracted).AddDays(-(type.Name == "Provider" ? 9_000 : 0) - Draw(30_000, column))
            .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        "nhi_number" => string.Create(CultureInfo.InvariantCulture, $"ZZ{(char)('A' + (key % 23))}{key % 10_000:0000}"),
        "email" or "primary_email" => $"{Self().First}.{Self().Family}.{key}@Example.org",
        "cell_number" => string.Create(CultureInfo.InvariantCulture, $"+6421555{Draw(10_000, column):0000}"),
        "primary_phone" or "day_phone" => string.Create(CultureInfo.InvariantCulture, $"+649555{Draw(10_000, column):0000}"),
        "community_service_card_no" or "health_card_no" => string.Create(CultureInfo.InvariantCulture, $"{Draw(1_000_000, column):0000000000}"),
        "permanent_address_suburb" => Suburbs[Draw(Suburbs.Length, column)],
        "permanent_address" => string.Create(
            CultureInfo.InvariantCulture, $"{1 + Draw(200, column)} Invented Street, {Suburbs[Draw(Suburbs.Length, "permanent_address_suburb")]}"),
        "is_active" => "1",
        "is_deleted" => "0",
        "age" => Number(Draw(90, column)),
        "notes" or "comments" or "reaction_notes" or "description" => Draw(3, column) == 0 ? Invention.Note(column, key, version) : "",
        _ => null,
    };

    private string OfType(ColumnConfig column)
    {
        var name = column.Name;
        var kind = column.Type.ToLowerInvariant();
        return kind switch
        {
            "boolean" => Number(Draw(4, name) / 3),
            "date" => Draw(4, name) switch
            {
                0 => extracted.AddDays(-Draw(1500, name + " day")).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                1 => NoDate,
                _ => "",
            },
            _ when kind.StartsWith("timestamp", StringComparison.Ordinal) =>
                Draw(3, name) == 0 ? Timestamp(extracted.AddMinutes(-Draw(400_000, name + " minute"))) : "",
            _ when kind.StartsWith("numeric", StringComparison.Ordinal) => Draw(3, name) switch
            {
                0 => (Draw(9_000, name + " cents") / 100m).ToString("#.00", CultureInfo.InvariantCulture),
                1 => ".00",
                _ => "",
            },
            _ when kind.Contains("int", StringComparison.Ordinal) => Draw(2, name) == 0 ? Number(Draw(60, name + " number")) : "",
            _ when name.EndsWith("_id", StringComparison.Ordinal) || name.EndsWith("_code", StringComparison.Ordinal) =>
                Draw(2, name) == 0 ? string.Create(CultureInfo.InvariantCulture, $"{Draw(400, name + " id"):0000}") : "",
            _ => Draw(4, name) == 0 ? Invention.Note(name, key, 0) : "",
        };
    }

    private (string First, string Family) Self() => type.Name switch
    {
        "Provider" => Invention.Person("Provider", ProviderKey),
        _ => Invention.Person("Patient", PatientKey),
    };

    private int Draw(int count, string purpose)
    {
        var column = purpose.Split(' ')[0];
        return Invention.Draw(count, $"{type.Name} {purpose}", key, Changing.Contains(column) ? version : 0);
    }

    private static string Full((string First, string Family) person) => $"{person.First} {person.Family}";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Timestamp(DateTime moment) => moment.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
}
