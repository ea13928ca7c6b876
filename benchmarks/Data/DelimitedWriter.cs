using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Benchmarks.Data;

/// <summary>Writes rows in a dialect, fast enough that making the files is not what a benchmark waits for.</summary>
internal sealed class DelimitedWriter : IDisposable
{
    private const int FlushChars = 512 * 1024;

    private readonly Stream _stream;
    private readonly Encoding _encoding;
    private readonly DialectConfig _dialect;
    private readonly string _rowSeparator;
    private readonly char[] _text = new char[FlushChars + (64 * 1024)];
    private readonly byte[] _bytes;
    private int _length;
    private bool _inRow;

    public DelimitedWriter(string path, DialectConfig dialect)
    {
        _dialect = dialect;
        _rowSeparator = dialect.RowSeparator ?? "\n";
        _encoding = dialect.Encoding == "utf-16le" ? new UnicodeEncoding(bigEndian: false, byteOrderMark: false) : new UTF8Encoding(false);
        _bytes = new byte[_encoding.GetMaxByteCount(_text.Length)];
        _stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    public void Add(ReadOnlySpan<char> value)
    {
        if (_inRow)
        {
            Append(_dialect.FieldSeparator);
        }

        _inRow = true;
        if (_dialect.Quote is { } quote && value.IndexOfAny([quote, '\r', '\n', _dialect.FieldSeparator[0]]) >= 0)
        {
            var mark = quote.ToString();
            Append(mark + value.ToString().Replace(mark, mark + mark, StringComparison.Ordinal) + mark);
        }
        else
        {
            Append(value);
        }
    }

    public void Add(long value)
    {
        Span<char> digits = stackalloc char[20];
        value.TryFormat(digits, out var length, default, System.Globalization.CultureInfo.InvariantCulture);
        Add(digits[..length]);
    }

    public void EndRow()
    {
        Append(_rowSeparator);
        _inRow = false;
        if (_length >= FlushChars)
        {
            Flush();
        }
    }

    public void Dispose()
    {
        Flush();
        _stream.Dispose();
    }

    private void Append(ReadOnlySpan<char> text)
    {
        text.CopyTo(_text.AsSpan(_length));
        _length += text.Length;
    }

    private void Flush()
    {
        _stream.Write(_bytes, 0, _encoding.GetBytes(_text, 0, _length, _bytes, 0));
        _length = 0;
    }
}
