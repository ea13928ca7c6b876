using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EtlTools.Core.Parsing;

/// <summary>
/// Finds a dialect's separators and quotes: first where one may begin, 64 bytes at a time, then what each of them is.
/// One struct for each kind of dialect, so that the compiler makes a splitter for each.
/// </summary>
internal interface IDelimiterScan
{
    /// <summary>One bit for each of 64 bytes at which a separator or a quote may begin. Reads one byte beyond them.</summary>
    ulong Candidates(ref byte text);

    /// <summary>The length of the separator that begins here, 0 where there is none.</summary>
    int Match(ref byte at, int available, out bool endsRow);
}

/// <summary>A field separator of one byte, and rows that end with CR, LF or CRLF: CSV.</summary>
internal readonly struct NewlineScan(Delimiters delimiters) : IDelimiterScan
{
    private readonly byte _fieldByte = delimiters.Field[0];
    private readonly Vector256<byte> _field = Vector256.Create(delimiters.Field[0]);
    private readonly Vector256<byte> _quote = Vector256.Create(delimiters.HasQuote ? delimiters.Quote : delimiters.Field[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Candidates(ref byte text) =>
        DelimiterScan.Bits(Compare(Vector256.LoadUnsafe(ref text)), Compare(Vector256.LoadUnsafe(ref text, 32)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Match(ref byte at, int available, out bool endsRow)
    {
        endsRow = at != _fieldByte;
        return endsRow && at == '\r' && available > 1 && Unsafe.Add(ref at, 1) == '\n' ? 2 : 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<byte> Compare(Vector256<byte> bytes) =>
        (Vector256.Equals(bytes, _field) | Vector256.Equals(bytes, _quote))
        | (Vector256.Equals(bytes, Vector256.Create((byte)'\n')) | Vector256.Equals(bytes, Vector256.Create((byte)'\r')));
}

/// <summary>
/// Two separators of two bytes or more, the row's not beginning with the field's, and no quote: two bytes compared make
/// few false candidates.
/// </summary>
internal readonly struct TwoByteScan(Delimiters delimiters) : IDelimiterScan
{
    private readonly Separator _field = delimiters.Field;
    private readonly Separator _row = delimiters.Row;
    private readonly Vector256<byte> _field0 = Vector256.Create(delimiters.Field[0]);
    private readonly Vector256<byte> _field1 = Vector256.Create(delimiters.Field[1]);
    private readonly Vector256<byte> _row0 = Vector256.Create(delimiters.Row[0]);
    private readonly Vector256<byte> _row1 = Vector256.Create(delimiters.Row[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Candidates(ref byte text) => DelimiterScan.Bits(
        Compare(Vector256.LoadUnsafe(ref text), Vector256.LoadUnsafe(ref text, 1)),
        Compare(Vector256.LoadUnsafe(ref text, 32), Vector256.LoadUnsafe(ref text, 33)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Match(ref byte at, int available, out bool endsRow)
    {
        endsRow = !_field.IsAt(ref at, available);
        return !endsRow ? _field.Length : _row.IsAt(ref at, available) ? _row.Length : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<byte> Compare(Vector256<byte> bytes, Vector256<byte> following) =>
        (Vector256.Equals(bytes, _field0) & Vector256.Equals(following, _field1))
        | (Vector256.Equals(bytes, _row0) & Vector256.Equals(following, _row1));
}

/// <summary>Any dialect: candidates by their first byte.</summary>
internal readonly struct FirstByteScan(Delimiters delimiters) : IDelimiterScan
{
    private readonly Delimiters _delimiters = delimiters;
    private readonly Vector256<byte> _field = Vector256.Create(delimiters.Field[0]);
    private readonly Vector256<byte> _row = Vector256.Create(delimiters.Row[0]);
    private readonly Vector256<byte> _otherRow = Vector256.Create(delimiters.IsAnyNewline ? (byte)'\n' : delimiters.Row[0]);
    private readonly Vector256<byte> _quote = Vector256.Create(delimiters.HasQuote ? delimiters.Quote : delimiters.Field[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Candidates(ref byte text) =>
        DelimiterScan.Bits(Compare(Vector256.LoadUnsafe(ref text)), Compare(Vector256.LoadUnsafe(ref text, 32)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Match(ref byte at, int available, out bool endsRow) => _delimiters.Match(ref at, available, out endsRow);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<byte> Compare(Vector256<byte> bytes) =>
        (Vector256.Equals(bytes, _field) | Vector256.Equals(bytes, _quote))
        | (Vector256.Equals(bytes, _row) | Vector256.Equals(bytes, _otherRow));
}

internal static class DelimiterScan
{
    /// <summary>Bytes that one look covers.</summary>
    public const int Width = 64;

    /// <summary>One bit a byte, of two vectors in a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Bits(Vector256<byte> low, Vector256<byte> high) =>
        low.ExtractMostSignificantBits() | ((ulong)high.ExtractMostSignificantBits() << 32);

    /// <summary>Lists the candidates' positions.</summary>
    /// <param name="scan">The dialect's.</param>
    /// <param name="text">The text's origin; up to <see cref="Width"/> bytes beyond <paramref name="end"/> are read.</param>
    /// <param name="start">Position to begin at.</param>
    /// <param name="end">Position to end before.</param>
    /// <param name="positions">Room for one for each byte, and for <see cref="Width"/> more, which may be overwritten.</param>
    /// <returns>How many there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Find<TScan>(in TScan scan, ref byte text, int start, int end, ref int positions)
        where TScan : struct, IDelimiterScan
    {
        var own = scan;
        var found = 0;
        for (var block = start; block < end; block += Width)
        {
            var bits = own.Candidates(ref Unsafe.Add(ref text, block));
            if (end - block < Width)
            {
                bits &= (1UL << (end - block)) - 1;
            }

            // Eight at a time, needed or not: how many there are cannot be predicted, and a wrong guess costs more.
            var next = found;
            found += BitOperations.PopCount(bits);
            while (next < found)
            {
                ref var eight = ref Unsafe.Add(ref positions, next);
                for (var i = 0; i < 8; i++)
                {
                    Unsafe.Add(ref eight, i) = block + BitOperations.TrailingZeroCount(bits);
                    bits &= bits - 1;
                }

                next += 8;
            }
        }

        return found;
    }
}
