using System.Security.Cryptography;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>Counts and hashes what is read through it.</summary>
internal sealed class HashingStream(Stream inner, bool hashes) : Stream
{
    private readonly IncrementalHash? _hash = hashes ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;

    public long BytesRead { get; private set; }

    /// <summary>In lower-case hexadecimal; null before the end was reached.</summary>
    public string? Sha256 { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => BytesRead;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Note(buffer.Span[..count], buffer.Length);
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = inner.Read(buffer, offset, count);
        Note(buffer.AsSpan(offset, read), count);
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            _hash?.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Note(ReadOnlySpan<byte> bytes, int asked)
    {
        BytesRead += bytes.Length;
        if (_hash is null || Sha256 is not null || asked == 0)
        {
            return;
        }

        if (bytes.Length > 0)
        {
            _hash.AppendData(bytes);
        }
        else
        {
            Sha256 = Convert.ToHexStringLower(_hash.GetHashAndReset());
        }
    }
}
