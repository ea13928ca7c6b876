using System.Globalization;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Parsing;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Streams one file into its raw segment, verbatim, and judges whether enough of it is good.</summary>
internal sealed class RawCopy(
    NpgsqlConnection connection,
    ExtractTable table,
    string segment,
    int loadRunFileId,
    FileLoadOptions options,
    BadRowSample badRows)
{
    /// <summary>Where every one of so many rows is bad, the file is not what it is taken for, and reading on is idle.</summary>
    private const int HopelessRows = 1000;

    /// <summary>Bytes read without a single good row that say the same of a file with very long rows.</summary>
    private const long HopelessBytes = 64L << 20;

    /// <exception cref="EtlException">TooManyBadRows, ColumnCountMismatch, HeaderMismatch, HeaderMissing, those of the source.</exception>
    public async Task<FileCounts> RunAsync(Stream content, DialectConfig dialect, SourceFile file, CancellationToken cancellationToken)
    {
        await using var reader = new DelimitedReader(content, dialect, dialect.Header ? null : table.RawColumns.Count);
        var fields = await MapFieldsAsync(reader, dialect, file, cancellationToken).ConfigureAwait(false);
        var columns = FieldNames(fields);
        var copier = new DelimitedToCopy
        {
            OpenCopy = async token => await connection.BeginRawBinaryCopyAsync(CopySql(), token).ConfigureAwait(false),
            StoreFaults = async (faults, token) =>
            {
                var rows = faults.Select(fault => Describe(fault, columns)).ToList();
                badRows.Add(rows);
                await Quarantine.StoreAsync(connection, loadRunFileId, rows, token).ConfigureAwait(false);
            },
            ShouldStop = counts =>
            {
                options.OnProgress?.Invoke(counts.RowsCopied, counts.BytesRead);
                return counts.RowsCopied == 0 && (counts.RowsFaulted >= HopelessRows || counts.BytesRead >= HopelessBytes);
            },
        };

        var done = await copier.RunAsync(reader, fields, loadRunFileId, cancellationToken).ConfigureAwait(false);
        badRows.RowsRead = done.RowsRead;
        badRows.RowsRejected = done.RowsFaulted;
        if (done.IsStopped)
        {
            badRows.Add(copier.UnstoredFaults.Select(fault => Describe(fault, columns)));
        }

        Judge(done, file);
        return new FileCounts(done.RowsRead, done.RowsCopied, done.RowsFaulted);
    }

    private string CopySql() =>
        $"COPY {segment} ({SqlIdentifier.List(table.RawColumns)}, {Lineage.FileId}, {Lineage.RowNumber}) FROM STDIN (FORMAT BINARY)";

    /// <summary>For each raw column the field that feeds it: by the header's names, else by position.</summary>
    private async Task<IReadOnlyList<int>> MapFieldsAsync(
        DelimitedReader reader, DialectConfig dialect, SourceFile file, CancellationToken cancellationToken)
    {
        if (!dialect.Header)
        {
            return Enumerable.Range(0, table.RawColumns.Count).ToList();
        }

        var header = await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        if (header.Count == 0)
        {
            // Where there was nothing to extract a file has its header still: one without it is an upload that broke off.
            throw new EtlException(
                EtlErrorKind.Data,
                "HeaderMissing",
                "The file is empty: it lacks even its header.",
                file.Object.Key,
                "Have it sent again; where the source sends files without a header, say header: false in the pipeline file.");
        }

        return HeaderMap.Match(header, table, file.Object.Key);
    }

    private string?[] FieldNames(IReadOnlyList<int> fields)
    {
        var names = new string?[fields.Count == 0 ? 0 : fields.Max() + 1];
        for (var column = 0; column < fields.Count; column++)
        {
            if (fields[column] >= 0)
            {
                names[fields[column]] = table.RawColumns[column];
            }
        }

        return names;
    }

    private static QuarantinedRow Describe(FaultyRow fault, string?[] fieldNames) => new(
        fault.RowNumber,
        fault.LineNumber,
        fault.ByteOffset,
        fault.Reasons
            .Select(reason => reason.FieldIndex is { } index && index < fieldNames.Length && fieldNames[index] is { } name
                ? $"{name}:{reason.Code}"
                : reason.Code)
            .ToList(),
        fault.Content);

    private void Judge(CopyCounts counts, SourceFile file)
    {
        if (counts.RowsRead > 0 && counts.RowsCopied == 0 && badRows.Rows.All(row => row.Reasons.Contains(RowFault.FieldCount)))
        {
            throw new EtlException(
                EtlErrorKind.Data,
                "ColumnCountMismatch",
                $"No row of the file has the {table.RawColumns.Count} columns of {table.RawName}.",
                file.Object.Key,
                "Check the pipeline's separators and encoding against the file; if the vendor has added columns, add them to "
                + "the extract type and run Initialize-EtlDatabase.");
        }

        var rate = counts.RowsRead == 0 ? 0 : (double)counts.RowsFaulted / counts.RowsRead;
        if (counts.IsStopped || rate > options.MaxErrorRate)
        {
            throw new EtlException(
                EtlErrorKind.Data,
                "TooManyBadRows",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{counts.RowsFaulted} of {counts.RowsRead} rows are bad; the limit is {options.MaxErrorRate:P1}. Nothing of the file was kept."),
                file.Object.Key,
                "Look at the first of them with Get-RejectedRow; load the file again when it is corrected, or with a higher -MaxErrorRate.");
        }
    }
}
