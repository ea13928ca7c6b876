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
    public const int Padding = 2 * IDelimiterMask.Width;

    // No table of PostgreSQL has more columns than 1,600.
    private const int MostFields = 2048;

    private readonly Delimiters _delimiters = new(dialect);
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
            rowStart = _delimiters.AllHaveTwoBytes
                ? SplitUntilFault(_delimiters.TwoByteMask(), text, rowStart, end, isLast, maxRows, out var fault)
                : SplitUntilFault(_delimiters.OneByteMask(), text, rowStart, end, isLast, maxRows, out fault);
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

    private int SplitUntilFault<TMask>(
        TMask mask, byte[] text, int start, int end, bool isLast, int maxRows, out string? fault)
        where TMask : struct, IDelimiterMask
    {
        ref var origin = ref MemoryMarshal.GetArrayDataReference(text);
        var delimiters = _delimiters;
        var quote = delimiters.HasQuote ? delimiters.Quote : -1;
        var certain = isLast ? int.MaxValue : end - delimiters.Longest;
        var expected = ExpectedFields ?? -1;
        var keptFields = Math.Min(ExpectedFields ?? MostFields, MostFields);
        var fields = FieldsWithRoomFor(keptFields);
        var firstField = _fieldCount;

        var rowStart = start;
        var fieldStart = start;
        var nextFree = start;
        var fieldsInRow = 0;
        var insideQuotes = false;
        var isEscaped = false;
        var quoteEnd = -1;
        fault = null;

        for (var block = start; block <= end; block += IDelimiterMask.Width)
        {
            var candidates = mask.At(ref Unsafe.Add(ref origin, block));
            if (end - block < IDelimiterMask.Width)
            {
                // The end of the last text ends a row as a separator does.
                var atEnd = 1UL << (end - block);
                candidates = (candidates & (atEnd - 1)) | atEnd;
            }

            for (; candidates != 0; candidates &= candidates - 1)
            {
                var position = block + BitOperations.TrailingZeroCount(candidates);
                if (position < nextFree)
                {
                    continue;
                }

                if (position > certain || position == end && (!isLast || rowStart == end))
                {
                    goto OutOfText;
                }

                ref var at = ref Unsafe.Add(ref origin, position);
                if (at == quote && position < end)
                {
                    if (!insideQuotes)
                    {
                        insideQuotes = position == fieldStart;
                    }
                    else if (position + 1 < end && Unsafe.Add(ref at, 1) == quote)
                    {
                        isEscaped = true;
                        nextFree = position + 2;
                    }
                    else
                    {
                        insideQuotes = false;
                        quoteEnd = position;
                    }

                    continue;
                }

                var endsRow = true;
                var separatorLength = 0;
                if (position == end)
                {
                    fault = insideQuotes ? RowFault.UnterminatedQuote : null;
                }
                else if (insideQuotes)
                {
                    continue;
                }
                else
                {
                    separatorLength = delimiters.Match(ref at, end - position, out endsRow);
                    if (separatorLength == 0)
                    {
                        continue;
                    }
                }

                var slice = new FieldSlice(fieldStart, position - fieldStart);
                if (quoteEnd >= 0)
                {
                    fault = quoteEnd == position - 1 ? null : RowFault.StrayQuote;
                    slice = new FieldSlice(fieldStart + 1, quoteEnd - fieldStart - 1, isEscaped);
                    quoteEnd = -1;
                    isEscaped = false;
                }

                if (fault is not null)
                {
                    goto OutOfText;
                }

                if (fieldsInRow < keptFields)
                {
                    fields[firstField + fieldsInRow] = slice;
                }

                fieldsInRow++;
                nextFree = fieldStart = position + separatorLength;
                if (!endsRow)
                {
                    continue;
                }

                if (fieldsInRow == expected || expected < 0 && fieldsInRow <= MostFields && !(SkipsEmptyRows && position == rowStart))
                {
                    _fieldCount = firstField + fieldsInRow;
                    AddRow(new RowSlice(rowStart, position, firstField, fieldsInRow, null));
                }
                else if (!SkipsEmptyRows || !IsEmpty(text.AsSpan(rowStart, position - rowStart), position == end))
                {
                    AddFaultyRow(rowStart, position, RowFault.FieldCount);
                }

                rowStart = fieldStart;
                fieldsInRow = 0;
                firstField = _fieldCount;
                fields = FieldsWithRoomFor(keptFields);
                if (_rowCount >= maxRows)
                {
                    return rowStart;
                }
            }
        }

    OutOfText:
        Unfinished = new UnfinishedRow(fieldsInRow, fieldStart, insideQuotes);
        return rowStart;
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

    private FieldSlice[] FieldsWithRoomFor(int count)
    {
        if (_fieldCount + count > _fields.Length)
        {
            Array.Resize(ref _fields, Math.Max(_fieldCount + count, _fields.Length * 2));
        }

        return _fields;
    }
}

/// <summary>What is known of a row whose end has not come yet.</summary>
/// <param name="WholeFields">Fields it has so far, the unfinished one not counted.</param>
/// <param name="FieldStart">Where its unfinished field begins.</param>
/// <param name="InsideQuotes">Whether that field is quoted and its quote still open.</param>
internal readonly record struct UnfinishedRow(int WholeFields, int FieldStart, bool InsideQuotes);
