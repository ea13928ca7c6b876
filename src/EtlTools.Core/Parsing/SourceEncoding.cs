using System.Text;
using System.Text.Unicode;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Parsing;

internal enum SourceEncoding
{
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
    Windows1252,
    Latin1,
}

/// <summary>Finds the encoding that a file is really in, from its first bytes and the one that is configured.</summary>
internal static class SourceEncodingDetector
{
    /// <summary>Bytes that are enough to judge by; a shorter file is judged whole.</summary>
    public const int SampleBytes = 4096;

    /// <summary>
    /// A byte-order mark wins. Without one the configured encoding holds, unless the sample plainly is UTF-8 where UTF-16
    /// is configured, UTF-16 where another encoding is, or UTF-16 of the other byte order.
    /// </summary>
    public static (SourceEncoding Encoding, int MarkLength) Detect(ReadOnlySpan<byte> sample, DialectConfig dialect)
    {
        if (sample.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            return (SourceEncoding.Utf8, 3);
        }

        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]))
        {
            return (SourceEncoding.Utf16LittleEndian, 2);
        }

        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            return (SourceEncoding.Utf16BigEndian, 2);
        }

        return (WithoutMark(sample, dialect), 0);
    }

    public static SourceEncoding Parse(string name) => name.ToLowerInvariant() switch
    {
        "utf-8" or "utf8" => SourceEncoding.Utf8,
        "utf-16le" or "utf-16" => SourceEncoding.Utf16LittleEndian,
        "utf-16be" => SourceEncoding.Utf16BigEndian,
        "windows-1252" => SourceEncoding.Windows1252,
        "iso-8859-1" => SourceEncoding.Latin1,
        _ => throw new EtlException(
            EtlErrorKind.Configuration,
            "DialectEncodingUnknown",
            $"The encoding '{name}' is not supported.",
            name,
            "Use utf-8, utf-16le, utf-16be, windows-1252 or iso-8859-1."),
    };

    private static SourceEncoding WithoutMark(ReadOnlySpan<byte> sample, DialectConfig dialect)
    {
        var configured = Parse(dialect.Encoding);
        var isUtf16 = configured is SourceEncoding.Utf16LittleEndian or SourceEncoding.Utf16BigEndian;
        if (isUtf16 && LooksLikeUtf8(sample, dialect))
        {
            return SourceEncoding.Utf8;
        }

        return LooksLikeUtf16(sample, dialect) ?? configured;
    }

    // In UTF-16 the separators, which are ASCII, bring NUL bytes; text without any NUL and with separators is not UTF-16.
    private static bool LooksLikeUtf8(ReadOnlySpan<byte> sample, DialectConfig dialect) =>
        !sample.Contains((byte)0)
        && HoldsSeparator(sample, dialect, Encoding.UTF8)
        && Utf8.IsValid(WholeCharacters(sample));

    // ASCII in UTF-16 has a NUL in every other byte, always the same one; a single NUL elsewhere proves nothing.
    private static SourceEncoding? LooksLikeUtf16(ReadOnlySpan<byte> sample, DialectConfig dialect)
    {
        var (even, odd) = CountNuls(sample);
        if (odd > sample.Length / 4 && even < odd / 8.0 && HoldsSeparator(sample, dialect, Encoding.Unicode))
        {
            return SourceEncoding.Utf16LittleEndian;
        }

        if (even > sample.Length / 4 && odd < even / 8.0 && HoldsSeparator(sample, dialect, Encoding.BigEndianUnicode))
        {
            return SourceEncoding.Utf16BigEndian;
        }

        return null;
    }

    private static bool HoldsSeparator(ReadOnlySpan<byte> sample, DialectConfig dialect, Encoding encoding)
    {
        string[] separators = dialect.RowSeparator is null
            ? [dialect.FieldSeparator, "\r", "\n"]
            : [dialect.FieldSeparator, dialect.RowSeparator];
        foreach (var separator in separators)
        {
            if (sample.IndexOf(encoding.GetBytes(separator)) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    // The sample may end in the middle of a character of up to 4 bytes.
    private static ReadOnlySpan<byte> WholeCharacters(ReadOnlySpan<byte> sample)
    {
        for (var back = 1; back <= Math.Min(3, sample.Length); back++)
        {
            if (sample[^back] >= 0xC0)
            {
                return sample[..^back];
            }
        }

        return sample;
    }

    private static (int Even, int Odd) CountNuls(ReadOnlySpan<byte> sample)
    {
        int even = 0, odd = 0;
        for (var i = 0; i < sample.Length; i++)
        {
            if (sample[i] == 0)
            {
                if (i % 2 == 0)
                {
                    even++;
                }
                else
                {
                    odd++;
                }
            }
        }

        return (even, odd);
    }
}
