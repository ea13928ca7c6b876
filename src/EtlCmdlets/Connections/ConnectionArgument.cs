namespace EtlTools.Cmdlets.Connections;

/// <summary>
/// What -Connection takes: a connection string, the name of a profile, or a connection. PowerShell converts through the
/// constructors; nothing is opened before the command runs, so that a mistake is the command's own error.
/// </summary>
public sealed class ConnectionArgument
{
    private readonly string _text;

    public ConnectionArgument(string text) => _text = text;

    public ConnectionArgument(EtlConnection connection)
    {
        Connection = connection;
        _text = connection.ToString();
    }

    /// <summary>The connection that was given; null where it was text.</summary>
    internal EtlConnection? Connection { get; }

    /// <summary>Null where it is a profile.</summary>
    internal string? ConnectionString => IsConnectionString ? _text : null;

    /// <summary>Null where it is a connection string.</summary>
    internal string? Profile => IsConnectionString ? null : _text;

    private bool IsConnectionString =>
        _text.Contains('=')
        || _text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase)
        || _text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase);

    /// <summary>Never the text: a connection string can hold a password.</summary>
    public override string ToString() => Connection?.ToString() ?? Profile ?? "connection string";
}
