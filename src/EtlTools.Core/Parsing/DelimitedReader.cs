using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Parsing;

/// <summary>Reads delimited text a batch of rows at a time, in flat memory.</summary>
/// <remarks>
/// The text is held as UTF-8 whatever the file's encoding, and fields are slices of it. A row that cannot be taken is
/// reported with its original bytes and costs no other row. A row whose end does not come is given up as soon as it
/// cannot be good any more (a field exceeds MaxFieldBytes, the row exceeds twice that, or it has too many fields and
/// exceeds <see cref="MaxContentBytes"/>) and skipped up to the next row separator. An open quote is given up likewise,
/// or at the end of the file; it costs the line it is on.
/// </remarks>
internal sealed class DelimitedReader : IAsyncDisposable
{
    /// <summary>Most of a faulty row that is kept.</summary>
    public const int MaxContentBytes = 1024 * 1024;

    public const int DefaultBlockBytes = 256 * 1024;

    private readonly TextSource _source;
    private readonly RowSplitter _splitter;
    private readonly bool _hasHeader;
    private readonly int _maxFieldBytes;
    private readonly List<FaultyRow> _faultyRows = [];
    private int _consumed;
    private bool _isSkipping;
    private bool _headerIsRead;

    /// <param name="stream">The file's bytes from the first on. It is not disposed.</param>
    /// <param name="dialect">How they are to be read.</param>
    /// <param name="expectedColumns">Fields a row must have; null: as many as the header, or any number without one.</param>
    /// <param name="blockBytes">Bytes of the file that are read at a time.</param>
    public DelimitedReader(
        Stream stream, DialectConfig dialect, int? expectedColumns = null, int blockBytes = DefaultBlockBytes)
    {
        _source = new TextSource(stream, dialect, blockBytes);
        _splitter = new RowSplitter(dialect);
        _hasHeader = dialect.Header;
        _maxFieldBytes = Math.Clamp(dialect.MaxFieldBytes, 1, 256 * 1024 * 1024);
        ExpectedColumns = expectedColumns;
    }

    /// <summary>Fields a row must have; null: any number. May be set until the first batch is read.</summary>
    public int? ExpectedColumns
    {
        get;
        set
        {
            field = value;
            _splitter.ExpectedFields = value;
            _splitter.SkipsEmptyRows = value > 1;
        }
    }

    /// <summary>The header's names, verbatim: they may be empty or occur twice. Empty where there is no header.</summary>
    public IReadOnlyList<string> Header { get; private set; } = [];

    /// <summary>The encoding the file turned out to have; known once something has been read.</summary>
    public SourceEncoding Encoding => _source.Encoding;

    /// <summary>The quote, which is doubled in escaped fields.</summary>
    public byte Quote => _splitter.Delimiters.Quote;

    /// <summary>
    /// The buffer that the batch's slices point into, readable for <see cref="RowSplitter.Padding"/> bytes beyond them.
    /// Like all of a batch it holds until the next read.
    /// </summary>
    public byte[] Text => _source.Buffer;

    /// <summary>The batch's rows in file order, the faulty ones among them.</summary>
    public ReadOnlySpan<RowSlice> Rows => _splitter.Rows;

    /// <summary>The fields of the batch's rows; those of faulty rows may be missing.</summary>
    public ReadOnlySpan<FieldSlice> Fields => _splitter.Fields;

    /// <summary>The batch's faulty rows.</summary>
    public IReadOnlyList<FaultyRow> FaultyRows => _faultyRows;

    /// <summary>Number of the batch's first row.</summary>
    public long FirstRowNumber { get; private set; } = 1;

    /// <summary>Rows read so far, faulty ones included.</summary>
    public long RowsRead => FirstRowNumber - 1 + Rows.Length;

    /// <summary>Bytes of the file decoded so far.</summary>
    public long BytesRead => _source.BytesRead;

