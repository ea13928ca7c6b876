using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace EtlTools.Core.Parsing;

/// <summary>UTF-16 in either byte order. Unpaired surrogates and an odd last byte are undecodable.</summary>
internal sealed class Utf16TextDecoder(bool bigEndian) : TextDecoder
{
    private char[] _swapped = [];

    public override int MaxTextBytes(int sourceBytes) => ((sourceBytes + 1) / 2 * 3) + 3;

    public override int Decode(ReadOnlySpan<byte> source, byte[] text, ref int textLength, bool isLast)
    {
        var units = InHostOrder(MemoryMarshal.Cast<byte, char>(source));
        var read = 0;
        while (true)
        {
            var status = Utf8.FromUtf16(
                units[read..],
                text.AsSpan(textLength),
                out var unitsRead,
                out var written,
                replaceInvalidSequences: false,
                isFinalBlock: isLast);
            read += unitsRead;
            textLength += written;
            if (status != OperationStatus.InvalidData)
            {
                break;
            }

            AddUndecodable(text, ref textLength, units[read], 2);
            read++;
        }

        var bytesRead = read * 2;
        if (isLast && source.Length % 2 != 0)
        {
            AddUndecodable(text, ref textLength, source[^1], 1);
            bytesRead++;
        }

        return bytesRead;
    }

    public override long SourceLength(ReadOnlySpan<byte> text, int start, int end)
    {
        var bytes = 2L * CodeUnits(text[start..end]);
        return EndsInOddByte(UndecodableIn(start, end)) ? bytes - 1 : bytes;
    }

    public override byte[] Restore(ReadOnlySpan<byte> text, int start, int end, int maxBytes)
    {
        // A unit of UTF-16 takes at most 3 bytes of UTF-8, so this much text is enough.
        var partEnd = (int)Math.Min(end, start + (3L * maxBytes));
        var units = new char[CodeUnits(text[start..partEnd])];
        Encoding.UTF8.GetChars(text[start..partEnd], units);

        var undecodable = UndecodableIn(start, partEnd);
        var position = start;
        var index = 0;
        foreach (var unit in undecodable)
        {
            index += CodeUnits(text[position..unit.Position]);
            position = unit.Position;
            units[index] = (char)unit.Unit;
        }

        var bytes = new byte[units.Length * 2];
        for (var i = 0; i < units.Length; i++)
        {
            if (bigEndian)
            {
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(i * 2), units[i]);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * 2), units[i]);
            }
        }

        if (EndsInOddByte(undecodable))
        {
            bytes[^2] = (byte)undecodable[^1].Unit;
            bytes = bytes[..^1];
        }

        return bytes.Length <= maxBytes ? bytes : bytes[..maxBytes];
    }

    private static bool EndsInOddByte(ReadOnlySpan<UndecodableUnit> units) => units.Length > 0 && units[^1].UnitBytes == 1;

    private ReadOnlySpan<char> InHostOrder(ReadOnlySpan<char> units)
    {
        if (!bigEndian)
        {
            return units;
        }

        if (_swapped.Length < units.Length)
        {
            _swapped = new char[units.Length];
        }

        BinaryPrimitives.ReverseEndianness(
            MemoryMarshal.Cast<char, ushort>(units),
            MemoryMarshal.Cast<char, ushort>(_swapped.AsSpan()));
        return _swapped.AsSpan(0, units.Length);
    }

    private void AddUndecodable(byte[] text, ref int textLength, ushort unit, int unitBytes)
    {
        Undecodable.Add(new UndecodableUnit(textLength, unit, unitBytes));
        Replacement.CopyTo(text.AsSpan(textLength));
        textLength += Replacement.Length;
    }
}
