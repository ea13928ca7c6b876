using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>A database to work on. Cheap to keep: connections come from a pool and are opened when needed.</summary>
public sealed class EtlDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _dataSource;

    internal EtlDatabase(NpgsqlDataSource dataSource, string description)
    {
        _dataSource = dataSource;
        Description = description;
    }

    /// <summary>user@host:port/database, never a password.</summary>
    public string Description { get; }

    public ValueTask DisposeAsync() => _dataSource.DisposeAsync();
}
