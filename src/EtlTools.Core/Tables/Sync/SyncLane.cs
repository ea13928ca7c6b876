using System.Diagnostics;
using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>
/// A session of the copy and one of the source, for one table after another. The lease of a table is held by the session that
/// writes it: whoever loses the one has lost the other.
/// </summary>
internal sealed class SyncLane(EtlDatabase database, ISourceDatabase source) : IAsyncDisposable
{
    private static readonly TimeSpan PatienceForLease = TimeSpan.FromSeconds(1);

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

    /// <summary>Waits a moment: the session of an attempt that has failed may still be ending.</summary>
    /// <exception cref="EtlException">TableBusy.</exception>
    public async Task TakeLeaseAsync(string schema, string table, CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew();
            !await Connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                TrackingSql.TakeLease, new { schema, table }, cancellationToken: cancellationToken)).ConfigureAwait(false);
            await Task.Delay(50, cancellationToken).ConfigureAwait(false))
        {
            if (clock.Elapsed > PatienceForLease)
            {
                throw Busy(schema, table);
            }
        }
    }

    /// <summary>After a fault of the copy: the source is in the middle of an answer that nobody wants.</summary>
    public async Task RenewSourceAsync(CancellationToken cancellationToken)
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        _session = null;
        _session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    public static EtlException Busy(string schema, string table) => new(
        EtlErrorKind.Busy,
        "TableBusy",
        $"{schema}.{table} is being synced by somebody else.",
        table,
        "Wait for the other sync to end; Get-TableStatus shows it.");

    public Task EndLeaseAsync(string schema, string table) =>
        Connection.ExecuteAsync(new CommandDefinition(TrackingSql.EndLease, new { schema, table }));

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
