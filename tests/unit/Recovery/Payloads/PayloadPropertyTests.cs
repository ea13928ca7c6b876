using System.Globalization;
using System.Text;
using EtlTools.Core.Recovery.Payloads;
using FsCheck;
using FsCheck.Fluent;

namespace EtlTools.Tests.Recovery.Payloads;

/// <summary>A few metrics, written in every shape and in many ways, are read back as what they were.</summary>
public sealed class PayloadPropertyTests
{
    private static readonly Reading[] Readings =
    [
        new("HeartRate", "heart_rate", ["heart_rate", "HKQuantityTypeIdentifierHeartRate"], "count/min", 15, 300, 0),
        new("Activity", "step_count", ["step_count", "steps"], "count", 0, 200_000, 0),
        new("BodyMeasurement", "body_weight_kg", ["weight_body_mass", "HKQuantityTypeIdentifierBodyMass"], "kg", 20, 500, 2),
        new("Respiratory", "oxygen_saturation", ["oxygen_saturation"], "%", 70, 100, 1),
    ];

    private static readonly string?[] Sources = [null, "iPhone", "Casey\u2019s Watch", "a \"b\" \\ \u00e9 \U0001F600 {[", "x"];

    private static Gen<Measurement> Measurements =>
        from reading in Gen.Elements(Readings)
        from value in Gen.Choose(0, 1_000_000)
        from seconds in Gen.Choose(0, 2_000_000_000)
        from hours in Gen.Choose(-12, 14)
        from source in Gen.Elements(Sources)
        select new Measurement(reading, reading.ValueOf(value), DateTimeOffset.FromUnixTimeSeconds(seconds).ToOffset(TimeSpan.FromHours(hours)), source);

    // Few are tiny: a metric is looked at again whenever a piece of it arrives.
    private static Gen<int> BufferSizes => Gen.Frequency((1, Gen.Choose(1, 15)), (9, Gen.Choose(16, 300)));

    private static Gen<Sample> Samples =>
        from measurements in Measurements.ArrayOf()
        from shape in Gen.Elements(PayloadShape.Internal, PayloadShape.IosArray, PayloadShape.IosMap)
        from wrapped in Gen.Elements(true, false)
        from outer in Gen.Elements("", "", "raw_text", "raw_payload")
        from seed in Gen.Choose(0, int.MaxValue)
        from bufferBytes in BufferSizes
        from canSeek in Gen.Elements(true, false)
        select new Sample(measurements, shape, wrapped, outer, seed, bufferBytes, canSeek);

