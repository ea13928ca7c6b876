using System.Globalization;
using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Host.Demo;

/// <summary>One sample file, as the vendor writes it, with or without a fault.</summary>
internal sealed class DemoFile(PipelineConfig pipeline, ExtractTypeConfig type, DateTime from, DateTime extracted, IReadOnlyList<(long Key, int Version)> rows)
{
    private const int BadRowEvery = 60;

    private readonly IReadOnlyList<ColumnConfig> _columns = type.Columns.Where(column => column.InFile).ToList();

    public string ExtractType => type.Name;

    public DemoFault Fault { get; init; }

    public string Name => Fault == DemoFault.UnreadableName
        ? $"{DemoRecord.PerOrgId}_{DemoRecord.PracticeId}_{type.Name}_copy of the old one.csv"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{DemoRecord.PerOrgId}_{DemoRecord.PracticeId}_{type.Name}_{from:yyyyMMddHHmm}_{extracted:yyyyMMddHHmm}_{extracted:yyMMddHHmm}.csv");

    public int RowCount => rows.Count;

    /// <summary>Rows that cannot go into raw, while the rest of the file can.</summary>
    public int BadRows => Fault switch
    {
        DemoFault.BadRows => 4,
        DemoFault.Truncated => 1,
        _ => 0,
    };

    /// <summary>Rows that reach raw and that staging refuses.</summary>
    public int InvalidRows => Fault switch
    {
        DemoFault.InvalidValues => 3,
        DemoFault.DatesDayFirst => (rows.Count + 1) / 2,
        _ => 0,
    };

    /// <summary>No row of it can be taken.</summary>
    public bool IsHopeless => Fault == DemoFault.SavedBySpreadsheet;

    /// <summary>Writes it under its name. Returns its size in bytes.</summary>
    public long WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        using var file = new FileStream(Path.Combine(folder, Name), FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        Encoding encoding = Fault == DemoFault.SavedBySpreadsheet
            ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)
            : new UnicodeEncoding(bigEndian: false, byteOrderMark: false);
        using (var text = new StreamWriter(file, encoding, 1 << 16, leaveOpen: true))
        {
            for (var row = 0; row < rows.Count; row++)
            {
                Write(text, row);
            }
        }

        return file.Length;
    }

    private void Write(TextWriter text, int row)
    {
        var (fieldSeparator, rowSeparator) = Fault == DemoFault.SavedBySpreadsheet
            ? (",", "\r\n")
            : (pipeline.Dialect.FieldSeparator, pipeline.Dialect.RowSeparator);
        var fields = Fields(row);
        if (Fault == DemoFault.Truncated && row == rows.Count - 1)
        {
            text.Write(string.Join(fieldSeparator, fields.Take(fields.Count / 2)));
            return;
        }

        for (var field = 0; field < fields.Count; field++)
        {
            text.Write(field == 0 ? "" : fieldSeparator);
            text.Write(fields[field]);
        }

        text.Write(rowSeparator);
    }

    private List<string> Fields(int row)
    {
        var (key, version) = rows[row];
        var record = new DemoRecord(type, key, version, extracted);
        var fields = _columns.Select(record.Value).ToList();
        switch (Fault)
        {
            case DemoFault.BadRows when row % BadRowEvery == 7 && row / BadRowEvery < 4:
                Spoil(fields, row / BadRowEvery);
                break;
            case DemoFault.InvalidValues when row is 10 or 20:
                fields[Place(type.NaturalKey[0])] = "";
                break;
            case DemoFault.InvalidValues when row == 30:
                fields[FirstDate()] = "2025-02-30";
                break;
            case DemoFault.DatesDayFirst when row % 2 == 0:
                fields[FirstDate()] = extracted.AddDays(-row - 1).ToString("dd/MM/yyyy", CultureInfo.InvariantCulture);
                break;
        }

        return fields;
    }

    private static void Spoil(List<string> fields, int kind)
    {
        switch (kind)
        {
            case 0 or 1:
                fields.RemoveAt(fields.Count / 2);
                break;
            case 2:
                fields.Add("");
                break;
            default:
                fields[fields.Count / 2] = "a\0b";
                break;
        }
    }

    private int FirstDate() => _columns.TakeWhile(column => column.Type != "date").Count();

    private int Place(string column) => _columns.TakeWhile(candidate => candidate.Name != column).Count();
}
