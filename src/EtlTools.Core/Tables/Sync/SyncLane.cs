using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Sources;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>A session of the copy and one of the source, for one table after another.</summary>
internal sealed class SyncLane(EtlDatabase database, ISourceDatabase source) : IAsyncDisposable
{
    private NpgsqlConnection? _connection;
    private ISourceSession? _session;

    public EtlDatabase Database { get; } = database;

    public NpgsqlConnection Connection => _connection ?? throw new InvalidOperationException("The lane is not open.");

    public ISourceSession Source => _session ?? throw new InvalidOperationException("The lane has no source.");

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await OpenCopyAsync(cancellationToken).ConfigureAwait(false);
        _session ??= await source.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    public async Task OpenCopyAsync(CancellationToken cancellationToken)
    {
        if (_connection is null)
        {
            _connection = await Database.OpenUnpooledAsync(cancellationToken).ConfigureAwait(false);
            await _connection.ExecuteAsync(new CommandDefinition(MergeSql.SessionSettings, cancellationToken: cancellationToken)).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a statement in the copy's session.</summary>
    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) =>
        Connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));

    /// <summary>After a fault of the copy: the source is in the middle of an answer that nobody wants.</summary>
    public async Task RenewSourceAsync(CancellationToken cancellationToken)
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        _session = null;
        _session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>After a failure nobody knows what state the sessions are in. New ones are opened for the next table.</summary>
    public async Task ResetAsync()
    {
        if (_session is not null)
        {
            await _session.DisposeAsync().ConfigureAwait(false);
            _session = null;
        }

        if (_connection is not null)
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
            _connection = null;
        }
    }

    public async ValueTask DisposeAsync() => await ResetAsync().ConfigureAwait(false);
}
