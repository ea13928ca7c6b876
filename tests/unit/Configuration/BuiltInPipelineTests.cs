using System.Text.RegularExpressions;
using Dapper;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Configuration;

public sealed class BuiltInPipelineTests
{
    /// <summary>What a real deployment has: type, table, columns in the file, key, other columns that staging requires.</summary>
    public static TheoryData<string, string, int, string, string> Indici { get; } = new()
    {
        { "Patient", "patients", 220, "patient_id", "" },
        { "Appointments", "appointments", 64, "appointment_id", "" },
        { "Provider", "providers", 122, "provider_id", "full_name" },
        { "PracticeInfo", "practice_info", 41, "", "practice_name" },
        { "Immunisation", "immunisation", 65, "appointment_immunisation_id", "" },
        { "Diagnosis", "diagnoses", 50, "diagnosis_id", "" },
        { "Measurements", "measurements", 145, "screening_id", "patient_id" },
        { "Invoices", "invoices", 28, "invoice_transaction_id", "patient_id" },
        { "InvoiceDetail", "invoice_detail", 49, "invoice_detail_id", "invoice_transaction_id" },
        { "Recalls", "recalls", 30, "re_call_id", "patient_id" },
        { "Inbox", "inbox", 51, "inbox_folder_item_id", "" },
        { "InboxDetail", "inbox_detail", 19, "in_box_folder_item_in_line_id", "inbox_folder_item_id" },
        { "Medicine", "medicine", 11, "medicine_id", "medicine_name" },
        { "NextOfKin", "next_of_kin", 28, "next_to_kin_id", "patient_id" },
        { "Vaccine", "vaccine", 13, "vaccine_id", "" },
        { "Allergies", "allergies", 56, "allergy_id", "patient_id" },
        { "AppointmentMedications", "appointment_medications", 91, "medication_id", "patient_id" },
        { "PatientAlerts", "patient_alerts", 33, "patient_alert_id", "patient_id" },
    };

    // Those that describe tables; csv is there to be extended.
    private static readonly string[] Complete = [.. PipelineReader.BuiltInNames.Except(["csv"])];

    public static TheoryData<string> Names => [.. Complete];

    [Fact]
    public void Three_pipelines_ship() => Assert.Equal(["csv", "indici", "omop"], PipelineReader.BuiltInNames);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_built_in_pipeline_is_valid(string name)
    {
        var pipeline = PipelineReader.Read(name);
        Assert.Equal((name, "built-in:" + name), (pipeline.Name, pipeline.Origin));
    }

    [Fact]
    public void Csv_is_there_to_be_extended()
    {
        var error = Assert.Throws<EtlException>(() => PipelineReader.Read("csv"));
        Assert.Equal("PipelineInvalid", error.ErrorId);
        Assert.Matches("^built-in:csv:[0-9]+: the pipeline has no extract types; expected .* extends", error.Message);
    }

