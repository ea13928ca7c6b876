using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Parsing;

/// <summary>
/// Splits UTF-8 text into rows and fields without copying it. Knows nothing of files, encodings and blocks: it takes the
/// rows that are whole and says where the first one begins that is not.
/// </summary>
/// <remarks>
/// A row with a quote fault ends with its first physical line and what follows is read afresh: one forgotten quote costs
/// one line, not the rest of the file.
/// </remarks>
internal sealed class RowSplitter(DialectConfig dialect)
{
    /// <summary>Bytes that must be readable, whatever they hold, beyond the text's end.</summary>
    public const int Padding = 2 * DelimiterScan.Width;

    // No table of PostgreSQL has more columns than 1,600.
    private const int MostFields = 2048;

    // The text is searched for candidates in stretches of this many bytes, which stay in the fastest cache.
    private const int StretchBytes = 4096;

    private const int NotQuoted = -2;
    private const int StillOpen = int.MaxValue;

    private readonly Delimiters _delimiters = new(dialect);
    private readonly int[] _candidates = new int[StretchBytes + DelimiterScan.Width + 1];
    private RowSlice[] _rows = new RowSlice[1024];
    private FieldSlice[] _fields = new FieldSlice[16 * 1024];
    private int _rowCount;
    private int _fieldCount;

    /// <summary>Fields a row must have; null: any number.</summary>
    public int? ExpectedFields { get; set; }

    /// <summary>True: an empty line is no row. False: it is a row with one empty field.</summary>
    public bool SkipsEmptyRows { get; set; }

    public Delimiters Delimiters => _delimiters;

    public ReadOnlySpan<RowSlice> Rows => _rows.AsSpan(0, _rowCount);

    public ReadOnlySpan<FieldSlice> Fields => _fields.AsSpan(0, _fieldCount);

    /// <summary>The row at which a split stopped because its end is not in the text.</summary>
    public UnfinishedRow Unfinished { get; private set; }

    public void Clear()
    {
        _rowCount = 0;
        _fieldCount = 0;
    }

    /// <summary>Adds the whole rows of a part of the text to <see cref="Rows"/>.</summary>
    /// <param name="text">The buffer, with <see cref="Padding"/> bytes after <paramref name="end"/>.</param>
    /// <param name="start">Where a row begins.</param>
    /// <param name="end">Where the text ends.</param>
    /// <param name="isLast">True where no more text will come: what is left is the last row.</param>
    /// <param name="maxRows">Stop after so many rows.</param>
    /// <returns>Where the next row begins; <paramref name="end"/> where all rows are whole.</returns>
    public int Split(byte[] text, int start, int end, bool isLast, int maxRows = int.MaxValue)
    {
        var rowStart = start;
        while (true)
        {
            rowStart = SplitUntilFault(text, rowStart, end, isLast, maxRows, out var fault);
            if (fault is null)
            {
                return rowStart;
            }

            var (lineEnd, next) = _delimiters.FindRowEnd(text.AsSpan(0, end), rowStart, isLast);
            if (lineEnd < 0 && !isLast)
            {
                return rowStart;
            }

            AddFaultyRow(rowStart, lineEnd < 0 ? end : lineEnd, fault);
            rowStart = lineEnd < 0 ? end : next;
            if (_rowCount >= maxRows)
            {
                return rowStart;
            }
        }
    }

    /// <summary>Adds a row that cannot be taken and whose fields are not known.</summary>
    public void AddFaultyRow(int start, int end, string fault) => AddRow(new RowSlice(start, end, _fieldCount, 0, fault));

    public void MarkFaulty(int row, string fault) => _rows[row] = _rows[row] with { Fault = fault };

    private int SplitUntilFault(byte[] text, int start, int end, bool isLast, int maxRows, out string? fault)
    {
        if (_delimiters.IsAnyNewline && _delimiters.Field.Length == 1)
        {
            return SplitUntilFault(new NewlineScan(_delimiters), text, start, end, isLast, maxRows, out fault);
        }

        return _delimiters.AreTwoBytesAndOrdered
            ? SplitUntilFault(new TwoByteScan(_delimiters), text, start, end, isLast, maxRows, out fault)
            : SplitUntilFault(new FirstByteScan(_delimiters), text, start, end, isLast, maxRows, out fault);
    }

