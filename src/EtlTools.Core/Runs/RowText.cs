using System.Text;

namespace EtlTools.Core.Runs;

/// <summary>Reads the bytes of a rejected row for an admin's eyes. The ledger keeps the bytes and not the encoding.</summary>
internal static class RowText
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Read(byte[] bytes)
    {
        if (LooksLikeUtf16(bytes))
        {
            return Encoding.Unicode.GetString(bytes);
        }

        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }

    // Little-endian text with separators and digits has a zero in every other place, beginning with the second.
    private static bool LooksLikeUtf16(byte[] bytes)
    {
        var zeros = new int[2];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == 0)
            {
                zeros[i % 2]++;
            }
        }

        return zeros[1] > zeros[0] && zeros[1] * 10 > bytes.Length;
    }
}
