using System.Net;

namespace EtlTools.Core.Tables.Sources;

/// <summary>How the way to a source is protected.</summary>
public enum SourceTls
{
    /// <summary>Verify; for a source on this machine without a certificate file, Prefer.</summary>
    Default,

    /// <summary>Encrypted, and the server's certificate is checked.</summary>
    Verify,

    /// <summary>Encrypted, whoever answers.</summary>
    Encrypt,

    /// <summary>Encrypted where the server offers it.</summary>
    Prefer,
    Off,
}

/// <summary>A MySQL or MariaDB database that tables are copied from, and what to reach it with.</summary>
public sealed record SourceConnection
{
    public const int DefaultPort = 3306;

    /// <summary>What it is called: in etl.yaml, in the ledger, in messages.</summary>
    public required string Name { get; init; }

    /// <summary>Null: what the option file says.</summary>
    public string? Host { get; init; }

    /// <summary>Null: what the option file says, or 3306.</summary>
    public int? Port { get; init; }

    public required string Database { get; init; }

    public string? UserName { get; init; }

    /// <summary>Handed to the client in its environment, never on its command line and never in a file.</summary>
    internal string? Password { get; init; }

    /// <summary>A file of the client's own kind (my.cnf), read instead of the user's.</summary>
    public string? OptionFile { get; init; }

    /// <summary>The client program; null: mariadb or mysql on the PATH.</summary>
    public string? Client { get; init; }

    public SourceTls Tls { get; init; }

    /// <summary>The certificates that the server's is checked against; null: the system's.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The zone in which timestamps are written into the copy, as MySQL names it; null: the server's own.</summary>
    public string? TimeZone { get; init; }

    /// <summary>The password, which is not shown and not compared in any list of properties.</summary>
    public SourceConnection WithPassword(string? password) => this with { Password = password };

    public override string ToString() => Host is null ? $"{Name} ({Database})" : $"{Name} ({UserName}@{Host}:{Port ?? DefaultPort}/{Database})";

    /// <param name="host">Where the source is; null: this machine.</param>
    internal SourceTls TlsTo(string? host) => (Tls, CertificateFile) switch
    {
        (not SourceTls.Default, _) => Tls,
        (_, null) when IsLocal(host) => SourceTls.Prefer,
        _ => SourceTls.Verify,
    };

    private static bool IsLocal(string? host) =>
        host is null || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