    // One call works on a whole block: it must not be left to the slow first tier of the just-in-time compiler.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int SplitUntilFault<TScan>(
        TScan scan, byte[] text, int start, int end, bool isLast, int maxRows, out string? fault)
        where TScan : struct, IDelimiterScan
    {
        ref var origin = ref MemoryMarshal.GetArrayDataReference(text);
        ref var candidates = ref MemoryMarshal.GetArrayDataReference(_candidates);
        var quote = _delimiters.HasQuote ? _delimiters.Quote : -1;
        var lastCertain = isLast ? end - 1 : end - _delimiters.Longest;
        var keptFields = Math.Min(ExpectedFields ?? MostFields, MostFields);
        ref var fields = ref RoomForFields(keptFields);

        var rowStart = start;
        var fieldStart = start;
        var fieldsInRow = 0;
        var quoteEnd = NotQuoted;
        var isEscaped = false;
        fault = null;

        for (var stretch = start; stretch < end; stretch += StretchBytes)
        {
            var stretchEnd = Math.Min(end, stretch + StretchBytes);
            var count = DelimiterScan.Find(scan, ref origin, stretch, stretchEnd, ref candidates);
            if (stretchEnd == end)
            {
                // The end of the last text ends a row as a separator does.
                Unsafe.Add(ref candidates, count++) = end;
            }

            for (var i = 0; i < count; i++)
            {
                var position = Unsafe.Add(ref candidates, i);
                if (position < fieldStart)
                {
                    continue;
                }

                var endsRow = true;
                var separatorLength = 0;
                if (position <= lastCertain)
                {
                    ref var at = ref Unsafe.Add(ref origin, position);
                    if (at == quote)
                    {
                        if (quoteEnd == StillOpen)
                        {
                            quoteEnd = position;
                        }
                        else if (position == fieldStart)
                        {
                            quoteEnd = StillOpen;
                        }
                        else if (quoteEnd == position - 1)
                        {
                            // Two quotes in a row stand for one.
                            quoteEnd = StillOpen;
                            isEscaped = true;
                        }

                        continue;
                    }

                    if (quoteEnd == StillOpen)
                    {
                        continue;
                    }

                    separatorLength = scan.Match(ref at, end - position, out endsRow);
                    if (separatorLength == 0)
                    {
                        continue;
                    }
                }
                else if (!isLast || rowStart == end)
                {
                    goto OutOfText;
                }
                else if (quoteEnd == StillOpen)
                {
                    fault = RowFault.UnterminatedQuote;
                    goto OutOfText;
                }

                var slice = new FieldSlice(fieldStart, position - fieldStart);
                if (quoteEnd != NotQuoted)
                {
                    if (quoteEnd != position - 1)
                    {
                        fault = RowFault.StrayQuote;
                        goto OutOfText;
                    }

                    slice = new FieldSlice(fieldStart + 1, quoteEnd - fieldStart - 1).AsQuoted(isEscaped);
                    quoteEnd = NotQuoted;
                    isEscaped = false;
                }

                if (fieldsInRow < keptFields)
                {
                    Unsafe.Add(ref fields, fieldsInRow) = slice;
                }

                fieldsInRow++;
                fieldStart = position + separatorLength;
                if (!endsRow)
                {
                    continue;
                }

                AddSplitRow(text, rowStart, position, fieldsInRow, isAtEnd: position == end);
                rowStart = fieldStart;
                fieldsInRow = 0;
                if (_rowCount >= maxRows)
                {
                    return rowStart;
                }

                fields = ref RoomForFields(keptFields);
            }
        }

    OutOfText:
        Unfinished = new UnfinishedRow(fieldsInRow, fieldStart, quoteEnd == StillOpen);
        return rowStart;
    }

    private void AddSplitRow(byte[] text, int start, int end, int fieldCount, bool isAtEnd)
    {
        var isEmpty = SkipsEmptyRows && fieldCount == 1 && IsEmpty(text.AsSpan(start, end - start), isAtEnd);
        if (ExpectedFields is { } expected ? fieldCount == expected : fieldCount <= MostFields && !isEmpty)
        {
            AddRow(new RowSlice(start, end, _fieldCount, fieldCount, null));
            _fieldCount += fieldCount;
        }
        else if (!isEmpty)
        {
            AddFaultyRow(start, end, RowFault.FieldCount);
        }
    }

    // Newlines after the last row separator are no row either.
    private static bool IsEmpty(ReadOnlySpan<byte> row, bool isAtEnd) =>
        row.IsEmpty || isAtEnd && row.IndexOfAnyExcept((byte)'\r', (byte)'\n') < 0;

    private void AddRow(RowSlice row)
    {
        if (_rowCount == _rows.Length)
        {
            Array.Resize(ref _rows, _rows.Length * 2);
        }

        _rows[_rowCount++] = row;
    }

    // The place of the next row's fields.
    private ref FieldSlice RoomForFields(int count)
    {
        if (_fieldCount + count > _fields.Length)
        {
            Array.Resize(ref _fields, Math.Max(_fieldCount + count, _fields.Length * 2));
        }

        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_fields), _fieldCount);
    }
}

/// <summary>What is known of a row whose end has not come yet.</summary>
/// <param name="WholeFields">Fields it has so far, the unfinished one not counted.</param>
/// <param name="FieldStart">Where its unfinished field begins.</param>
/// <param name="InsideQuotes">Whether that field is quoted and its quote still open.</param>
internal readonly record struct UnfinishedRow(int WholeFields, int FieldStart, bool InsideQuotes);
