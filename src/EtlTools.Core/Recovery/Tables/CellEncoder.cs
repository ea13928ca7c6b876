using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>Writes a cell of a metric as PostgreSQL's binary form of a column's type, without its length.</summary>
internal static class CellEncoder
{
    private const long TicksPerMicrosecond = TimeSpan.TicksPerMillisecond / 1000;
    private const int TextOid = 25;

    private static readonly DateTime PostgresEpoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>False where the column cannot hold the value.</summary>
    public static bool TryWrite(TableColumn column, MetricRow row, int cell, RowBuffer target)
    {
        switch (column.Format)
        {
            case ColumnFormat.Int16:
                return TryWhole(row, cell, short.MinValue, short.MaxValue, out var int16) && target.WriteInt16((short)int16);
            case ColumnFormat.Int32:
                return TryWhole(row, cell, int.MinValue, int.MaxValue, out var int32) && target.WriteInt32((int)int32);
            case ColumnFormat.Int64:
                return TryWhole(row, cell, long.MinValue, long.MaxValue, out var int64) && target.WriteInt64(int64);
            case ColumnFormat.Single:
                var single = (float)Number(row, cell);
                return float.IsFinite(single) && target.WriteInt32(BitConverter.SingleToInt32Bits(single));
            case ColumnFormat.Double:
                return target.WriteInt64(BitConverter.DoubleToInt64Bits(Number(row, cell)));
            case ColumnFormat.Numeric:
                return TryNumeric(column, row, cell, target);
            case ColumnFormat.Boolean:
                return target.WriteByte(row.Boolean(cell) ? (byte)1 : (byte)0);
            case ColumnFormat.Uuid:
                return target.WriteBytes(row.Utf8(cell));
            case ColumnFormat.Instant:
                return target.WriteInt64(Microseconds(row.Time(cell)));
            case ColumnFormat.Date:
                return target.WriteInt32((int)Math.Floor((row.Time(cell) - PostgresEpoch).TotalDays));
            case ColumnFormat.Label:
                return column.FindLabel(row.Utf8(cell)) is { } label && target.WriteBytes(label);
            case ColumnFormat.JsonBinary:
                return target.WriteByte(1) && target.WriteBytes(row.Utf8(cell));
            case ColumnFormat.Json:
                return target.WriteBytes(row.Utf8(cell));
            case ColumnFormat.TextList:
                return TryTextList(row.Utf8(cell), target);
            default:
                return TryText(column, row, cell, target);
        }
    }

    /// <summary>A time as PostgreSQL keeps it.</summary>
    public static long Microseconds(DateTime time) => (time.Ticks - PostgresEpoch.Ticks) / TicksPerMicrosecond;

    /// <summary>UTC.</summary>
    public static DateTime TimeOf(long microseconds) => new((microseconds * TicksPerMicrosecond) + PostgresEpoch.Ticks, DateTimeKind.Utc);

    private static double Number(MetricRow row, int cell) =>
        row.KindOf(cell) == MetricValueKind.Integer ? row.Integer(cell) : row.Number(cell);

    private static bool TryWhole(MetricRow row, int cell, long least, long greatest, out long value)
    {
        switch (row.KindOf(cell))
        {
            case MetricValueKind.Integer:
                value = row.Integer(cell);
                break;
            case MetricValueKind.Boolean:
                value = row.Boolean(cell) ? 1 : 0;
                break;
            default:
                // The greatest long is no double: the next one above it is, and does not fit.
                var rounded = Math.Round(row.Number(cell), MidpointRounding.AwayFromZero);
                if (!(rounded >= least && rounded < -(double)long.MinValue))
                {
                    value = 0;
                    return false;
                }

                value = (long)rounded;
                break;
        }

        return value >= least && value <= greatest;
    }

