using System.Text.RegularExpressions;
using EtlTools.Core;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery.Payloads;

public sealed class MetricMapTests : IDisposable
{
    private const string Valid =
        """
        value_fields: [qty]
        types:
          HeartRate:
            tables: heart_rate_metrics
            columns:
              recorded_at: {kind: time, key: true, required: true}
              heart_rate: {kind: integer, unit: bpm, range: [15, 300]}
              note: {kind: text}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("etltools-mapping-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_built_in_mapping_has_every_type_of_the_service()
    {
        var map = PayloadSink.Map;

        Assert.Equal(
            [
                "HeartRate", "BloodPressure", "Sleep", "Activity", "Workout", "BodyMeasurement", "Temperature", "Respiratory", "BloodGlucose",
                "Metabolic", "Nutrition", "Environmental", "AudioExposure", "SafetyEvent", "Mindfulness", "MentalHealth", "Symptom", "Hygiene",
                "Menstrual", "Fertility",
            ],
            map.Types.Select(type => type.Name));
        Assert.Equal(["workouts", "workout_metrics"], map.FindType("Workout")!.Tables);
        Assert.Equal(["recorded_at", "dietary_energy_consumed", "dietary_carbohydrates", "dietary_protein"], map.FindType("Nutrition")!.Key.Select(column => column.Name));
        Assert.Equal("built-in:health-export", map.Origin);
        Assert.Equal(map.Types.Select((_, i) => i), map.Types.Select(type => type.Index));
        Assert.All(map.Types, type => Assert.Equal(type.Columns.Select((_, i) => i), type.Columns.Select(column => column.Ordinal)));
    }

    [Fact]
    public void A_file_lays_its_own_over_the_built_in_mapping()
    {
        var path = Path.Combine(_folder, "own.yaml");
        File.WriteAllText(path, "extends: health-export\ntypes:\n  HeartRate:\n    columns:\n      heart_rate: {range: [20, ~]}\n");

        var map = MetricMapReader.Read(path);

        var column = map.FindType("HeartRate")!.FindColumn("heart_rate")!;
        Assert.Equal((20.0, null), (column.Minimum, column.Maximum));
        Assert.Equal(MetricKind.Integer, column.Kind);
        Assert.Equal(PayloadSink.Map.Types.Count, map.Types.Count);
        Assert.Equal(path, map.Origin);
    }

    [Fact]
    public async Task The_example_of_the_documentation_is_read_and_takes_its_payloads()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "recovery-mapping.md"));
        var blocks = Regex.Matches(page, "```(?:yaml|json)\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value).ToList();
        var reader = new PayloadReader(MetricMapReader.Parse(blocks[0], Path.Combine(_folder, "clinic-mapping.yaml")));
        var sink = new PayloadSink();
        foreach (var payload in blocks.Skip(1))
        {
            var summary = await reader.ReadAsync(_ => ValueTask.FromResult<Stream>(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(payload))), sink, default);
            Assert.Empty(summary.UnknownFields);
        }

        Assert.Equal(
            [
                "GripStrength recorded_at=2025-09-08T10:00:00Z hand=left force_newton=410 best_force_newton=420",
                "GripStrength recorded_at=2025-09-08T10:00:00Z hand=right force_newton=411.8793",
            ],
            sink.Rows);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task Every_setting_is_in_the_documentation()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "recovery-mapping.md"));
        var error = Assert.Throws<EtlException>(() => MetricMapReader.Parse(
            "none: 1\n" + Valid.Replace("tables:", "none: 1\n    tables:", StringComparison.Ordinal).Replace("kind: text", "kind: text, none: 1", StringComparison.Ordinal), "a.yaml"));

        var settings = Regex.Matches(error.Message, "expected one of ([^;\n]*)").SelectMany(match => match.Groups[1].Value.Split(", ")).ToList();
        Assert.Equal(3, error.Message.Split('\n').Length);
        Assert.All(settings, setting => Assert.Contains($"`{setting}`", page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("kind: integer", "kind: whole", 7, "'whole'; expected number or integer or text or boolean or time or json or uuid")]
    [InlineData("kind: integer, ", "", 7, "column heart_rate of type HeartRate has no kind")]
    [InlineData("range: [15, 300]", "range: [300, 15]", 7, "expected two numbers")]
    [InlineData("range: [15, 300]", "range: 15", 7, "expected two numbers")]
    [InlineData("range: [15, 300]", "range: [15, x]", 7, "expected two numbers")]
    [InlineData("range: [15, 300]", "fractions: true", 7, "1 could be a percentage too")]
    [InlineData("kind: text", "kind: text, unit: kg", 8, "has unit and is no number")]
    [InlineData("kind: text", "kind: uuid, values: {a: b}", 8, "has values and is no text")]
    [InlineData("kind: text", "kind: text, feilds: a", 8, "did you mean 'fields'?")]
    [InlineData("kind: text", "kind: text, fields: heart_rate", 8, "field heart_rate of type HeartRate goes into heart_rate and into note")]
    [InlineData("kind: text", "kind: integer, units: {a: 1}", 8, "has units and no unit")]
    [InlineData("note:", "user_id:", 8, "column user_id of type HeartRate is not the payload's to give")]
    [InlineData("key: true, ", "", 5, "has no key")]
    [InlineData("tables: heart_rate_metrics", "rules: []", 3, "type HeartRate has no tables")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    rules: [heart_rate]", 5, "it compares nothing")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    rules: [heart_rate > x]", 5, "there is no column 'x'")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    rules: [heart_rate > note]", 5, "'note' is no number or time")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    rules: [heart_rate > recorded_at]", 5, "a time is compared with something that is not a time")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    paired: [heart_rate]", 5, "cannot be put together")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    paired: [heart_rat, heart_rate]", 5, "did you mean 'heart_rate'?")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    ios: {a: {value: b}}", 5, "type HeartRate has no column 'b'")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    ios: {a: {set: {heart_rate: x}}}", 5, "expected a number")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    ios: [a]", 5, "ios of type HeartRate is not a map")]
    [InlineData("tables: heart_rate_metrics", "tables: t\n    ios: {a: ~, A: ~}", 5, "the iOS name A stands here a second time")]
    [InlineData("value_fields: [qty]", "lists: {workouts: HeartRat}", 1, "did you mean 'HeartRate'?")]
    [InlineData("value_fields: [qty]", "units: {kg: {lb: x}}", 1, "lb as kg is not a number")]
    [InlineData("value_fields: [qty]", "units: {kg: {lb: 0}}", 1, "the factor 0")]
    [InlineData("value_fields: [qty]", "units: {kg: 2}", 1, "unit kg has no other units")]
    [InlineData("value_fields: [qty]", "extends: helth-export", 1, "did you mean 'health-export'?")]
    public void A_mistake_is_told_with_its_line(string valid, string mistaken, int line, string expected)
    {
        var error = Assert.Throws<EtlException>(() => MetricMapReader.Parse(Valid.Replace(valid, mistaken, StringComparison.Ordinal), "a.yaml"));

        Assert.Equal("MetricMapInvalid", error.ErrorId);
        Assert.Contains($"a.yaml:{line}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mapping_that_is_not_there_is_told()
    {
        var error = Assert.Throws<EtlException>(() => MetricMapReader.Read("health-exprt"));

        Assert.Equal(("MetricMapNotFound", EtlErrorKind.NotFound), (error.ErrorId, error.Kind));
        Assert.Contains("'health-export'", error.NextStep, StringComparison.Ordinal);
    }
}