    [Theory]
    [MemberData(nameof(Indici))]
    public void Indici_has_the_deployments_types(string name, string table, int columnsInFile, string key, string required)
    {
        var type = PipelineReader.Read("indici").ExtractTypes.Single(type => type.Name == name);

        Assert.Equal(table, type.Table);
        Assert.Equal(columnsInFile, type.Columns.Count(column => column.InFile));
        string[] keys = key.Length == 0 ? ["practice_id", "per_org_id"] : [key, "practice_id", "per_org_id"];
        Assert.Equal(keys, type.NaturalKey);
        Assert.Equal(
            keys.Concat(required.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Order(),
            type.Columns.Where(column => column.NotNull).Select(column => column.Name).Order());
    }

    [Fact]
    public void Indici_has_no_other_types() => Assert.Equal(Indici.Count, PipelineReader.Read("indici").ExtractTypes.Count);

    [Theory]
    [InlineData("Patients", "Patient")]
    [InlineData("Providers", "Provider")]
    [InlineData("NextofKin", "NextOfKin")]
    [InlineData("AppointmentMedicaitons", "AppointmentMedications")]
    public void Indici_knows_the_other_spellings(string alias, string name) =>
        Assert.Equal(name, PipelineReader.Read("indici").FindExtractType(alias)?.Name);

    [Fact]
    public void Indici_loses_no_column_of_the_files_that_have_one_more_than_is_mapped()
    {
        var pipeline = PipelineReader.Read("indici");
        Assert.Equal(new ColumnConfig { Name = "unmapped_122", InStaging = false }, pipeline.FindExtractType("Provider")!.Columns[^1]);
        Assert.Equal(new ColumnConfig { Name = "unmapped_33", InStaging = false }, pipeline.FindExtractType("PatientAlerts")!.Columns[^1]);
    }

    [Fact]
    public void Indici_writes_emails_in_lower_case()
    {
        var rules = PipelineReader.Read("indici").ExtractTypes.SelectMany(type => type.Rules.Select(rule => (type.Name, rule.Key, rule.Value.Lowercase)));
        Assert.Equal(
            [
                ("PracticeInfo", "primary_email", true), ("PracticeInfo", "secondary_email", true), ("PracticeInfo", "other_email", true),
                ("Provider", "email", true), ("Provider", "secondary_email", true), ("Patient", "email", true), ("Patient", "secondary_email", true),
            ],
            rules);
    }

    [Fact]
    public void Indici_reads_the_vendors_dialect_and_names()
    {
        var pipeline = PipelineReader.Read("indici");
        Assert.Equal(new DialectConfig { Encoding = "utf-16le", FieldSeparator = "|^^|", RowSeparator = "|~~|" }, pipeline.Dialect);
        var match = Regex.Match("685146_535_Allergies_202508180544_202508181044_2508181044", pipeline.FileName.Pattern);
        Assert.Equal(
            ("685146", "535", "Allergies", "202508180544", "202508181044", "2508181044"),
            (match.Groups["per_org_id"].Value, match.Groups["practice_id"].Value, match.Groups["extract_type"].Value,
                match.Groups["date_from"].Value, match.Groups["date_to"].Value, match.Groups["date_extracted"].Value));
    }

    [Fact]
    public void Indici_is_pointed_at_ones_own_bucket_by_the_environment()
    {
        var environment = new Dictionary<string, string> { ["ETL_S3_BUCKET"] = "mine", ["ETL_S3_PREFIX"] = "a/b", ["ETL_S3_ENDPOINT"] = "http://localhost:1" };
        Assert.Equal(
            new SourceConfig { Kind = SourceKind.S3, Bucket = "mine", Prefix = "a/b", Endpoint = "http://localhost:1", ForcePathStyle = true },
            PipelineReader.Read("indici", environment.GetValueOrDefault).Source);
    }

    [Fact]
    public void Omop_has_every_table_of_the_model_that_files_hold()
    {
        var types = PipelineReader.Read("omop").ExtractTypes;
        Assert.Equal(39, types.Count);
        Assert.All(types, type => Assert.Equal(type.Name, type.Table));
        Assert.Equal(18, types.Single(type => type.Name == "person").Columns.Count);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Parents_come_before_their_children(string name)
    {
        var types = PipelineReader.Read(name).ExtractTypes;
        for (var i = 0; i < types.Count; i++)
        {
            Assert.All(types[i].Parents, parent => Assert.Contains(parent, types.Take(i).Select(type => type.Name)));
        }
    }

    [PostgresFact]
    public async Task Every_type_is_one_that_the_database_knows_by_the_same_name()
    {
        var types = Complete.SelectMany(name => PipelineReader.Read(name).ExtractTypes)
            .SelectMany(type => type.Columns)
            .Select(column => column.Type)
            .Concat(ColumnType.Expectation.Replace(" or ", ", ", StringComparison.Ordinal)
                .Replace("(n)", "(7)", StringComparison.Ordinal).Replace("(p,s)", "(5.2)", StringComparison.Ordinal)
                .Split(", ").Select(type => ColumnType.Normalise(type.Replace('.', ','))!))
            .Distinct()
            .ToList();
        Assert.DoesNotContain(null, types);

        await using var database = await PostgresDatabase.CreateAsync();
        await using var connection = await database.OpenAsync();
        foreach (var type in types)
        {
            await connection.ExecuteAsync($"CREATE TEMP TABLE probe (c {type})");
            Assert.Equal(type, await connection.ExecuteScalarAsync<string>(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'probe'::regclass AND attname = 'c'"),
                (expected, actual) => expected == actual || expected + " without time zone" == actual);
            await connection.ExecuteAsync("DROP TABLE probe");
        }
    }
}
