namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Writes texts as the labels of an enumeration: "Outdoor Run" and "OutdoorRun" are outdoor_run.</summary>
internal static class Label
{
    /// <param name="text">UTF-8.</param>
    /// <param name="prefixes">Beginnings that go first.</param>
    /// <param name="label">Takes the label; twice as long as the text.</param>
    /// <returns>The length of the label.</returns>
    public static int Write(ReadOnlySpan<byte> text, IReadOnlyList<string> prefixes, Span<byte> label)
    {
        foreach (var prefix in prefixes)
        {
            if (text.Length > prefix.Length && System.Text.Ascii.Equals(text[..prefix.Length], prefix))
            {
                text = text[prefix.Length..];
                break;
            }
        }

        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            var isUpper = letter is >= (byte)'A' and <= (byte)'Z';
            var isSeparator = letter is (byte)' ' or (byte)'-' or (byte)'_';
            var followsLower = i > 0 && text[i - 1] is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9');
            if ((isSeparator || (isUpper && followsLower)) && length > 0 && label[length - 1] != '_')
            {
                label[length++] = (byte)'_';
            }

            if (!isSeparator)
            {
                label[length++] = isUpper ? (byte)(letter | 0x20) : letter;
            }
        }

        return length > 0 && label[length - 1] == '_' ? length - 1 : length;
    }
}
