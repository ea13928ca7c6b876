using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Parsing;

/// <summary>A dialect's two separators and its quote, as bytes of UTF-8.</summary>
internal readonly struct Delimiters
{
    private readonly Separator _field;
    private readonly Separator _row;
    private readonly bool _rowIsAnyNewline;
    private readonly bool _rowFirst;

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

        _field = new Separator(dialect.FieldSeparator);
        _rowIsAnyNewline = dialect.RowSeparator is null;
        _row = new Separator(dialect.RowSeparator ?? "\r\n");

        // Where one separator begins with the other, the longer one must be tried first.
        _rowFirst = dialect.RowSeparator?.StartsWith(dialect.FieldSeparator, StringComparison.Ordinal) ?? false;
        HasQuote = dialect.Quote is not null;
        Quote = (byte)(dialect.Quote ?? '\0');
        Longest = Math.Max(Math.Max(_field.Length, _row.Length), HasQuote ? 2 : 1);
    }

    public bool HasQuote { get; }

    public byte Quote { get; }

    /// <summary>The most bytes that a separator or a doubled quote takes.</summary>
    public int Longest { get; }

    /// <summary>True where both separators have two bytes or more and there is no quote.</summary>
    public bool AllHaveTwoBytes => _field.Length >= 2 && _row.Length >= 2 && !_rowIsAnyNewline && !HasQuote;

    public FirstTwoBytesMask TwoByteMask() => new(_field[0], _field[1], _row[0], _row[1]);

    public FirstByteMask OneByteMask() => _rowIsAnyNewline
        ? new(_field[0], (byte)'\r', (byte)'\n', HasQuote ? Quote : _field[0])
        : new(_field[0], _row[0], _row[0], HasQuote ? Quote : _field[0]);

    /// <summary>The length of the separator that is here, 0 where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Match(ref byte at, int available, out bool endsRow)
    {
        endsRow = false;
        if (!_rowFirst && _field.IsAt(ref at, available))
        {
            return _field.Length;
        }

        if (_rowIsAnyNewline)
        {
            endsRow = true;
            return at switch
            {
                (byte)'\n' => 1,
                (byte)'\r' => available > 1 && Unsafe.Add(ref at, 1) == '\n' ? 2 : 1,
                _ => 0,
            };
        }

        if (_row.IsAt(ref at, available))
        {
            endsRow = true;
            return _row.Length;
        }

        return _rowFirst && _field.IsAt(ref at, available) ? _field.Length : 0;
    }

    /// <summary>The first row separator, quotes not regarded.</summary>
    /// <returns>Where it begins and ends; (-1, -1) where there is none or where more text is needed to tell.</returns>
    public (int Start, int End) FindRowEnd(ReadOnlySpan<byte> text, int start, bool isLast)
    {
        if (!_rowIsAnyNewline)
        {
            var found = text[start..].IndexOf(_row.Bytes);
            return found < 0 ? (-1, -1) : (start + found, start + found + _row.Length);
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

    /// <summary>A separator that is compared in one go where it has no more than 8 bytes.</summary>
    private readonly struct Separator
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
}
