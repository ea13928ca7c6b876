using System.Runtime.InteropServices;
using System.Text;

namespace EtlTools.Core.Parsing;

/// <summary>A piece of the source that is no text in its encoding; U+FFFD stands in its place.</summary>
/// <param name="Position">Where U+FFFD begins in the text.</param>
/// <param name="Unit">The bytes, as a number in the source's byte order.</param>
/// <param name="UnitBytes">How many bytes: 1 or 2.</param>
internal readonly record struct UndecodableUnit(int Position, ushort Unit, int UnitBytes);

/// <summary>
/// Turns a source's bytes into UTF-8, block by block, without losing anything: from the text and the list of undecodable
/// units the original bytes can be made again.
/// </summary>
internal abstract class TextDecoder
{
    protected static ReadOnlySpan<byte> Replacement => [0xEF, 0xBF, 0xBD];

    /// <summary>The undecodable units of the text that is held, in order of position.</summary>
    protected List<UndecodableUnit> Undecodable { get; } = [];

    public bool HasUndecodable => Undecodable.Count > 0;

    /// <summary>True where the text is not known to be valid UTF-8 and must be checked.</summary>
    public virtual bool NeedsValidation => false;

    /// <summary>Most bytes of UTF-8 that so many bytes of the source can become.</summary>
    public abstract int MaxTextBytes(int sourceBytes);

    /// <summary>Decodes as much as it can. At most 3 bytes of the source stay unread, none when it is the last block.</summary>
    /// <param name="source">Bytes that have not been decoded yet.</param>
    /// <param name="text">The text's whole buffer, with room for <see cref="MaxTextBytes"/> at its end.</param>
    /// <param name="textLength">Bytes of text there are; moved on by what is added.</param>
    /// <param name="isLast">True where no more source will come.</param>
    /// <returns>Bytes of the source that were read.</returns>
    public abstract int Decode(ReadOnlySpan<byte> source, byte[] text, ref int textLength, bool isLast);

    /// <summary>How many bytes of the source a part of the text was made from.</summary>
    public abstract long SourceLength(ReadOnlySpan<byte> text, int start, int end);

    /// <summary>The source's bytes that a part of the text was made from, at most <paramref name="maxBytes"/> of them.</summary>
    public abstract byte[] Restore(ReadOnlySpan<byte> text, int start, int end, int maxBytes);

    /// <summary>The undecodable units of a part of the text.</summary>
    public ReadOnlySpan<UndecodableUnit> UndecodableIn(int start, int end)
    {
        var units = CollectionsMarshal.AsSpan(Undecodable);
        var from = FirstAtOrAfter(units, start);
        return units[from..FirstAtOrAfter(units, end)];
    }

    /// <summary>The first so many bytes of the text have been dropped.</summary>
    public void DropText(int bytes)
    {
        if (Undecodable.Count == 0)
        {
            return;
        }

        Undecodable.RemoveAll(unit => unit.Position < bytes);
        for (var i = 0; i < Undecodable.Count; i++)
        {
            Undecodable[i] = Undecodable[i] with { Position = Undecodable[i].Position - bytes };
        }
    }

    public static TextDecoder Create(SourceEncoding encoding) => encoding switch
    {
        SourceEncoding.Utf8 => new Utf8TextDecoder(),
        SourceEncoding.Utf16LittleEndian => new Utf16TextDecoder(bigEndian: false),
        SourceEncoding.Utf16BigEndian => new Utf16TextDecoder(bigEndian: true),
        SourceEncoding.Windows1252 => SingleByteTextDecoder.Windows1252(),
        SourceEncoding.Latin1 => SingleByteTextDecoder.Latin1(),
        _ => throw new ArgumentOutOfRangeException(nameof(encoding)),
    };

    private static int FirstAtOrAfter(ReadOnlySpan<UndecodableUnit> units, int position)
    {
        var low = 0;
        var high = units.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (units[middle].Position < position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>UTF-16 code units in a part of the text, which is valid UTF-8.</summary>
    protected static int CodeUnits(ReadOnlySpan<byte> text) => Encoding.UTF8.GetCharCount(text);
}
