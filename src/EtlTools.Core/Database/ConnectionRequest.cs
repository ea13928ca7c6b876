namespace EtlTools.Core.Database;

/// <summary>What the admin said about the database; all optional, the rest comes from the environment as with psql.</summary>
public sealed record ConnectionRequest
{
    /// <summary>Npgsql keywords (Host=...;Database=...) or a postgresql:// URI.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>A profile of etl.yaml.</summary>
    public string? Profile { get; init; }

    /// <summary>Path of etl.yaml; null: $ETL_CONFIG, ./etl.yaml, then the user's configuration folder.</summary>
    public string? ProfilePath { get; init; }

    /// <summary>What ./etl.yaml is relative to; null: the folder of the process.</summary>
    public string? Folder { get; init; }
    public string? UserName { get; init; }
    public string? Password { get; init; }
}

/// <summary>What answered.</summary>
public sealed record DatabaseInfo
{
    public required string Host { get; init; }
    public required int Port { get; init; }
    public required string Database { get; init; }
    public required string User { get; init; }
    public required string ServerVersion { get; init; }

    /// <summary>None, Encrypted or Verified.</summary>
    public required string Tls { get; init; }

    /// <summary>NotInitialized, Current, UpgradeNeeded, or Newer (made by a later EtlTools).</summary>
    public required string Schema { get; init; }
}
