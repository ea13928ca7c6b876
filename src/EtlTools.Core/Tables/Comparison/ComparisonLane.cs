using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Sources;
using Npgsql;

namespace EtlTools.Core.Tables.Comparison;

/// <summary>A session of the source and one of the copies, for one table after another.</summary>
internal sealed record ComparisonLane(ISourceSession Source, NpgsqlConnection Copy) : IAsyncDisposable
{
    public static async Task<ComparisonLane> OpenAsync(ISourceDatabase source, EtlDatabase copies, CancellationToken cancellationToken)
    {
        var session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return new ComparisonLane(session, await OpenCopyAsync(copies, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A session whose values have the texts that are compared.</summary>
    public static async Task<NpgsqlConnection> OpenCopyAsync(EtlDatabase database, CancellationToken cancellationToken)
    {
        var connection = await database.OpenUnpooledAsync(cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(CopyForm.Session, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        await Copy.DisposeAsync().ConfigureAwait(false);
    }
}
