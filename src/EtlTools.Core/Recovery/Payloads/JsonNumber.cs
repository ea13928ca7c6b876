using System.Globalization;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Reads numbers as JSON writes them.</summary>
internal static class JsonNumber
{
    // Beyond these a power of ten, or a whole number, is no longer exact in a double.
    private const int MostExactPower = 22;
    private const ulong MostExactWhole = 1UL << 53;

    // So many digits fit into 64 bits for certain.
    private const int MostDigits = 18;

    private static readonly double[] PowersOfTen =
        [.. Enumerable.Range(0, MostExactPower + 1).Select(power => double.Parse($"1e{power}", CultureInfo.InvariantCulture))];

    /// <param name="text">A number; anything else gives false.</param>
    /// <param name="whole">The number, where it is written without fraction and exponent and fits.</param>
    /// <param name="number">The number; infinite where it is too large.</param>
    /// <param name="isWhole">Whether <paramref name="whole"/> has it.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out long whole, out double number, out bool isWhole)
    {
        whole = 0;
        var isNegative = text.Length > 0 && text[0] == '-';
        var digits = isNegative ? 1 : 0;
        var decimals = -1;
        ulong mantissa = 0;
        var i = digits;
        for (; i < text.Length; i++)
        {
            var digit = (uint)(text[i] - '0');
            if (digit <= 9)
            {
                mantissa = (mantissa * 10) + digit;
            }
            else if (text[i] == '.' && decimals < 0 && i > digits)
            {
                decimals = i;
            }
            else
            {
                break;
            }
        }

        var count = i - digits - (decimals < 0 ? 0 : 1);
        var power = decimals < 0 ? 0 : i - decimals - 1;
        var isPlain = i == text.Length && count is > 0 and <= MostDigits && (decimals < 0 || power > 0);
        isWhole = isPlain && decimals < 0;
        if (isWhole)
        {
            whole = isNegative ? -(long)mantissa : (long)mantissa;
            number = whole;
            return true;
        }

        if (isPlain && mantissa <= MostExactWhole && power <= MostExactPower)
        {
            // Both are exact, so that the one rounding of the division gives the nearest double.
            number = mantissa / PowersOfTen[power];
            number = isNegative ? -number : number;
            return true;
        }

        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        number = 0;
        return count > 0 && text[0] != '+' && double.TryParse(text, Styles, CultureInfo.InvariantCulture, out number);
    }
}