    private static bool TryText(TableColumn column, MetricRow row, int cell, RowBuffer target)
    {
        switch (row.KindOf(cell))
        {
            case MetricValueKind.Integer:
                return target.WriteText(row.Integer(cell).ToString(CultureInfo.InvariantCulture));
            case MetricValueKind.Number:
                return target.WriteText(row.Number(cell).ToString("R", CultureInfo.InvariantCulture));
            case MetricValueKind.Boolean:
                return target.WriteText(row.Boolean(cell) ? "true" : "false");
            default:
                var text = row.Utf8(cell);
                return Fits(text, column.MaxLength) && target.WriteBytes(text);
        }
    }

    private static bool Fits(ReadOnlySpan<byte> text, int? maxLength)
    {
        if (maxLength is not { } limit || text.Length <= limit)
        {
            return true;
        }

        var characters = 0;
        foreach (var unit in text)
        {
            characters += (unit & 0xC0) != 0x80 ? 1 : 0;
        }

        return characters <= limit;
    }

    /// <summary>A list of texts; anything else does not fit.</summary>
    private static bool TryTextList(ReadOnlySpan<byte> json, RowBuffer target)
    {
        var items = new List<string?>();
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                {
                    return false;
                }

                items.Add(reader.GetString());
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text with half a character.
            return false;
        }

        target.WriteInt32(items.Count == 0 ? 0 : 1);
        target.WriteInt32(items.Contains(null) ? 1 : 0);
        target.WriteInt32(TextOid);
        if (items.Count == 0)
        {
            return true;
        }

        target.WriteInt32(items.Count);
        target.WriteInt32(1);
        foreach (var item in items)
        {
            if (item is null)
            {
                target.WriteInt32(-1);
                continue;
            }

            var bytes = Encoding.UTF8.GetBytes(item);
            target.WriteInt32(bytes.Length);
            target.WriteBytes(bytes);
        }

        return true;
    }

    /// <summary>PostgreSQL's form: groups of four decimal digits, the weight of the first one, sign and scale.</summary>
    private static bool TryNumeric(TableColumn column, MetricRow row, int cell, RowBuffer target)
    {
        var number = Number(row, cell);
        if (!(Math.Abs(number) < 1e27))
        {
            return false;
        }

        var value = row.KindOf(cell) == MetricValueKind.Integer ? row.Integer(cell) : (decimal)number;
        if (column.Digits is { } digits)
        {
            value = decimal.Round(value, Math.Clamp(digits.Scale, 0, 28), MidpointRounding.AwayFromZero);
            if ((double)Math.Abs(value) >= Math.Pow(10, digits.Precision - digits.Scale))
            {
                return false;
            }
        }

        WriteNumeric(value, target);
        return true;
    }

    private static void WriteNumeric(decimal value, RowBuffer target)
    {
        var text = Math.Abs(value).ToString(CultureInfo.InvariantCulture);
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? text : text[..point];
        var fraction = point < 0 ? "" : text[(point + 1)..];
        var scale = fraction.Length;
        whole = whole.PadLeft((whole.Length + 3) / 4 * 4, '0');
        fraction = fraction.PadRight((fraction.Length + 3) / 4 * 4, '0');
        var all = whole + fraction;
        var groups = new List<short>();
        for (var at = 0; at < all.Length; at += 4)
        {
            groups.Add(short.Parse(all.AsSpan(at, 4), CultureInfo.InvariantCulture));
        }

        var weight = (whole.Length / 4) - 1;
        while (groups.Count > 0 && groups[0] == 0)
        {
            groups.RemoveAt(0);
            weight--;
        }

        while (groups.Count > 0 && groups[^1] == 0)
        {
            groups.RemoveAt(groups.Count - 1);
        }

        target.WriteInt16((short)groups.Count);
        target.WriteInt16((short)(groups.Count == 0 ? 0 : weight));
        target.WriteInt16(value < 0 ? (short)0x4000 : (short)0);
        target.WriteInt16((short)scale);
        foreach (var group in groups)
        {
            target.WriteInt16(group);
        }
    }
}