    [Fact]
    public void Metrics_are_read_from_any_shape_as_they_were_written()
    {
        Prop.ForAll(Samples.ToArbitrary(), sample =>
        {
            var (sink, summary) = PayloadSink.ReadAsync(sample.Write(), sample.BufferBytes, sample.CanSeek).Result;

            Assert.Equal(
                string.Join('\n', sample.Measurements.Select(sample.RowOf).Order(StringComparer.Ordinal)),
                string.Join('\n', sink.Rows.Order(StringComparer.Ordinal)));
            Assert.Empty(sink.Faults);
            Assert.Null(summary.TruncatedAt);
            Assert.Equal(sample.Measurements.Length, summary.Seen);
            Assert.Equal(sample.Measurements.Length > 0 ? sample.Shape : PayloadShape.Empty, sample.Measurements.Length > 0 ? summary.InnerShape : PayloadShape.Empty);
            Assert.Equal(summary.Seen, summary.Types.Sum(type => type.Accepted));
            Assert.Equal(Enumerable.Range(1, sink.Rows.Count).Select(ordinal => (long)ordinal), sink.Ordinals);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Pressures_that_come_in_halves_are_put_together()
    {
        var samples =
            from pressures in (from minute in Gen.Choose(0, 8)
                               from diastolic in Gen.Choose(50, 150)
                               from difference in Gen.Choose(1, 100)
                               from has in Gen.Elements("both", "both", "systolic", "diastolic")
                               select (Minute: minute, Systolic: diastolic + difference, Diastolic: diastolic, Has: has)).ArrayOf()
            from seed in Gen.Choose(0, int.MaxValue)
            from bufferBytes in BufferSizes
            select (Pressures: pressures, Seed: seed, BufferBytes: bufferBytes);
        Prop.ForAll(samples.ToArbitrary(), sample =>
        {
            var text = new PayloadText(new Random(sample.Seed));
            object[] Halves(string name, Func<(int Minute, int Systolic, int Diastolic, string Has), int> value) =>
            [
                .. sample.Pressures.Where(pressure => pressure.Has == "both" || pressure.Has == name)
                    .Select(pressure => text.WithNoise(("qty", value(pressure)), ("date", $"2025-09-08 10:0{pressure.Minute}:00 +0000"))),
            ];
            var payload = text.Write(new List<(string, object)>
            {
                ("metrics", new object[]
                {
                    new List<(string, object)> { ("name", "blood_pressure_systolic"), ("data", Halves("systolic", pressure => pressure.Systolic)) },
                    new List<(string, object)> { ("name", "blood_pressure_diastolic"), ("data", Halves("diastolic", pressure => pressure.Diastolic)) },
                }),
            });
            var (sink, summary) = PayloadSink.ReadAsync(payload, sample.BufferBytes).Result;

            // Each minute by itself: as many pairs as there are halves of both kinds, in their order.
            var expected = sample.Pressures.GroupBy(pressure => pressure.Minute).OrderBy(minute => minute.Key).Select(minute => (
                Pairs: minute.Where(pressure => pressure.Has != "diastolic").Zip(minute.Where(pressure => pressure.Has != "systolic")).ToList(),
                Metrics: Math.Max(minute.Count(pressure => pressure.Has != "diastolic"), minute.Count(pressure => pressure.Has != "systolic"))));
            Assert.Equal(expected.Sum(minute => minute.Metrics), summary.Seen);
            Assert.Equal(
                expected.SelectMany(minute => minute.Pairs).Where(pair => pair.First.Systolic > pair.Second.Diastolic)
                    .Select(pair => $"BloodPressure recorded_at=2025-09-08T10:0{pair.First.Minute}:00Z systolic={pair.First.Systolic} diastolic={pair.Second.Diastolic}"),
                sink.Rows);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public async Task A_payload_cut_off_anywhere_gives_the_metrics_before_the_cut()
    {
        const int Count = 5;
        var random = new Random(1);
        Measurement[] measurements =
            [.. Enumerable.Range(0, Count).Select(i => new Measurement(Readings[i / 2], Readings[i / 2].ValueOf(random.Next()), DateTimeOffset.UnixEpoch.AddDays(i), Sources[i]))];
        foreach (var shape in new[] { PayloadShape.Internal, PayloadShape.IosArray, PayloadShape.IosMap })
        {
            foreach (var outer in new[] { "", "raw_text" })
            {
                var sample = new Sample(measurements, shape, true, outer, 7, 64, true) { KeepsOrder = true };
                var payload = Encoding.UTF8.GetBytes(sample.Write());
                var (whole, _) = await PayloadSink.ReadAsync(Encoding.UTF8.GetString(payload));
                Assert.Equal(Count, whole.Rows.Count);
                var reader = new PayloadReader(PayloadSink.Map, 64);
                var last = 0;
                for (var length = 0; length <= payload.Length; length++)
                {
                    var sink = new PayloadSink();
                    var cut = payload[..length];
                    var summary = await reader.ReadAsync(_ => ValueTask.FromResult<Stream>(new PieceStream(cut, 0, true)), sink, default);
                    Assert.Equal(whole.Rows.Take(sink.Rows.Count), sink.Rows);
                    Assert.InRange(sink.Rows.Count, last, last + 1);
                    Assert.Equal([], sink.FaultWords.Where(word => !word.StartsWith("Incomplete:", StringComparison.Ordinal)));
                    Assert.True(sink.Faults.Count <= 1);
                    Assert.True(summary.TruncatedAt is not null || outer.Length > 0 || length == payload.Length || payload[length..].All(rest => rest <= ' '));
                    last = sink.Rows.Count;
                }

                Assert.Equal(Count, last);
            }
        }
    }

    [Fact]
    public async Task What_a_cut_off_list_in_the_order_of_jsonb_holds_cannot_be_known()
    {
        const string Payload =
            """{"data": {"metrics": [{"data": [{"qty": 1, "date": "2025-09-08"}], "name": "steps"}, {"data": [{"qty": 2, "date": "2025-09-08"}, {"qty": 3, "date":""";

        var (sink, summary) = await PayloadSink.ReadAsync(Payload);

        Assert.Equal(["Activity recorded_at=2025-09-08T00:00:00Z step_count=1"], sink.Rows);
        Assert.Equal(["UnknownType:", "Incomplete:"], sink.FaultWords);
        Assert.Equal(Payload.LastIndexOf('{'), summary.TruncatedAt);
    }

    internal sealed record Reading(string Type, string Column, string[] IosNames, string Unit, int Minimum, int Maximum, int Decimals)
    {
        public decimal ValueOf(int number)
        {
            var scale = (int)Math.Pow(10, Decimals);
            return Minimum + ((decimal)(number % (((Maximum - Minimum) * scale) + 1)) / scale);
        }
    }

    internal sealed record Measurement(Reading Reading, decimal Value, DateTimeOffset Time, string? Source)
    {
        public string Number => Value.ToString("0.##", CultureInfo.InvariantCulture);
    }

    internal sealed record Sample(Measurement[] Measurements, PayloadShape Shape, bool IsWrapped, string Outer, int Seed, int BufferBytes, bool CanSeek)
    {
        /// <summary>Labels before data, and nothing that is not needed.</summary>
        public bool KeepsOrder { get; init; }

        public string RowOf(Measurement measurement) => string.Join(
            ' ',
            new[]
            {
                measurement.Reading.Type,
                $"recorded_at={measurement.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}",
                $"{measurement.Reading.Column}={measurement.Number}",
                measurement.Reading.Type == "BodyMeasurement" && Shape != PayloadShape.Internal ? "measurement_source=iOS" : "",
                measurement.Source is null ? "" : $"source_device={measurement.Source}",
            }.Where(part => part.Length > 0));

        public string Write()
        {
            var random = new Random(Seed);
            var text = new PayloadText(random) { KeepsOrder = KeepsOrder };
            object metrics = Shape switch
            {
                PayloadShape.Internal => Measurements.Select(measurement => Internal(measurement, text)).ToArray<object>(),
                PayloadShape.IosArray => Groups(random).Select(group => Fields(
                    text, ("name", group.Name), ("units", group.Measurements[0].Reading.Unit), ("data", Items(group.Measurements, text)))).ToArray<object>(),
                _ => Groups(random).DistinctBy(group => group.Name).Count() == Groups(random).Count
                    ? Groups(random).Select(group => (group.Name, (object)Items(group.Measurements, text))).ToList()
                    : Measurements.GroupBy(measurement => measurement.Reading).Select(group => (group.Key.IosNames[0], (object)Items([.. group], text))).ToList(),
            };
            var data = new List<(string, object)> { ("metrics", metrics), ("workouts", Array.Empty<object>()) };
            var payload = text.Write(IsWrapped ? new List<(string, object)> { ("data", data) } : data);
            return Outer.Length == 0 ? payload : new PayloadText(random).Write(Fields(text, ("needs_parsing", true), (Outer, payload)));
        }

        private List<(string, object)> Fields(PayloadText text, params IEnumerable<(string, object)> fields) =>
            KeepsOrder ? [.. fields] : text.WithNoise(fields);

        private List<(string, object)> Internal(Measurement measurement, PayloadText text) => Fields(
            text,
            ("type", measurement.Reading.Type),
            ("id", Guid.Empty.ToString()),
            ("recorded_at", measurement.Time.ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture)),
            (measurement.Reading.Column, new PayloadText.Raw(measurement.Number)),
            ("source_device", measurement.Source is null ? new PayloadText.Raw("null") : measurement.Source));

        private object[] Items(Measurement[] measurements, PayloadText text) =>
        [
            .. measurements.Select(measurement => Fields(
                text,
                [
                    ("qty", new PayloadText.Raw(measurement.Number)),
                    ("date", measurement.Time.ToString("yyyy-MM-dd HH:mm:ss ", CultureInfo.InvariantCulture)
                        + measurement.Time.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal)),
                    .. measurement.Source is null ? [] : new (string, object)[] { ("source", measurement.Source) },
                ])),
        ];

        // Neighbours of one kind make a list.
        private List<(string Name, Measurement[] Measurements)> Groups(Random random)
        {
            var groups = new List<(string, Measurement[])>();
            for (var i = 0; i < Measurements.Length;)
            {
                var group = Measurements.Skip(i).TakeWhile(measurement => measurement.Reading == Measurements[i].Reading).ToArray();
                var names = Measurements[i].Reading.IosNames;
                groups.Add((names[Seed % names.Length], group));
                i += group.Length;
            }

            return groups;
        }
    }
}
