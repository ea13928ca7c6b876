using System.Data;
using EtlTools.Core.Recovery.Ingestions;
using Npgsql;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>The text of a stored payload, as often as it is asked for, one stream at a time.</summary>
internal sealed class StoredPayload(NpgsqlConnection connection, IngestionTable table, Guid id, bool hashes) : IAsyncDisposable
{
    private NpgsqlCommand? _command;
    private NpgsqlDataReader? _reader;
    private HashingStream? _stream;

    /// <summary>SHA-256 of the text in UTF-8; null where it was not asked for, or no stream has been read to its end.</summary>
    public string? Sha256 { get; private set; }

    /// <summary>Bytes of the longest stream so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>The row is no longer there.</summary>
    public bool IsGone { get; private set; }

    public async ValueTask<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        await CloseAsync().ConfigureAwait(false);
        _command = new NpgsqlCommand($"SELECT r.raw_payload::text FROM {table.Sql} r WHERE r.id = @id", connection);
        _command.Parameters.AddWithValue("id", id);
        _reader = await _command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken).ConfigureAwait(false);
        if (!await _reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            IsGone = true;
            return Stream.Null;
        }

        if (await _reader.IsDBNullAsync(0, cancellationToken).ConfigureAwait(false))
        {
            return Stream.Null;
        }

        _stream = new HashingStream(await _reader.GetStreamAsync(0, cancellationToken).ConfigureAwait(false), hashes && Sha256 is null);
        return _stream;
    }

    /// <summary>Lets go of the connection.</summary>
    public async ValueTask CloseAsync()
    {
        Sha256 ??= _stream?.Sha256;
        Bytes = Math.Max(Bytes, _stream?.BytesRead ?? 0);
        _stream = null;
        if (_reader is not null)
        {
            await _reader.DisposeAsync().ConfigureAwait(false);
            _reader = null;
        }

        if (_command is not null)
        {
            await _command.DisposeAsync().ConfigureAwait(false);
            _command = null;
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();
}