    /// <summary>Reads the header, if the dialect has one and it has not been read yet.</summary>
    /// <exception cref="EtlException">HeaderUnreadable.</exception>
    public async ValueTask<IReadOnlyList<string>> ReadHeaderAsync(CancellationToken cancellationToken)
    {
        if (_headerIsRead || !_hasHeader)
        {
            return Header;
        }

        var expected = ExpectedColumns;
        ExpectedColumns = null;
        _splitter.SkipsEmptyRows = true;
        while (Rows.IsEmpty && await MoveAsync(cancellationToken).ConfigureAwait(false))
        {
            TakeRows(maxRows: 1);
        }

        Header = Rows.IsEmpty ? [] : NamesOf(Rows[0]);
        _headerIsRead = true;
        ExpectedColumns = expected ?? (Header.Count == 0 ? null : Header.Count);
        ClearBatch();
        return Header;
    }

    /// <summary>Reads the next batch; the header first, if it has not been read.</summary>
    /// <returns>False at the end of the file. A batch without rows says that an endless row is being skipped.</returns>
    /// <exception cref="EtlException">HeaderUnreadable.</exception>
    public async ValueTask<bool> ReadBatchAsync(CancellationToken cancellationToken)
    {
        await ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        FirstRowNumber += Rows.Length;
        ClearBatch();
        if (!await MoveAsync(cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        TakeRows(int.MaxValue);
        return true;
    }

    /// <summary>A field's content as it goes into raw; null stands for NULL.</summary>
    public string? ValueOf(FieldSlice slice)
    {
        if (slice.IsNull)
        {
            return null;
        }

        var text = System.Text.Encoding.UTF8.GetString(Text, slice.Start, slice.Length);
        var quote = ((char)Quote).ToString();
        return slice.IsEscaped ? text.Replace(quote + quote, quote, StringComparison.Ordinal) : text;
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async ValueTask<bool> MoveAsync(CancellationToken cancellationToken)
    {
        var dropped = _consumed;
        _consumed = 0;
        return await _source.MoveAsync(dropped, cancellationToken).ConfigureAwait(false);
    }

    private void ClearBatch()
    {
        _faultyRows.Clear();
        _splitter.Clear();
    }

    private void TakeRows(int maxRows)
    {
        if (_isSkipping && !SkipToRowEnd(_consumed))
        {
            return;
        }

        var start = _consumed;
        do
        {
            _consumed = _splitter.Split(Text, _consumed, _source.Text.Length, _source.IsEnded, maxRows);
        }
        while (Rows.Length < maxRows && !_source.IsEnded && GiveUpRow());

        FindBadContent(start);
        for (var i = 0; i < Rows.Length; i++)
        {
            if (Rows[i].IsFaulty)
            {
                _faultyRows.Add(Describe(i));
            }
        }
    }

    // Gives up the row that is not whole if it cannot be good any more. True where its end is known and more can be split.
    private bool GiveUpRow()
    {
        var end = _source.Text.Length;
        var row = _splitter.Unfinished;
        string fault;
        if (end - row.FieldStart > _maxFieldBytes || end - _consumed > 2L * _maxFieldBytes)
        {
            fault = RowFault.FieldTooLong;
        }
        else if (end - _consumed > MaxContentBytes && row.WholeFields >= ExpectedColumns)
        {
            fault = RowFault.FieldCount;
        }
        else
        {
            return false;
        }

        var searchFrom = row.InsideQuotes ? _consumed : row.FieldStart;
        var (lineEnd, next) = _splitter.Delimiters.FindRowEnd(_source.Text, searchFrom, isLast: false);
        if (lineEnd >= 0)
        {
            var isOpenQuote = row.InsideQuotes && fault == RowFault.FieldTooLong;
            _splitter.AddFaultyRow(_consumed, lineEnd, isOpenQuote ? RowFault.UnterminatedQuote : fault);
            _consumed = next;
            return true;
        }

        _splitter.AddFaultyRow(_consumed, end, fault);
        SkipToRowEnd(searchFrom);
        return false;
    }

    // Skips the rest of a row that has been given up, quotes not regarded. True where its end has come.
    private bool SkipToRowEnd(int from)
    {
        var text = _source.Text;
        var (_, next) = _splitter.Delimiters.FindRowEnd(text, from, _source.IsEnded);
        _isSkipping = next < 0 && !_source.IsEnded;
        if (_isSkipping)
        {
            // The separator may have begun.
            _consumed = Math.Max(from, text.Length - (_splitter.Delimiters.Longest - 1));
        }
        else
        {
            _consumed = next < 0 ? text.Length : next;
        }

        return !_isSkipping;
    }

    // The splitter does not look at content. One look over the whole text shows that it is good, as it nearly always is.
    private void FindBadContent(int start)
    {
        var taken = _source.Text[start.._consumed];
        if (!taken.Contains((byte)0) && taken.Length <= _maxFieldBytes && _source.IsValid(start, _consumed))
        {
            return;
        }

        for (var i = 0; i < Rows.Length; i++)
        {
            var row = Rows[i];
            if (!row.IsFaulty && HasBadContent(row))
            {
                _splitter.MarkFaulty(i, ContentFaults(row)[0].Code);
            }
        }
    }

    private bool HasBadContent(RowSlice row) =>
        row.End - row.Start > _maxFieldBytes
            ? ContentFaults(row).Count > 0
            : _source.Text[row.Start..row.End].Contains((byte)0) || !_source.IsValid(row.Start, row.End);

    // By field, for a row whose fields are known.
    private List<FaultReason> ContentFaults(RowSlice row)
    {
        var reasons = new List<FaultReason>();
        for (var i = 0; i < row.FieldCount; i++)
        {
            var slice = Fields[row.FirstField + i];
            AddContentFaults(slice.Start, slice.Start + slice.Length, i, reasons);
        }

        return reasons;
    }

    private void AddContentFaults(int start, int end, int? fieldIndex, List<FaultReason> reasons)
    {
        if (end - start > _maxFieldBytes && fieldIndex is not null)
        {
            reasons.Add(new FaultReason(RowFault.FieldTooLong, fieldIndex));
        }

        if (_source.Text[start..end].Contains((byte)0))
        {
            reasons.Add(new FaultReason(RowFault.NulCharacter, fieldIndex));
        }

        if (!_source.IsValid(start, end))
        {
            reasons.Add(new FaultReason(RowFault.UndecodableBytes, fieldIndex));
        }
    }

    private FaultyRow Describe(int index)
    {
        var row = Rows[index];
        var isGivenUp = _isSkipping && index == Rows.Length - 1;
        var reasons = ContentFaults(row);
        if (reasons.Count == 0)
        {
            reasons.Add(new FaultReason(row.Fault!, null));
            if (!isGivenUp)
            {
                AddContentFaults(row.Start, row.End, null, reasons);
            }
        }

        var place = _source.PlaceOf(row.Start);
        var content = _source.Restore(row.Start, row.End, MaxContentBytes + 1);
        var isCut = isGivenUp || content.Length > MaxContentBytes;
        if (content.Length > MaxContentBytes)
        {
            content = content[..MaxContentBytes];
        }

        return new FaultyRow(FirstRowNumber + index, place.Line, place.ByteOffset, reasons, content, isCut);
    }

    private string[] NamesOf(RowSlice row)
    {
        if (row.IsFaulty)
        {
            throw new EtlException(
                EtlErrorKind.Data,
                "HeaderUnreadable",
                $"The header cannot be read: {string.Join(", ", _faultyRows[0].Reasons.Select(reason => reason.Code).Distinct())}.",
                "header",
                "Compare the file with the dialect of its pipeline: encoding, separators and quotes.");
        }

        var names = new string[row.FieldCount];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = ValueOf(Fields[row.FirstField + i]) ?? "";
        }

        return names;
    }
}
