using EtlTools.Core.Parsing;
using EtlTools.Core.Runs;

namespace EtlTools.Core.Loading;

/// <summary>
/// What is kept of a file's bad rows outside its transaction: the counts, and the first few rows, so that a file that fails
/// as a whole can still show why.
/// </summary>
internal sealed class BadRowSample
{
    private const int MaxRows = 100;
    private readonly List<QuarantinedRow> _rows = [];

    public long RowsRead { get; set; }
    public long RowsRejected { get; set; }
    public IReadOnlyList<QuarantinedRow> Rows => _rows;
    public FileCounts Counts => new(RowsRead, 0, RowsRejected);

    public void Add(IEnumerable<QuarantinedRow> rows) => _rows.AddRange(rows.Take(MaxRows - _rows.Count));

    public void Clear()
    {
        _rows.Clear();
        RowsRead = 0;
        RowsRejected = 0;
    }
}

/// <summary>A bad row with its reasons in words of the table: column:code, or a code for the row.</summary>
internal sealed record QuarantinedRow(long RowNumber, long LineNumber, long ByteOffset, IReadOnlyList<string> Reasons, byte[] Content);
