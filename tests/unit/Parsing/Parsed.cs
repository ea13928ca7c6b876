using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;

namespace EtlTools.Tests.Parsing;

/// <summary>A whole file read, for comparison.</summary>
internal sealed record Parsed(
    IReadOnlyList<string> Header,
    IReadOnlyList<string?[]> Rows,
    IReadOnlyList<long> RowNumbers,
    IReadOnlyList<FaultyRow> Faults,
    SourceEncoding Encoding,
    long BytesRead)
{
    public static readonly DialectConfig Csv = new() { Quote = '"' };

    public static readonly DialectConfig Vendor =
        new() { FieldSeparator = "|^^|", RowSeparator = "|~~|", Encoding = "utf-16le" };

    public static async Task<Parsed> ReadAsync(
        byte[] file, DialectConfig dialect, int? columns = null, int blockBytes = DelimitedReader.DefaultBlockBytes)
    {
        await using var reader = new DelimitedReader(new MemoryStream(file), dialect, columns, blockBytes);
        var rows = new List<string?[]>();
        var numbers = new List<long>();
        var faults = new List<FaultyRow>();
        while (await reader.ReadBatchAsync(CancellationToken.None))
        {
            for (var i = 0; i < reader.Rows.Length; i++)
            {
                var row = reader.Rows[i];
                if (!row.IsFaulty)
                {
                    rows.Add([.. reader.Fields.Slice(row.FirstField, row.FieldCount).ToArray().Select(reader.ValueOf)]);
                    numbers.Add(reader.FirstRowNumber + i);
                }
            }

            faults.AddRange(reader.FaultyRows);
        }

        return new Parsed(reader.Header, rows, numbers, faults, reader.Encoding, reader.BytesRead);
    }

    public static Task<Parsed> ReadAsync(string text, DialectConfig dialect, int? columns = null, int blockBytes = DelimitedReader.DefaultBlockBytes) =>
        ReadAsync(EncodingOf(dialect).GetBytes(text), dialect, columns, blockBytes);

    public static Encoding EncodingOf(DialectConfig dialect) => dialect.Encoding switch
    {
        "utf-16le" => new UnicodeEncoding(bigEndian: false, byteOrderMark: false),
        "utf-16be" => new UnicodeEncoding(bigEndian: true, byteOrderMark: false),
        "iso-8859-1" => System.Text.Encoding.Latin1,
        _ => new UTF8Encoding(false),
    };

    /// <summary>Rows as text in which NULL shows: a,∅,b per row.</summary>
    public string Shown => string.Join("\n", Rows.Select(row => string.Join(",", row.Select(value => value ?? "∅"))));

    public string FaultCodes => string.Join(" ", Faults.Select(fault => fault.RowNumber + ":" + string.Join("+", fault.Reasons.Select(Show))));

    private static string Show(FaultReason reason) =>
        reason.FieldIndex is null ? reason.Code : $"{reason.Code}[{reason.FieldIndex}]";
}
