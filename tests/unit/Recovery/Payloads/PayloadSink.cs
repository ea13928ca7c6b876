using System.Globalization;
using System.Text;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Tests.Recovery.Payloads;

/// <summary>Keeps what a payload gives as texts: "HeartRate recorded_at=2025-01-01T05:00:00Z heart_rate=50".</summary>
internal sealed class PayloadSink : IMetricSink
{
    public List<string> Rows { get; } = [];

    public List<long> Ordinals { get; } = [];

    public List<MetricFault> Faults { get; } = [];

    public int Drains { get; private set; }

    /// <summary>One fault a word: UnknownType:Foo, MissingField:HeartRate.recorded_at.</summary>
    public IEnumerable<string> FaultWords => Faults.Select(fault => $"{fault.Reason}:{fault.Name}{(fault.Field.Length > 0 ? "." + fault.Field : "")}");

    public static MetricMap Map { get; } = MetricMapReader.ReadBuiltIn();

    public static async Task<(PayloadSink Sink, PayloadSummary Summary)> ReadAsync(string payload, int bufferBytes = 0, bool canSeek = true)
    {
        var sink = new PayloadSink();
        var bytes = Encoding.UTF8.GetBytes(payload);
        var reader = bufferBytes == 0 ? new PayloadReader(Map) : new PayloadReader(Map, bufferBytes);
        var summary = await reader.ReadAsync(_ => ValueTask.FromResult<Stream>(new PieceStream(bytes, bufferBytes, canSeek)), sink, default);
        return (sink, summary);
    }

    public void Accept(MetricRow row)
    {
        Rows.Add(Text(row));
        Ordinals.Add(row.Ordinal);
    }

    public void Reject(in MetricFault fault) => Faults.Add(fault);

    public ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        Drains++;
        return ValueTask.CompletedTask;
    }

    private static string Text(MetricRow row)
    {
        var text = new StringBuilder(row.Type.Name);
        foreach (var column in row.Type.Columns.Where(column => row.HasValue(column.Ordinal)))
        {
            text.Append(CultureInfo.InvariantCulture, $" {column.Name}={Text(row, column.Ordinal)}");
        }

        return text.ToString();
    }

    private static string Text(MetricRow row, int column) => row.KindOf(column) switch
    {
        MetricValueKind.Number => row.Number(column).ToString("R", CultureInfo.InvariantCulture),
        MetricValueKind.Integer => row.Integer(column).ToString(CultureInfo.InvariantCulture),
        MetricValueKind.Boolean => row.Boolean(column) ? "true" : "false",
        MetricValueKind.Time => row.Time(column).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture),
        MetricValueKind.Uuid => row.Uuid(column).ToString(),
        _ => row.Text(column),
    };
}

/// <summary>Bytes that come in pieces of at most so many; 0: all at once.</summary>
internal sealed class PieceStream(byte[] bytes, int pieceBytes, bool canSeek) : MemoryStream(bytes, writable: false)
{
    public override bool CanSeek => canSeek;

    /// <summary>The reader has been told that there is nothing left.</summary>
    public bool IsAtEnd { get; private set; }

    public bool IsDisposed { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await base.ReadAsync(pieceBytes == 0 ? buffer : buffer[..Math.Min(pieceBytes, buffer.Length)], cancellationToken);
        IsAtEnd = read == 0;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
