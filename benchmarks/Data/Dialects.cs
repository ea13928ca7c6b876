using EtlTools.Core.Configuration;

namespace EtlTools.Benchmarks.Data;

internal static class Dialects
{
    /// <summary>RFC 4180 with a header.</summary>
    public static readonly DialectConfig Csv = new() { Header = true, Quote = '"' };

    /// <summary>The vendor's: UTF-16LE, no header, no quoting, separators of several characters.</summary>
    public static readonly DialectConfig Vendor = new()
    {
        FieldSeparator = "|^^|",
        RowSeparator = "|~~|",
        Encoding = "utf-16le",
    };
}
