using System.Text.Json;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Tests.Recovery.Payloads;

/// <summary>Every shape a stored payload is known to have, as it stands in the field.</summary>
public sealed class PayloadShapeTests
{
    private const string HeartRate =
        """{"type":"HeartRate","id":"9054a902-eeac-4ac4-a50f-fd4c600f4701","user_id":"b479a3b9-9ef1-4a82-9771-adff57432e18","recorded_at":"2025-01-01T05:00:00Z","heart_rate":50,"context":"resting","created_at":"2025-01-01T05:00:01Z"}""";

    private const string Workout =
        """{"id":"9054a902-eeac-4ac4-a50f-fd4c600f4701","workout_type":"running","started_at":"2025-01-01T05:00:00Z","ended_at":"2025-01-01T05:30:00Z","distance_meters":5000.5}""";

    private const string HeartRateRow = "HeartRate recorded_at=2025-01-01T05:00:00Z heart_rate=50 context=resting";
    private const string WorkoutRow = "Workout workout_type=running started_at=2025-01-01T05:00:00Z ended_at=2025-01-01T05:30:00Z distance_meters=5000.5";

    [Theory]
    [InlineData("""{"data":{"metrics":[M],"workouts":[W]}}""")]
    [InlineData("""{"metrics":[M],"workouts":[W]}""")]
    [InlineData("""{"data": {"workouts": [W], "metrics": [ M ]}}""")]
    [InlineData("\uFEFF{\"data\":{\"metrics\":[M],\"workouts\":[W]}}")]
    public async Task Internal(string payload)
    {
        var (sink, summary) = await PayloadSink.ReadAsync(Fill(payload));

        Assert.Equal([HeartRateRow, WorkoutRow], sink.Rows.Order());
        Assert.Equal((PayloadShape.Internal, PayloadShape.Internal, 2L, 2L, 0L), (summary.Shape, summary.InnerShape, summary.Seen, summary.Accepted, summary.Rejected));
        Assert.Empty(sink.Faults);
        Assert.Empty(summary.UnknownFields);
        Assert.Null(summary.TruncatedAt);
    }

    [Theory]
    [InlineData("""{"data":{"metrics":[{"name":"step_count","units":"count","data":[A,B]}],"workouts":[]}}""")]
    [InlineData("""{"data":{"metrics":[{"units":"count","name":"step_count","data":[A,B]}]}}""")]
    [InlineData("""{"data":{"metrics":[{"data":[A,B],"name":"step_count","units":"count"}],"workouts":[]}}""")]
    [InlineData("""{"data":{"metrics":[{"name":"step_count","data":[A,B],"units":"count"}],"workouts":[]}}""")]
    [InlineData("""{"metrics":[{"data":[],"name":"heart_rate"},{"data":[A,B],"name":"HKQuantityTypeIdentifierStepCount"}]}""")]
    public async Task Ios_array(string payload)
    {
        var (sink, summary) = await PayloadSink.ReadAsync(payload
            .Replace("A", """{"qty":120,"date":"2025-09-08 00:48:21 -0500","source":"iPhone"}""", StringComparison.Ordinal)
            .Replace("B", """{"date":"2025-09-08 00:49:21 -0500","qty":7.5}""", StringComparison.Ordinal));

        Assert.Equal(
            ["Activity recorded_at=2025-09-08T05:48:21Z step_count=120 source_device=iPhone", "Activity recorded_at=2025-09-08T05:49:21Z step_count=8"],
            sink.Rows);
        Assert.Equal([1, 2], sink.Ordinals);
        Assert.Equal(PayloadShape.IosArray, summary.Shape);
    }

