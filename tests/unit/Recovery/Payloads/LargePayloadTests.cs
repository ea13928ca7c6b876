using System.Text;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Tests.Recovery.Payloads;

/// <summary>A hundred megabytes are read in the memory that one metric takes.</summary>
public sealed class LargePayloadTests
{
    private const long PayloadBytes = 100_000_000;
    private const long FewBytes = 4_000_000;

    // The service keeps no text above ten megabytes.
    private const long TextBytes = 20_000_000;

    private const string Metric =
        """{"id": "9054a902-eeac-4ac4-a50f-fd4c600f4701", "type": "HeartRate", "context": null, "user_id": "b479a3b9-9ef1-4a82-9771-adff57432e18", "created_at": "2025-09-15T10:58:03.599226543Z", "heart_rate": 38, "recorded_at": "2025-09-09T05:06:07Z", "source_device": "Watch", "vo2_max_ml_kg_min": null, "resting_heart_rate": null, "heart_rate_variability": null, "walking_heart_rate_average": null, "heart_rate_recovery_one_minute": null, "atrial_fibrillation_burden_percentage": null}, """;

    private const string Item = """{"qty": 120, "date": "2025-09-08 00:48:21 -0500", "source": "iPhone"}, """;

    [Theory]
    [InlineData("internal")]
    [InlineData("list, label behind the data")]
    [InlineData("map")]
    [InlineData("list in a text")]
    [InlineData("types that are not known")]
    public void A_large_payload_is_read_in_little_memory(string shape)
    {
        var stream = shape switch
        {
            "internal" => new RepeatingStream("""{"data": {"metrics": [""", Metric, PayloadBytes, "]}}"),
            "map" => new RepeatingStream("""{"data": {"metrics": {"steps": [""", Item, PayloadBytes, "]}}}"),
            "list in a text" => new RepeatingStream(
                "{\"raw_payload\": \"" + Escaped("""{"data": {"metrics": [{"data": ["""), Escaped(Item), TextBytes, Escaped("""], "name": "steps"}]}}""") + "\"}"),
            "types that are not known" => new RepeatingStream("""{"data": {"metrics": [""", """{"type": "Unheard", "of": [1, 2, "three"]}, """, TextBytes, "]}}"),
            _ => new RepeatingStream("""{"data": {"metrics": [{"data": [""", Item, PayloadBytes, """], "name": "steps", "units": "count"}]}}"""),
        };
        var (summary, allocated) = Read(stream);

        Assert.Equal(stream.Count, summary.Seen);
        Assert.Equal(shape == "types that are not known" ? 0 : stream.Count, summary.Accepted);
        Assert.Null(summary.TruncatedAt);
        Assert.InRange(allocated, 0, FewBytes);
    }

    [Fact]
    public void A_text_that_is_no_metric_is_passed_in_little_memory()
    {
        var stream = new RepeatingStream("{\"data\": {\"note\": \"", "nothing \\\" of interest }]", PayloadBytes, "\", \"metrics\": [" + Metric.TrimEnd(',', ' ') + "]}}");
        var (summary, allocated) = Read(stream);

        Assert.Equal(1, summary.Accepted);
        Assert.InRange(allocated, 0, FewBytes);
    }

    // Halves have to be kept until the others come: two dozen bytes, where a measurement has eighty. Lists double as they grow.
    [Fact]
    public void Halves_of_pressures_take_a_fraction_of_the_payload()
    {
        var stream = new RepeatingStream(
            """{"data": {"metrics": {"blood_pressure_systolic": [""", """{"qty": 120, "date": "2025-09-08 00:48:21 -0500", "units": "mmHg"}, """, 20_000_000, "]}}}");
        var (summary, allocated) = Read(stream);

        Assert.Equal(stream.Count, summary.Rejected);
        Assert.InRange(allocated, 0, 4 * 24 * stream.Count + FewBytes);
    }

    private static string Escaped(string text) => text.Replace("\"", "\\\"", StringComparison.Ordinal);

    private static (PayloadSummary Summary, long Allocated) Read(RepeatingStream stream)
    {
        var reader = new PayloadReader(PayloadSink.Map);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = reader.ReadAsync(
            _ =>
            {
                stream.Position = 0;
                return ValueTask.FromResult<Stream>(stream);
            },
            new CountingSink(),
            default);

        // All streams answer at once, so that all of the work was done on this thread.
        Assert.True(reading.IsCompletedSuccessfully);
        return (reading.Result, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class CountingSink : IMetricSink
    {
        public void Accept(MetricRow row)
        {
        }

        public void Reject(in MetricFault fault)
        {
        }

        public ValueTask DrainAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    /// <summary>A head, one piece over and over, and a tail.</summary>
    private sealed class RepeatingStream : Stream
    {
        private readonly byte[] _head;
        private readonly byte[] _pieces;
        private readonly byte[] _tail;

        public RepeatingStream(string head, string piece, long bytes, string tail)
        {
            const int PiecesAtOnce = 1000;
            _head = Encoding.UTF8.GetBytes(head);
            _tail = Encoding.UTF8.GetBytes(tail);
            _pieces = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(piece, PiecesAtOnce)));
            Count = (bytes / _pieces.Length + 1) * PiecesAtOnce;
            Length = _head.Length + ((bytes / _pieces.Length + 1) * _pieces.Length) + _tail.Length;
        }

        /// <summary>How often the piece occurs.</summary>
        public long Count { get; }

        public override long Length { get; }

        public override long Position { get; set; }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var tail = Length - _tail.Length;
            var source = Position < _head.Length ? _head.AsSpan((int)Position)
                : Position >= tail ? _tail.AsSpan((int)(Position - tail))
                : _pieces.AsSpan((int)((Position - _head.Length) % _pieces.Length));
            var length = Math.Min(source.Length, buffer.Length);
            source[..length].CopyTo(buffer.Span);
            Position += length;
            return ValueTask.FromResult(length);
        }

        public override long Seek(long offset, SeekOrigin origin) =>
            Position = origin == SeekOrigin.Begin ? offset : origin == SeekOrigin.Current ? Position + offset : Length + offset;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
