using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Parsing;

/// <summary>A dialect's two separators and its quote, as bytes of UTF-8.</summary>
internal sealed class Delimiters
{
    private readonly bool _rowFirst;

    /// <exception cref="EtlException">DialectInvalid.</exception>
    public Delimiters(DialectConfig dialect)
    {
        if (dialect.FieldSeparator.Length == 0
            || dialect.RowSeparator?.Length == 0
            || dialect.Quote > '\x7F'
            || dialect.FieldSeparator == dialect.RowSeparator)
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "DialectInvalid",
                "A dialect needs a field separator and a different row separator, neither of them empty, and an ASCII quote.",
                "dialect",
                "Correct the dialect of the pipeline.");
        }

        IsAnyNewline = dialect.RowSeparator is null;
        Field = new Separator(dialect.FieldSeparator);
        Row = new Separator(dialect.RowSeparator ?? "\r\n");
        HasQuote = dialect.Quote is not null;
        Quote = (byte)(dialect.Quote ?? '\0');
        Longest = Math.Max(Math.Max(Field.Length, Row.Length), HasQuote ? 2 : 1);

        // Where one separator begins with the other, the longer one must be tried first.
        _rowFirst = dialect.RowSeparator?.StartsWith(dialect.FieldSeparator, StringComparison.Ordinal) ?? false;
    }

    public Separator Field { get; }

    /// <summary>CRLF, where any newline ends a row.</summary>
    public Separator Row { get; }

    /// <summary>True where rows end with CR, LF or CRLF.</summary>
    public bool IsAnyNewline { get; }

    public bool HasQuote { get; }

    public byte Quote { get; }

    /// <summary>The most bytes that a separator or a doubled quote takes.</summary>
    public int Longest { get; }

    /// <summary>True for two separators of two bytes or more, of which either may be tried first, and no quote.</summary>
    public bool AreTwoBytesAndOrdered => Field.Length >= 2 && Row.Length >= 2 && !IsAnyNewline && !HasQuote && !_rowFirst;

    /// <summary>The length of the separator that begins here, 0 where there is none.</summary>
    public int Match(ref byte at, int available, out bool endsRow)
    {
        endsRow = false;
        if (!_rowFirst && Field.IsAt(ref at, available))
        {
            return Field.Length;
        }

        endsRow = true;
        if (IsAnyNewline)
        {
            return at switch
            {
                (byte)'\n' => 1,
                (byte)'\r' => available > 1 && Unsafe.Add(ref at, 1) == '\n' ? 2 : 1,
                _ => 0,
            };
        }

        if (Row.IsAt(ref at, available))
        {
            return Row.Length;
        }

        endsRow = false;
        return _rowFirst && Field.IsAt(ref at, available) ? Field.Length : 0;
    }

    /// <summary>The first row separator, quotes not regarded.</summary>
    /// <returns>Where it begins and ends; (-1, -1) where there is none or where more text is needed to tell.</returns>
    public (int Start, int End) FindRowEnd(ReadOnlySpan<byte> text, int start, bool isLast)
    {
        if (!IsAnyNewline)
        {
            var found = text[start..].IndexOf(Row.Bytes);
            return found < 0 ? (-1, -1) : (start + found, start + found + Row.Length);
        }

        var end = text[start..].IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0)
        {
            return (-1, -1);
        }

        end += start;
        var isLastByte = end + 1 == text.Length;
        if (text[end] == '\n' || isLastByte && isLast)
        {
            return (end, end + 1);
        }

        return isLastByte ? (-1, -1) : (end, text[end + 1] == '\n' ? end + 2 : end + 1);
    }
}

/// <summary>A separator that is compared in one go where it has no more than 8 bytes.</summary>
internal readonly struct Separator
{
    private readonly byte[] _bytes;
    private readonly ulong _value;
    private readonly ulong _mask;

    public Separator(string text)
    {
        _bytes = Encoding.UTF8.GetBytes(text);
        Length = _bytes.Length;
        Span<byte> head = stackalloc byte[8];
        _bytes.AsSpan(0, Math.Min(8, Length)).CopyTo(head);
        _value = MemoryMarshal.Read<ulong>(head);
        head[..Math.Min(8, Length)].Fill(0xFF);
        _mask = MemoryMarshal.Read<ulong>(head);
    }

    public int Length { get; }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public byte this[int index] => _bytes[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsAt(ref byte at, int available) =>
        (Unsafe.ReadUnaligned<ulong>(ref at) & _mask) == _value
        && Length <= available
        && (Length <= 8 || TailIsAt(ref at));

    private bool TailIsAt(ref byte at) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref at, 8), Length - 8).SequenceEqual(_bytes.AsSpan(8));
}