    [Fact]
    public async Task Ios_array_whose_labels_come_behind_the_data()
    {
        var (sink, summary) = await PayloadSink.ReadAsync(
            """
            {"data": {"metrics": [
              {"data": [{"qty": 70.5, "date": "2025-09-08"}], "name": "weight_body_mass", "units": "kg"},
              {"data": [{"qty": 150, "date": "2025-09-09"}], "name": "body_mass", "units": "lb"},
              {"name": "unused"},
              {"data": [{"qty": 100, "date": "2025-09-09"}], "name": "active_energy", "units": "kJ"}]}}
            """);

        Assert.Equal(
            [
                "BodyMeasurement recorded_at=2025-09-08T00:00:00Z body_weight_kg=70.5 measurement_source=iOS",
                "BodyMeasurement recorded_at=2025-09-09T00:00:00Z body_weight_kg=68.0388555 measurement_source=iOS",
                "Activity recorded_at=2025-09-09T00:00:00Z active_energy_burned_kcal=23.9005736138",
            ],
            sink.Rows);
        Assert.Equal(3, summary.Accepted);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task Ios_map()
    {
        var (sink, summary) = await PayloadSink.ReadAsync(
            """
            {"data":{"metrics":{
              "HKQuantityTypeIdentifierStepCount":[{"qty":120,"date":"2025-09-08 00:48:21 +0000","units":"count"}],
              "HKQuantityTypeIdentifierHeartRate":[{"type":"HKQuantityTypeIdentifierHeartRate","unit":"count/min","value":"72","startDate":"2025-01-15 08:30:00 +0000","endDate":"2025-01-15 08:31:00 +0000","sourceName":"Watch"}],
              "HKQuantityTypeIdentifierBodyMass":{"data":[{"qty":10,"date":"2025-09-08"}],"units":"st"}},
             "workouts":[{"workoutActivityType":"HKWorkoutActivityTypeTraditionalStrengthTraining","startDate":"2025-01-15 07:00:00 +0000","endDate":"2025-01-15 07:45:00 +0000","totalEnergyBurned":320.5,"metadata":{"HKAverageHeartRate":155}},
              {"name":"Outdoor Run","start":"2025-01-15 17:00:00 +0000","end":"2025-01-15 17:45:00 +0000","activeEnergyBurned":{"qty":418.4,"units":"kJ"},"distance":{"units":"km","qty":5.5},"heartRate":{"avg":{"qty":150.4,"units":"bpm"}}}]}}
            """);

        Assert.Equal(
            [
                "Activity recorded_at=2025-09-08T00:48:21Z step_count=120",
                "HeartRate recorded_at=2025-01-15T08:30:00Z heart_rate=72 source_device=Watch",
                "BodyMeasurement recorded_at=2025-09-08T00:00:00Z body_weight_kg=63.5029318 measurement_source=iOS",
                "Workout workout_type=traditional_strength_training started_at=2025-01-15T07:00:00Z ended_at=2025-01-15T07:45:00Z total_energy_kcal=320.5 avg_heart_rate=155",
                "Workout workout_type=running started_at=2025-01-15T17:00:00Z ended_at=2025-01-15T17:45:00Z active_energy_kcal=100 distance_meters=5500 avg_heart_rate=150",
            ],
            sink.Rows);
        Assert.Equal(PayloadShape.IosMap, summary.Shape);
    }

    [Fact]
    public async Task Heart_rate_as_minimum_average_and_maximum()
    {
        var (sink, _) = await PayloadSink.ReadAsync(
            """{"data":{"metrics":[{"name":"heart_rate","units":"bpm","data":[{"Min":60,"Avg":71.5,"Max":80,"date":"2025-09-08 10:00:00 +0000"}]}]}}""");

        Assert.Equal(["HeartRate recorded_at=2025-09-08T10:00:00Z heart_rate=72"], sink.Rows);
    }

    [Fact]
    public async Task Blood_pressure_that_comes_in_halves()
    {
        var (sink, summary) = await PayloadSink.ReadAsync(
            """
            {"data":{"metrics":[
              {"name":"blood_pressure_systolic","units":"mmHg","data":[
                {"qty":121,"date":"2025-09-08 11:00:00 +0000","source":"Cuff"},
                {"qty":120,"date":"2025-09-08 10:00:00 +0000","source":"Cuff"},
                {"qty":90,"date":"2025-09-08 12:00:00 +0000"},
                {"qty":118,"date":"2025-09-08 13:00:00 +0000"}]},
              {"name":"blood_pressure_diastolic","units":"mmHg","data":[
                {"qty":80,"date":"2025-09-08 12:00:00 +0200"},
                {"qty":81,"date":"2025-09-08 11:00:00 +0000"},
                {"qty":95,"date":"2025-09-08 12:00:00 +0000"},
                {"qty":79,"date":"2025-09-08 14:00:00 +0000"},
                {"qty":5,"date":"2025-09-08 15:00:00 +0000"}]}]}}
            """);

        Assert.Equal(
            [
                "BloodPressure recorded_at=2025-09-08T10:00:00Z systolic=120 diastolic=80 source_device=Cuff",
                "BloodPressure recorded_at=2025-09-08T11:00:00Z systolic=121 diastolic=81 source_device=Cuff",
            ],
            sink.Rows);
        Assert.Equal([5, 6], sink.Ordinals);
        Assert.Equal(
            [
                "OutOfRange:blood_pressure_diastolic.diastolic", "RuleBroken:BloodPressure.systolic > diastolic",
                "MissingField:BloodPressure.diastolic", "MissingField:BloodPressure.systolic",
            ],
            sink.FaultWords);
        Assert.Equal((6L, 2L, 4L), (summary.Seen, summary.Accepted, summary.Rejected));
    }

    [Fact]
    public async Task Blood_pressure_as_one_metric()
    {
        var (sink, _) = await PayloadSink.ReadAsync(
            """{"data":{"metrics":[{"data":[{"date":"2025-09-08 10:00:00 +0000","systolic":120,"diastolic":80.4}],"name":"blood_pressure","units":"mmHg"}]}}""");

        Assert.Equal(["BloodPressure recorded_at=2025-09-08T10:00:00Z systolic=120 diastolic=80"], sink.Rows);
    }

    [Fact]
    public async Task Sleep_analysis_in_hours()
    {
        var (sink, summary) = await PayloadSink.ReadAsync(
            """
            {"data":{"metrics":[{"data":[
              {"date":"2025-09-08","sleepStart":"2025-09-07 23:00:00 +0000","sleepEnd":"2025-09-08 07:00:00 +0000","totalSleep":7.5,"asleep":0,"core":4.5,"deep":1.25,"rem":1.75,"awake":0.5,"inBed":0,"inBedStart":"2025-09-07 22:00:00 +0000","source":"Watch"},
              {"sleepStart":"2025-09-08 07:00:00 +0000","sleepEnd":"2025-09-08 07:00:00 +0000","asleep":1},
              {"sleepStart":"2025-09-08 08:00:00 +0000","sleepEnd":"2025-09-08 09:00:00 +0000","deep":1,"rem":1},
              {"sleepStart":"2025-09-08 08:00:00 +0000","deep":1}],"name":"sleep_analysis","units":"hr"}]}}
            """);

        Assert.Equal(
            ["Sleep sleep_start=2025-09-07T23:00:00Z sleep_end=2025-09-08T07:00:00Z duration_minutes=450 deep_sleep_minutes=75 rem_sleep_minutes=105 light_sleep_minutes=270 awake_minutes=30 source_device=Watch"],
            sink.Rows);
        Assert.Equal(
            [
                "RuleBroken:sleep_analysis.sleep_end > sleep_start",
                "RuleBroken:sleep_analysis.deep_sleep_minutes + rem_sleep_minutes + light_sleep_minutes + awake_minutes <= minutes(sleep_start, sleep_end) + 2",
                "MissingField:sleep_analysis.sleep_end",
            ],
            sink.FaultWords);
        Assert.Empty(summary.UnknownFields);
    }

    [Fact]
    public async Task What_an_ios_name_says_by_itself()
    {
        var (sink, _) = await PayloadSink.ReadAsync(
            """
            {"data":{"metrics":{
              "environmental_audio_exposure":[{"qty":85,"date":"2025-09-08","units":"dBASPL"},{"qty":84.9,"date":"2025-09-09","duration_minutes":5}],
              "HKCategoryTypeIdentifierLowerBackPain":[{"value":"Moderate","start":"2025-09-08","qty":1},{"value":"Present","start":"2025-09-08"}],
              "HKCategoryTypeIdentifierMenstrualFlow":[{"qty":1,"value":"HKCategoryValueMenstrualFlowHeavy","date":"2025-09-08"}],
              "sexual_activity":[{"date":"2025-09-08","Unspecified":1}]}}}
            """);

        Assert.Equal(
            [
                "AudioExposure recorded_at=2025-09-08T00:00:00Z environmental_audio_exposure_db=85 exposure_duration_minutes=0 audio_exposure_event=true",
                "AudioExposure recorded_at=2025-09-09T00:00:00Z environmental_audio_exposure_db=84.9 exposure_duration_minutes=5 audio_exposure_event=false",
                "Symptom recorded_at=2025-09-08T00:00:00Z symptom_type=back_pain severity=moderate",
                "Menstrual recorded_at=2025-09-08T00:00:00Z menstrual_flow=heavy",
                "Fertility recorded_at=2025-09-08T00:00:00Z sexual_activity=true",
            ],
            sink.Rows);
        Assert.Equal(["MissingField:HKCategoryTypeIdentifierLowerBackPain.severity"], sink.FaultWords);
    }

    [Theory]
    [InlineData("""{"note": "Raw payload too large for JSON storage", "size_bytes": 12000000, "received_at": "2025-09-08T00:00:00Z", "large_payload": true, "needs_parsing": true}""")]
    [InlineData("""{"large_payload":true}""")]
    public async Task A_stub_cannot_be_recovered(string payload)
    {
        var (_, summary) = await PayloadSink.ReadAsync(payload);

        Assert.Equal((PayloadShape.Stub, UnrecoverableReason.DataNotKept, 0L), (summary.Shape, summary.Unrecoverable, summary.Seen));
    }

    [Theory]
    [InlineData("""{"raw_payload":T,"needs_parsing":true,"received_at":"2025-09-08","size_bytes":5}""", PayloadShape.TextInside)]
    [InlineData("""{"size_bytes":5,"raw_payload":T}""", PayloadShape.TextInside)]
    [InlineData("T", PayloadShape.TextInside)]
    [InlineData("""{"raw_text": T, "corrupted": true, "timestamp": "2025-09-08", "parse_error": "EOF"}""", PayloadShape.Corrupted)]
    public async Task A_payload_in_a_text(string payload, PayloadShape shape)
    {
        foreach (var inner in new[]
        {
            """{"data":{"metrics":[M],"workouts":[W]}}""",
            """{"data":{"metrics":[{"data":[{"qty":50,"date":"2025-01-01T05:00:00Z","context":"resting"}],"name":"heart_rate"}],"workouts":[W]}}""",
        })
        {
            var text = JsonSerializer.Serialize(Fill(inner));
            var (sink, summary) = await PayloadSink.ReadAsync(payload.Replace("T", text, StringComparison.Ordinal));

            Assert.Equal([HeartRateRow, WorkoutRow], sink.Rows);
            Assert.Equal(shape, summary.Shape);
            Assert.NotEqual(shape, summary.InnerShape);
        }
    }

    [Fact]
    public async Task A_corrupted_text_gives_every_metric_that_is_complete()
    {
        var text = JsonSerializer.Serialize(Fill("""{"data":{"metrics":[M,M,{"type":"HeartRate","recorded_at":"2025-01-0"""));
        var (sink, summary) = await PayloadSink.ReadAsync($$"""{"raw_text":{{text}},"corrupted":true}""");

        Assert.Equal([HeartRateRow, HeartRateRow], sink.Rows);
        Assert.Equal(["Incomplete:HeartRate"], sink.FaultWords);
        Assert.Equal((PayloadShape.Corrupted, PayloadShape.Internal), (summary.Shape, summary.InnerShape));
        Assert.NotNull(summary.TruncatedAt);
    }

    [Theory]
    [InlineData("{}", PayloadShape.Empty, UnrecoverableReason.NoMetrics)]
    [InlineData("[]", PayloadShape.Empty, UnrecoverableReason.NoMetrics)]
    [InlineData("""{"data":{"metrics":[],"workouts":[]}}""", PayloadShape.Empty, UnrecoverableReason.NoMetrics)]
    [InlineData("""{"data":{"metrics":{}}}""", PayloadShape.Empty, UnrecoverableReason.NoMetrics)]
    [InlineData("""{"data":null}""", PayloadShape.Empty, UnrecoverableReason.NoMetrics)]
    [InlineData("""{"raw_payload":"","needs_parsing":true}""", PayloadShape.TextInside, UnrecoverableReason.NotJson)]
    [InlineData("""{"raw_text":"<html>","corrupted":true}""", PayloadShape.Corrupted, UnrecoverableReason.NotJson)]
    [InlineData("", PayloadShape.NotJson, UnrecoverableReason.NotJson)]
    [InlineData("  nonsense", PayloadShape.NotJson, UnrecoverableReason.NotJson)]
    [InlineData("""{"data":{"met""", PayloadShape.NotJson, UnrecoverableReason.NotJson)]
    [InlineData("null", PayloadShape.NotJson, UnrecoverableReason.NotJson)]
    [InlineData("12", PayloadShape.NotJson, UnrecoverableReason.NotJson)]
    public async Task Nothing_to_recover(string payload, PayloadShape shape, UnrecoverableReason reason)
    {
        var (sink, summary) = await PayloadSink.ReadAsync(payload);

        Assert.Equal((shape, reason), (summary.Shape, summary.Unrecoverable));
        Assert.Empty(sink.Rows);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task What_the_mapping_does_not_know_is_counted_and_never_named()
    {
        var (sink, summary) = await PayloadSink.ReadAsync(
            """{"data":{"metrics":[{"type":"Ecg","a":1},{"type":"Jane Roe 1970"},{"x":1},{"name":"moon_phase","data":[{"qty":1},{"qty":2}]}],"ecg":[{"a":[{}]},{}],"tags":["a"]}}""");

        Assert.Equal(Enumerable.Repeat("UnknownType:", 7), sink.FaultWords);
        Assert.Equal((7L, 7L), (summary.Unknown, summary.Seen));
    }

    private static string Fill(string payload) => payload
        .Replace("M", HeartRate, StringComparison.Ordinal)
        .Replace("W", Workout, StringComparison.Ordinal);
}
