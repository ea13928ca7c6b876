using System.Buffers;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// Finds the end of one JSON value, which may come in pieces of any size. It only minds quotes and brackets, so that it also
/// gets over what is not quite JSON.
/// </summary>
internal struct ValueSkipper
{
    private static readonly SearchValues<byte> Brackets = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> ScalarEnds = SearchValues.Create(",]} \t\r\n"u8);

    private bool _isStarted;
    private bool _isScalar;
    private bool _isInText;
    private bool _skipsOne;
    private int _depth;

    /// <summary>True where the end of the text is the end of the value: a number or a word.</summary>
    public readonly bool MayEnd => _isScalar;

    /// <param name="text">The next piece; the first begins with the value.</param>
    /// <returns>Bytes of the piece that belong to the value; -1: all of them, and it goes on.</returns>
    public int Feed(ReadOnlySpan<byte> text)
    {
        var i = 0;
        if (!_isStarted && text.Length > 0)
        {
            _isStarted = true;
            _isScalar = text[0] is not ((byte)'"' or (byte)'{' or (byte)'[');
        }

        if (_isScalar)
        {
            return text.IndexOfAny(ScalarEnds);
        }

        while (i < text.Length)
        {
            if (_skipsOne)
            {
                _skipsOne = false;
                i++;
            }
            else if (_isInText)
            {
                var found = text[i..].IndexOfAny((byte)'"', (byte)'\\');
                if (found < 0)
                {
                    return -1;
                }

                i += found + 1;
                _skipsOne = text[i - 1] == '\\';
                _isInText = _skipsOne;
                if (!_isInText && _depth == 0)
                {
                    return i;
                }
            }
            else
            {
                var found = text[i..].IndexOfAny(Brackets);
                if (found < 0)
                {
                    return -1;
                }

                i += found + 1;
                switch (text[i - 1])
                {
                    case (byte)'"':
                        _isInText = true;
                        break;
                    case (byte)'{' or (byte)'[':
                        _depth++;
                        break;
                    default:
                        if (--_depth <= 0)
                        {
                            return i;
                        }

                        break;
                }
            }
        }

        return -1;
    }
}
