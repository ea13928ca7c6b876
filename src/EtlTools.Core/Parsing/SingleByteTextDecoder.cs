using System.Text;

namespace EtlTools.Core.Parsing;

/// <summary>An encoding of one byte a character whose lower half is ASCII.</summary>
internal sealed class SingleByteTextDecoder : TextDecoder
{
    private const char Undefined = '\uFFFF';

    // Windows-1252 differs from ISO 8859-1 in 0x80 to 0x9F only; five of those bytes mean nothing.
    private const string Windows1252Controls =
        "\u20AC\uFFFF\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\uFFFF\u017D\uFFFF"
        + "\uFFFF\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\uFFFF\u017E\u0178";

    private readonly char[] _characters;
    private readonly Dictionary<char, byte> _bytes = [];

    private SingleByteTextDecoder(char[] characters)
    {
        _characters = characters;
        for (var i = 0; i < characters.Length; i++)
        {
            if (characters[i] != Undefined)
            {
                _bytes[characters[i]] = (byte)i;
            }
        }
    }

    public static SingleByteTextDecoder Latin1() => new([.. Enumerable.Range(0, 256).Select(i => (char)i)]);

    public static SingleByteTextDecoder Windows1252() =>
        new([.. Enumerable.Range(0, 256).Select(i => i is >= 0x80 and <= 0x9F ? Windows1252Controls[i - 0x80] : (char)i)]);

    public override int MaxTextBytes(int sourceBytes) => sourceBytes * 3;

    public override int Decode(ReadOnlySpan<byte> source, byte[] text, ref int textLength, bool isLast)
    {
        var rest = source;
        while (true)
        {
            var ascii = rest.IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            var run = ascii < 0 ? rest : rest[..ascii];
            run.CopyTo(text.AsSpan(textLength));
            textLength += run.Length;
            if (ascii < 0)
            {
                return source.Length;
            }

            AddCharacter(rest[ascii], text, ref textLength);
            rest = rest[(ascii + 1)..];
        }
    }

    public override long SourceLength(ReadOnlySpan<byte> text, int start, int end) => CodeUnits(text[start..end]);

    public override byte[] Restore(ReadOnlySpan<byte> text, int start, int end, int maxBytes)
    {
        var part = text[start..(int)Math.Min(end, start + (3L * maxBytes))];
        var characters = Encoding.UTF8.GetString(part);
        var bytes = new byte[characters.Length];
        for (var i = 0; i < characters.Length; i++)
        {
            bytes[i] = _bytes.GetValueOrDefault(characters[i]);
        }

        var position = start;
        var index = 0;
        foreach (var unit in UndecodableIn(start, start + part.Length))
        {
            index += CodeUnits(text[position..unit.Position]);
            position = unit.Position;
            bytes[index] = (byte)unit.Unit;
        }

        return bytes.Length <= maxBytes ? bytes : bytes[..maxBytes];
    }

    private void AddCharacter(byte value, byte[] text, ref int textLength)
    {
        var character = _characters[value];
        if (character == Undefined)
        {
            Undecodable.Add(new UndecodableUnit(textLength, value, 1));
            Replacement.CopyTo(text.AsSpan(textLength));
            textLength += Replacement.Length;
            return;
        }

        textLength += new Rune(character).EncodeToUtf8(text.AsSpan(textLength));
    }
}
