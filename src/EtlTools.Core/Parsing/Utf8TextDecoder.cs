namespace EtlTools.Core.Parsing;

/// <summary>UTF-8 is taken as it is; what is not valid is found row by row, so that the rest of a block still loads.</summary>
internal sealed class Utf8TextDecoder : TextDecoder
{
    public override bool NeedsValidation => true;

    public override int MaxTextBytes(int sourceBytes) => sourceBytes;

    public override int Decode(ReadOnlySpan<byte> source, byte[] text, ref int textLength, bool isLast)
    {
        source.CopyTo(text.AsSpan(textLength));
        textLength += source.Length;
        return source.Length;
    }

    public override long SourceLength(ReadOnlySpan<byte> text, int start, int end) => end - start;

    public override byte[] Restore(ReadOnlySpan<byte> text, int start, int end, int maxBytes) =>
        text[start..Math.Min(end, start + maxBytes)].ToArray();
}
