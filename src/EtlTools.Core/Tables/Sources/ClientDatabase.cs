namespace EtlTools.Core.Tables.Sources;

/// <summary>A source that is read through the database's own client.</summary>
internal sealed class ClientDatabase(SourceConnection connection) : ISourceDatabase
{
    private readonly SemaphoreSlim _finding = new(1, 1);
    private SourceClient? _client;

    public SourceConnection Connection { get; } = connection;

    public async Task<ISourceSession> OpenAsync(CancellationToken cancellationToken)
    {
        var client = await FindClientAsync(cancellationToken).ConfigureAwait(false);
        return await ClientSession.OpenAsync(client, Connection, cancellationToken).ConfigureAwait(false);
    }

    private async Task<SourceClient> FindClientAsync(CancellationToken cancellationToken)
    {
        await _finding.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _client ??= await SourceClient.FindAsync(Connection, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _finding.Release();
        }
    }
}
