using EtlTools.Core.Configuration;
using EtlTools.Core.Parsing;

namespace EtlTools.Tests.Parsing;

/// <summary>The same rules, one character at a time over the whole text: slow and plain, to compare with.</summary>
internal sealed class ReferenceParser(string text, DialectConfig dialect, int columns)
{
    private int _at;
    private int _contentEnd;

    public List<string?[]> Rows { get; } = [];

    /// <summary>row number:codes</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Where in the text each faulty row begins and ends.</summary>
    public List<(int Start, int End)> FaultPlaces { get; } = [];

    public void Parse()
    {
        var number = 0;
        while (_at < text.Length)
        {
            var rowStart = _at;
            var fields = new List<string?>();
            var fault = ParseRow(fields);
            if (fault is not null)
            {
                _at = rowStart;
                while (_at < text.Length && RowEnd() == 0)
                {
                    _at++;
                }

                _contentEnd = _at;
                _at += RowEnd();
            }
            else if (columns > 1 && fields.Count == 1 && IsEmpty(text[rowStart.._contentEnd]))
            {
                continue;
            }

            number++;
            fault ??= fields.Count == columns ? null : RowFault.FieldCount;
            var faults = fault is null
                ? fields.Index().Where(field => HasNul(field.Item ?? "")).Select(field => $"{RowFault.NulCharacter}[{field.Index}]").ToList()
                : HasNul(text[rowStart.._contentEnd]) ? [fault, RowFault.NulCharacter] : [fault];
            if (faults.Count == 0)
            {
                Rows.Add([.. fields]);
            }
            else
            {
                Faults.Add($"{number}:{string.Join('+', faults)}");
                FaultPlaces.Add((rowStart, _contentEnd));
            }
        }
    }

    private static bool HasNul(string value) => value.Contains('\0', StringComparison.Ordinal);

    private bool IsEmpty(string row) => row.Length == 0 || _contentEnd == text.Length && row.Trim('\r', '\n').Length == 0;

    private string? ParseRow(List<string?> fields)
    {
        while (true)
        {
            var start = _at;
            string? value;
            if (dialect.Quote is { } quote && _at < text.Length && text[_at] == quote)
            {
                _at++;
                while (_at < text.Length && !(text[_at] == quote && !(_at + 1 < text.Length && text[_at + 1] == quote)))
                {
                    _at += text[_at] == quote ? 2 : 1;
                }

                if (_at >= text.Length)
                {
                    return RowFault.UnterminatedQuote;
                }

                value = text[(start + 1).._at].Replace($"{quote}{quote}", $"{quote}", StringComparison.Ordinal);
                _at++;
                if (_at < text.Length && FieldEnd() == 0 && RowEnd() == 0)
                {
                    return RowFault.StrayQuote;
                }
            }
            else
            {
                while (_at < text.Length && FieldEnd() == 0 && RowEnd() == 0)
                {
                    _at++;
                }

                value = _at == start ? null : text[start.._at];
            }

            fields.Add(value);
            _contentEnd = _at;
            if (_at == text.Length)
            {
                return null;
            }

            if (FieldEnd() is var length and > 0)
            {
                _at += length;
                if (_at == text.Length)
                {
                    fields.Add(null);
                    _contentEnd = _at;
                    return null;
                }

                continue;
            }

            _at += RowEnd();
            return null;
        }
    }

    private int FieldEnd() =>
        IsAt(dialect.FieldSeparator) && !(RowEnd() > dialect.FieldSeparator.Length) ? dialect.FieldSeparator.Length : 0;

    private int RowEnd()
    {
        if (dialect.RowSeparator is not null)
        {
            return IsAt(dialect.RowSeparator) ? dialect.RowSeparator.Length : 0;
        }

        return IsAt("\r\n") ? 2 : IsAt("\r") || IsAt("\n") ? 1 : 0;
    }

    private bool IsAt(string part) => string.CompareOrdinal(text, _at, part, 0, part.Length) == 0;
}
