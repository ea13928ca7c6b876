using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EtlTools.Core.Parsing;

/// <summary>
/// Finds the bytes at which a separator or a quote may begin: one bit for each of 64 bytes. A set bit is a candidate that
/// the splitter verifies. Reads up to <see cref="Overread"/> bytes beyond the 64.
/// </summary>
internal interface IDelimiterMask
{
    const int Width = 64;
    const int Overread = 1;

    ulong At(ref byte text);
}

/// <summary>Candidates by their first byte: up to four different ones.</summary>
internal readonly struct FirstByteMask(byte first, byte second, byte third, byte fourth) : IDelimiterMask
{
    private readonly Vector256<byte> _first = Vector256.Create(first);
    private readonly Vector256<byte> _second = Vector256.Create(second);
    private readonly Vector256<byte> _third = Vector256.Create(third);
    private readonly Vector256<byte> _fourth = Vector256.Create(fourth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong At(ref byte text)
    {
        var low = Candidates(Vector256.LoadUnsafe(ref text));
        var high = Candidates(Vector256.LoadUnsafe(ref text, 32));
        return low.ExtractMostSignificantBits() | ((ulong)high.ExtractMostSignificantBits() << 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<byte> Candidates(Vector256<byte> bytes) =>
        (Vector256.Equals(bytes, _first) | Vector256.Equals(bytes, _second))
        | (Vector256.Equals(bytes, _third) | Vector256.Equals(bytes, _fourth));
}

/// <summary>Candidates by their first two bytes, for two separators of two bytes or more: far fewer false ones.</summary>
internal readonly struct FirstTwoBytesMask(byte field0, byte field1, byte row0, byte row1) : IDelimiterMask
{
    private readonly Vector256<byte> _field0 = Vector256.Create(field0);
    private readonly Vector256<byte> _field1 = Vector256.Create(field1);
    private readonly Vector256<byte> _row0 = Vector256.Create(row0);
    private readonly Vector256<byte> _row1 = Vector256.Create(row1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong At(ref byte text)
    {
        var low = Candidates(Vector256.LoadUnsafe(ref text), Vector256.LoadUnsafe(ref text, 1));
        var high = Candidates(Vector256.LoadUnsafe(ref text, 32), Vector256.LoadUnsafe(ref text, 33));
        return low.ExtractMostSignificantBits() | ((ulong)high.ExtractMostSignificantBits() << 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<byte> Candidates(Vector256<byte> bytes, Vector256<byte> following) =>
        (Vector256.Equals(bytes, _field0) & Vector256.Equals(following, _field1))
        | (Vector256.Equals(bytes, _row0) & Vector256.Equals(following, _row1));
}
