using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Tests.Recovery.Payloads;

public sealed class PayloadFaultTests
{
    [Theory]
    [InlineData("""{"type":"HeartRate","heart_rate":50}""", "MissingField:HeartRate.recorded_at")]
    [InlineData("""{"type":"HeartRate","recorded_at":null,"heart_rate":50}""", "MissingField:HeartRate.recorded_at")]
    [InlineData("""{"type":"HeartRate","recorded_at":"yesterday","heart_rate":50}""", "InvalidTime:HeartRate.recorded_at")]
    [InlineData("""{"type":"HeartRate","recorded_at":1757292501,"heart_rate":50}""", "InvalidTime:HeartRate.recorded_at")]
    [InlineData("""{"heart_rate":14,"recorded_at":"2025-09-08","type":"HeartRate"}""", "OutOfRange:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":301}""", "OutOfRange:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":1e999}""", "OutOfRange:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":-1e999}""", "OutOfRange:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":"fast"}""", "WrongKind:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":true}""", "WrongKind:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":[50]}""", "WrongKind:HeartRate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","source_device":{"a":1}}""", "WrongKind:HeartRate.source_device")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","source_device":"a\u0000b"}""", "InvalidText:HeartRate.source_device")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","source_device":"a\ud800b"}""", "InvalidText:HeartRate.source_device")]
    [InlineData("""{"type":"Nutrition","recorded_at":"2025-09-08","meal_id":"12"}""", "WrongKind:Nutrition.meal_id")]
    [InlineData("""{"type":"BloodPressure","recorded_at":"2025-09-08","systolic":80,"diastolic":80}""", "RuleBroken:BloodPressure.systolic > diastolic")]
    [InlineData("""{"type":"BloodPressure","recorded_at":"2025-09-08","systolic":80}""", "MissingField:BloodPressure.diastolic")]
    [InlineData("""{"type":"Workout","workout_type":"yoga","started_at":"2025-09-08","ended_at":"2025-09-09 00:01"}""", "RuleBroken:Workout.minutes(started_at, ended_at) <= 1440")]
    [InlineData("""{"type":"Heart Rate","recorded_at":"2025-09-08"}""", "UnknownType:")]
    [InlineData("""{"type":"heartrate","recorded_at":"2025-09-08"}""", "MissingField:heartrate.heart_rate")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":NaN}""", "Malformed:")]
    [InlineData("""{"type":"HeartRate","recorded_at":"2025-09-08","source_device":"a" b"}""", "Malformed:")]
    [InlineData("""{"type":"HeartRate" "recorded_at":"2025-09-08"}""", "Malformed:")]
    [InlineData("\"just a text\"", "WrongKind:")]
    [InlineData("17", "WrongKind:")]
    [InlineData("null", "")]
    public async Task What_is_no_metric_is_told_and_those_around_it_are_read(string metric, string fault)
    {
        const string Good = """{"type":"HeartRate","recorded_at":"2025-01-01","heart_rate":50}""";

        var (sink, summary) = await PayloadSink.ReadAsync($$$"""{"data":{"metrics":[{{{Good}}},{{{metric}}},{{{Good}}}]}}""");

        Assert.Equal(2, sink.Rows.Count(row => row == "HeartRate recorded_at=2025-01-01T00:00:00Z heart_rate=50"));
        Assert.Equal(fault, Assert.Single(sink.FaultWords.DefaultIfEmpty("")).Replace("Malformed:HeartRate", "Malformed:", StringComparison.Ordinal));
        Assert.Equal(sink.Faults.Count, summary.Rejected);
        Assert.All(sink.Faults, told => Assert.Equal(2, told.Ordinal));
        Assert.Null(summary.TruncatedAt);
    }

    [Theory]
    [InlineData("body_mass", "stones", "UnknownUnit:body_mass.body_weight_kg")]
    [InlineData("body_mass", "Lb", "")]
    [InlineData("body_mass", "", "")]
    [InlineData("bmi", "count", "")]
    [InlineData("sleep_analysis", "parsec", "UnknownUnit:sleep_analysis")]
    public async Task A_unit_is_known_or_told(string name, string unit, string fault)
    {
        var (sink, _) = await PayloadSink.ReadAsync(
            $$"""{"metrics":[{"name":"{{name}}","units":"{{unit}}","data":[{"qty":45,"date":"2025-09-08","start":"2025-09-08 01:00","end":"2025-09-08 02:00"}]}]}""");

        Assert.Equal(fault, Assert.Single(sink.FaultWords.DefaultIfEmpty("")));
    }

    [Theory]
    [InlineData("blood_glucose", "mmol/L", "5.5", "blood_glucose_mg_dl=99.085734")]
    [InlineData("body_temperature", "degF", "98.6", "body_temperature=37")]
    [InlineData("body_temperature", "K", "310.15", "body_temperature=37")]
    [InlineData("dietary_energy", "kJ", "4184", "dietary_energy_consumed=1000")]
    [InlineData("dietary_energy", "Cal", "250", "dietary_energy_consumed=250")]
    [InlineData("dietary_energy", "cal", "250000", "dietary_energy_consumed=250")]
    [InlineData("dietary_water", "mL", "250", "dietary_water=0.25")]
    [InlineData("dietary_water", "fl_oz_us", "10", "dietary_water=0.295735295625")]
    [InlineData("walking_running_distance", "mi", "1", "distance_meters=1609.344")]
    [InlineData("walking_running_distance", "km", "0.8048", "distance_meters=804.8")]
    [InlineData("height", "ft", "6", "height_cm=182.88")]
    [InlineData("body_mass", "st", "11", "body_weight_kg=69.85322498")]
    [InlineData("oxygen_saturation", "%", "0.97", "oxygen_saturation=97")]
    [InlineData("oxygen_saturation", "%", "97", "oxygen_saturation=97")]
    [InlineData("walking_asymmetry_percentage", "%", "0.5", "walking_asymmetry_percent=0.5")]
    [InlineData("resting_heart_rate", "count/s", "1", "resting_heart_rate=60")]
    [InlineData("apple_exercise_time", "hr", "1.5", "apple_exercise_time_minutes=90")]
    [InlineData("walking_speed", "km/hr", "3.6", "walking_speed_m_per_s=1")]
    [InlineData("vo2_max", "ml/(kg\u00b7min)", "42.5", "vo2_max_ml_kg_min=42.5")]
    public async Task A_measurement_is_converted_to_the_unit_of_its_column(string name, string unit, string value, string expected)
    {
        var item = $$"""{"qty":{{value}},"date":"2025-09-08"}""";
        var own = $$"""{"unit":"{{unit}}","qty":{{value}},"date":"2025-09-08"}""";
        foreach (var payload in new[]
        {
            $$"""{"metrics":[{"name":"{{name}}","units":"{{unit}}","data":[{{item}}]}]}""",
            $$"""{"metrics":[{"data":[{{item}}],"name":"{{name}}","units":"{{unit}}"}]}""",
            $$$"""{"metrics":{"{{{name}}}":[{{{own}}}]}}""",
        })
        {
            var (sink, _) = await PayloadSink.ReadAsync(payload);

            Assert.Empty(sink.FaultWords);
            Assert.Contains($" {expected}", Assert.Single(sink.Rows) + " ", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_kind_of_column_is_read()
    {
        var (sink, _) = await PayloadSink.ReadAsync(
            """
            {"metrics":[
              {"type":"HeartRate","recorded_at":"2025-09-08","vo2_max_ml_kg_min":"42.50","heart_rate":70.5,"context":"Post-Meal","source_device":"Casey\u2019s Watch"},
              {"type":"SafetyEvent","recorded_at":"2025-09-08","event_type":"fall_detected","indoor_location":true,"resolution_time":"2025-09-08T01:00:00Z","device_motion_data":{"x": [1, "]"]}},
              {"type":"MentalHealth","recorded_at":"2025-09-08","state_of_mind_labels":["calm","ok"],"notes_encryption_key_id":"B479A3B9-9EF1-4A82-9771-ADFF57432E18","mood_rating":5.0},
              {"type":"Activity","recorded_at":"2025-09-08","step_count":1.5,"apple_stand_hour_achieved":false,"distance_meters":3}]}
            """);

        Assert.Equal(
            [
                "HeartRate recorded_at=2025-09-08T00:00:00Z heart_rate=71 vo2_max_ml_kg_min=42.5 context=post_meal source_device=Casey\u2019s Watch",
                "SafetyEvent recorded_at=2025-09-08T00:00:00Z event_type=fall_detected indoor_location=true resolution_time=2025-09-08T01:00:00Z device_motion_data={\"x\": [1, \"]\"]}",
                "MentalHealth recorded_at=2025-09-08T00:00:00Z state_of_mind_labels=[\"calm\",\"ok\"] mood_rating=5 notes_encryption_key_id=b479a3b9-9ef1-4a82-9771-adff57432e18",
                "Activity recorded_at=2025-09-08T00:00:00Z step_count=2 distance_meters=3 apple_stand_hour_achieved=false",
            ],
            sink.Rows);
    }

    [Fact]
    public async Task Fields_the_mapping_does_not_know_are_counted()
    {
        const string Metric = """{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":50,"mood":"x","Jane Roe":1}""";

        var (sink, summary) = await PayloadSink.ReadAsync($$"""{"metrics":[{{Metric}},{{Metric}}]}""");

        Assert.Equal(2, sink.Rows.Count);
        Assert.Equal(new Dictionary<string, long> { ["HeartRate.mood"] = 2, ["HeartRate."] = 2 }, summary.UnknownFields);
    }

    [Fact]
    public async Task What_is_told_never_holds_a_value()
    {
        const string Secret = "Jane-Roe-19700101";
        var metrics = new[]
        {
            $$"""{"type":"HeartRate","recorded_at":"{{Secret}}"}""",
            $$"""{"type":"HeartRate","recorded_at":"2025-09-08","heart_rate":"{{Secret}}"}""",
            $$"""{"type":"{{Secret}}"}""",
            $$"""{"name":"{{Secret}}","data":[{"qty":1}]}""",
            $$"""{"name":"body_mass","units":"{{Secret}}","data":[{"qty":50,"date":"2025-09-08"}]}""",
            $$"""{"type":"HeartRate","{{Secret}}":1,"recorded_at":"2025-09-08"}""",
            $$"""{"type":"HeartRate","source_device":"{{Secret}}\u0000","recorded_at":"2025-09-08"}""",
            $$"""{"type":"HeartRate","source_device":"{{Secret}}" x,"recorded_at":"2025-09-08"}""",
        };
        foreach (var metric in metrics)
        {
            foreach (var payload in new[] { $$"""{"metrics":[{{metric}}]}""", $$"""{"metrics":[{{metric}}""", $$"""{"{{Secret}}":[{{metric}}],"raw_text":"{{Secret}}"}""" })
            {
                var (sink, summary) = await PayloadSink.ReadAsync(payload);

                Assert.DoesNotContain(Secret, string.Concat(sink.FaultWords), StringComparison.Ordinal);
                Assert.DoesNotContain(Secret, string.Concat(summary.UnknownFields.Keys), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_reader_reads_one_payload_after_the_other()
    {
        var reader = new PayloadReader(PayloadSink.Map);
        for (var i = 0; i < 3; i++)
        {
            var sink = new PayloadSink();
            var summary = await reader.ReadAsync(
                _ => ValueTask.FromResult<Stream>(new MemoryStream("""{"metrics":[{"type":"HeartRate","recorded_at":"2025-09-08"},{"type":"X"}]}"""u8.ToArray())), sink, default);

            Assert.Equal((2L, 1L, 1L), (summary.Seen, summary.Accepted, summary.Rejected));
        }
    }

    // Whoever hashes what is read has all of it.
    [Theory]
    [InlineData("""{"metrics":[{"type":"HeartRate","recorded_at":"2025-09-08"}]}""")]
    [InlineData("""{"metrics":[{"data":[{"qty":1,"date":"2025-09-08"}],"name":"steps"}]}   """)]
    [InlineData("""{"raw_text":"{\"metrics\":[{\"data\":[{\"qty\":1,\"date\":\"2025-09-08\"}],\"name\":\"steps\"}]}","corrupted":true}""")]
    [InlineData("""{"raw_text":"nonsense","corrupted":true}""")]
    [InlineData("nonsense")]
    public async Task The_last_stream_is_read_to_its_end(string payload)
    {
        foreach (var bufferBytes in new[] { 0, 1, 30 })
        {
            var streams = new List<PieceStream>();
            var reader = new PayloadReader(PayloadSink.Map, Math.Max(bufferBytes, 16));
            var summary = await reader.ReadAsync(
                _ =>
                {
                    streams.Add(new PieceStream(System.Text.Encoding.UTF8.GetBytes(payload), bufferBytes, bufferBytes == 1));
                    return ValueTask.FromResult<Stream>(streams[^1]);
                },
                new PayloadSink(),
                default);

            Assert.True(streams[^1].IsAtEnd);
            Assert.All(streams, stream => Assert.True(stream.IsDisposed));
            Assert.True(summary.Shape == PayloadShape.Corrupted || summary.Bytes == payload.Length);
        }
    }

    [Fact]
    public async Task Reading_can_be_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new PayloadReader(PayloadSink.Map).ReadAsync(
            _ => ValueTask.FromResult<Stream>(new PieceStream("{}"u8.ToArray(), 0, true)), new PayloadSink(), cancellation.Token));
    }
}
