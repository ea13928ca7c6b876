namespace EtlTools.Core.Recovery.Payloads;

/// <summary>A stored payload that is to be read.</summary>
/// <param name="UserId">Whose it is. A metric that names another user is not taken.</param>
/// <param name="OpenAsync">
/// Opens the payload's text, UTF-8, from its start. It is called a second time where a list says only behind its data what it
/// holds, as it does in jsonb; the first stream is disposed of before. A stream that can seek is spared the reading up to there.
/// </param>
internal sealed record PayloadContext(Guid UserId, Func<CancellationToken, ValueTask<Stream>> OpenAsync);
