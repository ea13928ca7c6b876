namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// Reads the dates of payloads: 2025-09-08 00:48:21 -0500, 2025-09-08T05:48:21.5Z, 2025-09-08 12:48:21 AM -0500, without a zone
/// (then it is UTC) or without a time. A date that is none of these, or does not exist, is no date: nothing is guessed.
/// </summary>
internal static class PayloadTime
{
    private const int DateLength = 10;
    private const int MostOffsetHours = 15;

    // Some phones put it before AM and PM.
    private static ReadOnlySpan<byte> NarrowSpace => [0xE2, 0x80, 0xAF];

    /// <param name="text">UTF-8.</param>
    /// <param name="ticks">Ticks of UTC, in whole microseconds as the database keeps them; what is finer is cut off.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out long ticks)
    {
        text = text.Trim((byte)' ');
        ticks = 0;
        if (text.Length < DateLength || text[4] != '-' || text[7] != '-'
            || !TryNumber(text[..4], out var year) || !TryNumber(text[5..7], out var month) || !TryNumber(text[8..10], out var day)
            || year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month))
        {
            return false;
        }

        ticks = new DateTime(year, month, day).Ticks;
        return text.Length == DateLength || (text[DateLength] is (byte)' ' or (byte)'T' or (byte)'t' && TryAddTime(text[(DateLength + 1)..], ref ticks));
    }

    private static bool TryAddTime(ReadOnlySpan<byte> text, ref long ticks)
    {
        // One digit for the hour only occurs with AM and PM.
        var hourDigits = text.Length > 1 && text[1] == ':' ? 1 : 2;
        if (text.Length < hourDigits + 3 || text[hourDigits] != ':'
            || !TryNumber(text[..hourDigits], out var hour) || !TryNumber(text.Slice(hourDigits + 1, 2), out var minute) || minute > 59)
        {
            return false;
        }

        text = text[(hourDigits + 3)..];
        var second = 0;
        long fraction = 0;
        if (text.Length > 0 && text[0] == ':')
        {
            if (text.Length < 3 || !TryNumber(text[1..3], out second) || second > 59 || !TryFraction(text[3..], out fraction, out var length))
            {
                return false;
            }

            text = text[(3 + length)..];
        }

        if (!TryHalfDay(ref text, hourDigits, ref hour) || hour > 23 || !TryZone(text, out var offsetMinutes))
        {
            return false;
        }

        ticks += (((hour * 60L) + minute - offsetMinutes) * TimeSpan.TicksPerMinute) + (second * TimeSpan.TicksPerSecond) + fraction;
        return ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks;
    }

    private static bool TryFraction(ReadOnlySpan<byte> text, out long ticks, out int length)
    {
        ticks = 0;
        length = 0;
        if (text.Length == 0 || text[0] is not ((byte)'.' or (byte)','))
        {
            return true;
        }

        var unit = TimeSpan.TicksPerSecond;
        for (length = 1; length < text.Length && (uint)(text[length] - '0') <= 9; length++)
        {
            unit /= 10;
            ticks += unit >= TimeSpan.TicksPerMicrosecond ? (text[length] - '0') * unit : 0;
        }

        return length > 1;
    }

    private static bool TryHalfDay(ref ReadOnlySpan<byte> text, int hourDigits, ref int hour)
    {
        var rest = text.StartsWith(NarrowSpace) ? text[NarrowSpace.Length..] : text.TrimStart((byte)' ');
        if (rest.Length < 2 || (rest[1] | 0x20) != 'm' || (rest[0] | 0x20) is not ('a' or 'p'))
        {
            return hourDigits == 2;
        }

        if (hour is < 1 or > 12)
        {
            return false;
        }

        hour = (hour % 12) + ((rest[0] | 0x20) == 'p' ? 12 : 0);
        text = rest[2..];
        return true;
    }

    private static bool TryZone(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        text = text.TrimStart((byte)' ');
        if (text.Length == 0 || text.SequenceEqual("Z"u8) || text.SequenceEqual("z"u8) || text.SequenceEqual("UTC"u8))
        {
            return true;
        }

        if (text[0] is not ((byte)'+' or (byte)'-') || text.Length < 3 || !TryNumber(text[1..3], out var hours) || hours > MostOffsetHours)
        {
            return false;
        }

        var rest = text[3..];
        rest = rest.Length == 3 && rest[0] == ':' ? rest[1..] : rest;
        var part = 0;
        if (rest.Length is not (0 or 2) || (rest.Length == 2 && (!TryNumber(rest, out part) || part > 59)))
        {
            return false;
        }

        minutes = ((hours * 60) + part) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out int number)
    {
        number = 0;
        foreach (var letter in text)
        {
            var digit = (uint)(letter - '0');
            if (digit > 9)
            {
                return false;
            }

            number = (number * 10) + (int)digit;
        }

        return true;
    }
}
